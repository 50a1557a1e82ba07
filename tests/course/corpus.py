"""Wrong answers with their true causes, and how many of them are told theirs: `python -m tests.course.corpus`.

Those of `natural_answers.txt` are as learners write them; the others are solutions with one slip of the pen each.
"""

import re
import sys
import warnings
from collections import Counter
from typing import NamedTuple

import numpy as np

from tests.course import spoilers
from tests.course.mutations import EQUAL, function_of, mutants
from tinyvit.course import EXERCISES
from tinyvit.course.judge import Outcome, judge
from tinyvit.course.texts import texts

ANSWERS = EQUAL.with_name("natural_answers.txt")
SLIPS = 11  # of each exercise
RULES = {
    "a missing line": "is not defined|cannot access local",
    "an input is passed back": "it returned|passed back|got shape|got one number",
    "no return": "is the return missing",
    "a tuple of one": "a comma at the end",
    "an input changed in place": "changed in place",
    "float32": "float32",
    "results in another order": "order",
    "a result is missing": "it returned|bracketed|missing",
    "a spoiled result": "got one number|came as a list|returned",
}


class Answer(NamedTuple):
    """A wrong function and what names its cause: words, or the line in which the slip is."""

    number: str
    source: str
    words: str
    line: int = 0


def natural():
    """The answers of `natural_answers.txt`."""
    blocks = re.split(r"^(\d+\.\d+) \| (.+)$", ANSWERS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for number, words, body in zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True):
        head = re.search(r"^def .*:$", texts()["exercises"][number]["solution"], re.MULTILINE)[0]
        lines = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
        yield Answer(number, f"{head}\n{lines}", words.strip())


def slips():
    """Slips of the pen, a few of each exercise."""
    for number in EXERCISES:
        made = list(mutants(number))
        order = np.random.default_rng(int(float(number) * 10) + 7).permutation(len(made))
        for mutant in (made[index] for index in order[:SLIPS]):
            yield Answer(number, mutant.source, RULES.get(mutant.kind, "(?!)"), mutant.line)


def told(answer):
    """How the check names the cause: "planted", "line", "rule", "relation", or "" where it does not; None if it is right."""
    exercise = EXERCISES[answer.number]
    spoilers.DONE.clear()
    verdict = judge(exercise, function_of(answer.source, exercise.name), seed=1)
    if verdict.outcome is Outcome.PASSED:
        return None
    said = f"{verdict.sentence}\n{verdict.guess}"
    if not answer.line:
        return "words" if re.search(answer.words, said) else ""
    if verdict.guess in exercise.mistakes:  # which does on every case what this function does
        return "planted"
    if line := re.match(r"look at line (\d+)", verdict.guess):
        return "line" if abs(int(line[1]) - answer.line) <= 1 else ""
    return "rule" if re.search(answer.words, said) else "relation" if verdict.guess else ""


def main(show):
    count, unnamed = Counter(), []
    for answer in [*natural(), *slips()]:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            how = told(answer)
        if how is not None:
            count[how or "not named"] += 1
            unnamed += [answer] if not how else []
    total = sum(count.values())
    for answer in unnamed if show else ():
        print(f"--- {answer.number}, {answer.words}\n{answer.source}")
    print(f"{total} wrong answers: {', '.join(f'{how} {n}' for how, n in sorted(count.items()))}")
    print(f"named: {1 - count['not named'] / total:.1%}")
    return total, 1 - count["not named"] / total


if __name__ == "__main__":
    main("--show" in sys.argv)
