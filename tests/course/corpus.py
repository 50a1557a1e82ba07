"""Wrong answers with their true causes, and how many of them are told theirs: `python -m tests.course.corpus`.

Those of `natural_answers.txt` are written by hand, as learners write them; the others, most of them, are made: solutions
with one slip of the pen each, which the check knows by their one difference from the solution. They are counted apart.
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


def natural(path=ANSWERS):
    """The answers of `natural_answers.txt`, or of a file written like it."""
    blocks = re.split(r"^(\d+\.\d+) \| (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
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
    """How the check names the cause, "" where it does not, None if the answer is right.

    "words" of an answer written by hand, which say the cause; of a made one "planted", a known mistake that does the
    same, "line", the place, "rule", words for its kind, or "relation", what is true of its numbers in all cases.
    """
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
    by_hand, made = _counted(natural(), show), _counted(slips(), show)
    for name, count in (("written by hand", by_hand), ("made of the solutions", made), ("all", by_hand + made)):
        ways = ", ".join(f"{how or 'not named'} {n}" for how, n in sorted(count.items()))
        print(f"{name}: {count.total()} wrong answers, {named(count):.1%} named ({ways})")
    return by_hand, made


def _counted(answers, show):
    count = Counter()
    for answer in answers:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            how = told(answer)
        if how is not None:
            count[how] += 1
        if show and how == "":
            print(f"--- {answer.number}, {answer.words}\n{answer.source}")
    return count


def named(count):
    return 1 - count[""] / count.total()


if __name__ == "__main__":
    main("--show" in sys.argv)
