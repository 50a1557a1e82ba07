"""The list of slow tests names tests that there are, and none twice."""

import ast
from pathlib import Path

from tests.support.slow_list import NEVER, PAGE

ROOT = Path(__file__).parents[1]


def test_every_name_is_a_test():
    names = PAGE.read_text(encoding="utf-8").splitlines()
    assert names == sorted(set(names))
    assert not [name for name in names if name.startswith(NEVER)]
    defined = {}
    for name in names:
        file, _, test = name.partition("::")
        if file not in defined:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            defined[file] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test.partition("[")[0] in defined[file], name
