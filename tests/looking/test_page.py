"""The page about looking: its first example runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "tinyvit" / "looking" / "README.md").read_text(encoding="utf-8")
    names = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    assert names["seen"].logits.shape == (8, 10)
