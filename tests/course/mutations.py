"""Wrong versions of every solution, made by small edits of its syntax tree; the checks must refuse them all.

`python -m tests.course.mutations [numbers]` makes them, runs the checks on them and prints how many were refused; those
that pass are listed, and must stand in `equal_mutants.txt` with the reason why they are right all the same.
"""

import ast
import copy
import difflib
import linecache
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.course import edits, spoilers
from tinyvit.course import EXERCISES
from tinyvit.course.bug_hunt import NAMES
from tinyvit.course.judge import _cases, _Watched
from tinyvit.course.texts import texts
from tinyvit.course.watch import CallsTinyvit

EQUAL = Path(__file__).with_name("equal_mutants.txt")
ENOUGH = 100


class Mutant(NamedTuple):
    """One wrong version of a solution."""

    number: str  # of the exercise
    kind: str  # of the edit: "a sign", "an axis"
    source: str
    line: int  # of the edit, 1 for the def

    @property
    def change(self):
        """The solution's lines that went and those that came: how a mutant is known in `equal_mutants.txt`."""
        told, at = [], {"-": 0, "+": 0}
        for line in difflib.ndiff(original(self.number).splitlines(), self.source.splitlines()):
            sign, text = line[0], line[2:].strip()
            for side in at:
                at[side] += sign in (" ", side)
            if sign in at:
                told.append(f"{sign}{at[sign]} {text}")
        return " ; ".join(told)


def original(number):
    """The solution without its docstring, as Python would write it."""
    return ast.unparse(solution_tree(number))


def solution_tree(number):
    tree = ast.parse(texts()["exercises"][number]["solution"])
    function = tree.body[0]
    if isinstance(function.body[0], ast.Expr):
        function.body = function.body[1:]
    return ast.parse(ast.unparse(tree))


def mutants(number):
    """All different versions of a solution that one edit makes."""
    tree, seen = solution_tree(number), {original(number)}
    for index, node in enumerate(ast.walk(tree)):
        for kind, new in edits.of(node, tree.body[0]):
            twin = copy.deepcopy(tree)
            place = next(other for i, other in enumerate(ast.walk(twin)) if i == index)
            edits.replace(twin, place, new)
            source = ast.unparse(ast.fix_missing_locations(twin))
            if source not in seen:
                seen.add(source)
                yield Mutant(number, kind, source, getattr(node, "lineno", 1))


def function_of(source, name):
    """The function as it would stand in a learner's notebook."""
    file = f"<mutant {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = NAMES | spoilers.HELPERS
    exec(compile(source, file, "exec"), names)
    return names[name]


def refused(mutant, seeds=(0,)):
    """Does the check refuse it?"""
    exercise = EXERCISES[mutant.number]
    function = function_of(mutant.source, exercise.name)
    spoilers.DONE.clear()
    for seed in seeds:
        watched = _Watched(exercise, function)
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            for case in _cases(exercise, seed):
                try:
                    watched.call(case)
                except (NotImplementedError, CallsTinyvit):
                    return True
                if not watched.judged[-1].right:
                    return True
    return False


def is_one(mutant):
    """Did its edit change anything at all, as a float32 in place of a float64 does, but not one in place of a whole?"""
    return bool(spoilers.DONE) or not any(f"{name}(" in mutant.source for name in spoilers.HELPERS)


def known_equal():
    """Mutants that are right all the same, each with its reason: {(number, change): reason}."""
    found = {}
    for line in EQUAL.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            number, rest = line.split(" | ", 1)
            change, reason = rest.rsplit(" | ", 1)  # a change may have the operator | in it
            found[number, change] = reason
    return found


def main(numbers):
    equal, total = known_equal() if EQUAL.exists() else {}, Counter()
    for number in numbers or EXERCISES:
        made = list(mutants(number))
        passed = [mutant for mutant in made if not refused(mutant) and is_one(mutant)]
        unknown = [mutant for mutant in passed if (number, mutant.change) not in equal]
        total.update(made=len(made), refused=len(made) - len(passed), equal=len(passed) - len(unknown))
        few = "" if len(made) >= ENOUGH else f", fewer than {ENOUGH}: the solution is short"
        print(
            f"{number:>5}: {len(made)} made, {len(made) - len(passed)} refused, {len(passed)} passed{few}", flush=True
        )
        for mutant in unknown:
            print(f"       {number} | {mutant.change} | {mutant.kind}")
    print(f"in all {total['made']} made, {total['refused']} refused, {total['equal']} equal")
    return int(total["made"] != total["refused"] + total["equal"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
