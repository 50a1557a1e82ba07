"""An exam: for each student a notebook with questions of their own, drawn by seed, and a key with the answers.

All students get the same topics. There are three kinds of questions: to calculate, with other numbers for each student;
to find, a wrong line in a function, another line for each; to write, a function of the course, judged by its check.
The notebooks need Jupyter and NumPy alone: tinyvit knows the solutions, and need not be where the exam is written.
"""

import math
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..errors import UserError
from .bug_hunt import broken_source
from .exam_questions import TEMPLATES, Question, Template
from .exam_slips import slips_of
from .exercise import EXERCISES
from .texts import texts
from .verdict import Outcome

TOLERANCE = 0.01  # of a calculated answer, relative
ROUNDING = 1e-6
TRIES = 1000  # to draw numbers that tell right from wrong
ANSWER = re.compile(r"answer_\d+")
BEYOND_NUMPY = re.compile(r"\b(ops|json|AdamW|array_module|tinyvit)\b")
Topic = TypeVar("Topic")


class Part(NamedTuple):
    """A question in one student's exam."""

    name: str  # of the answer: "answer_3", or the number of an exercise
    title: str
    text: str  # Markdown
    cell: str  # code that the student completes
    answer: float | None  # None: the exercise's check decides


def exam_for(
    student: str, lessons: Sequence[int], *, seed: int, calculate: int = 5, find: int = 2, write: int = 2
) -> list[Part]:
    """The questions of one student, so many of each kind: topics are drawn by seed, the rest by seed and student.

    Raises:
        UserError: these lessons have not so many.
    """
    topics, own = np.random.default_rng(seed), np.random.default_rng([seed, zlib.crc32(student.encode())])
    exercises = [n for n, exercise in EXERCISES.items() if exercise.lesson in lessons and _needs_numpy_alone(n)]
    templates = _draw(topics, [t for lesson in lessons for t in TEMPLATES.get(lesson, ())], calculate, "calculate")
    to_write = _draw(topics, exercises, write, "write")
    to_find = _draw(topics, [n for n in exercises if n not in to_write and _has_places(n)], find, "find")
    parts: list[Part] = []
    for template in templates:
        question = telling(template, own)
        name = f"answer_{len(parts) + 1}"
        parts.append(Part(name, question.title, question.text, f"{name} = None  # a number", question.answer))
    for number in to_find:
        hunt = slips_of(number)[own.integers(len(slips_of(number)))]
        name = f"answer_{len(parts) + 1}"
        lines = "\n".join(f"{n:>2}  {line}" for n, line in enumerate(broken_source(hunt).splitlines(), start=1))
        text = f"{_goal(number)}\n\nOne line is wrong here. Which?\n\n```\n{lines}\n```"
        parts.append(Part(name, f"`{EXERCISES[number].name}`", text, f"{name} = None  # a line's number", hunt.line))
    for number in to_write:
        stub = texts()["exercises"][number]["stub"]
        parts.append(Part(number, f"`{EXERCISES[number].name}`", _goal(number), stub, None))
    return parts


def telling(template: Template, rng: np.random.Generator) -> Question:
    """A question whose usual mistakes come to other numbers, so that none of them is marked as right."""
    questions = (template(rng) for _ in range(TRIES))
    return next(one for one in questions if not any(is_right(slip, one.answer) for slip in one.slips))


def exam_notebook(student: str, parts: Sequence[Part]) -> dict[str, Any]:
    """The notebook of a student: nbformat 4.5, as JSON has it."""
    rules = "Write in place of each `None`, and in place of each line that raises an error. Numbers that are not whole "
    rules += "need three significant digits: 75.3, or 0.00418."
    cells = [_cell("markdown", f"# Exam: {student}\n\n{rules}"), _cell("code", "import math\n\nimport numpy as np")]
    for index, part in enumerate(parts, start=1):
        cells += [_cell("markdown", f"## {index}. {part.title}\n\n{part.text}"), _cell("code", part.cell)]
    cells = [cell | {"id": f"cell-{index}"} for index, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def hand_in(names: Mapping[str, Any]) -> None:
    """Add the answers among a notebook's names to the file TINYVIT_GRADES, one a line."""
    with open(os.environ["TINYVIT_GRADES"], "a", encoding="utf-8") as file:
        file.writelines(f"{name} {_as_number(value)}\n" for name, value in names.items() if ANSWER.fullmatch(name))


def mark(found: str, answer: float) -> str:
    """The verdict on an answer as `hand_in` writes it: whole numbers must be equal, others come near."""
    if found in ("", "None"):
        return Outcome.NOT_ATTEMPTED.value
    return (Outcome.PASSED if is_right(float(found), answer) else Outcome.WRONG_VALUE).value


def is_right(number: float, answer: float) -> bool:
    """A whole number must be right but for rounding, any other to one percent."""
    tolerance = 0.0 if float(answer).is_integer() else TOLERANCE
    return math.isclose(number, answer, rel_tol=tolerance, abs_tol=ROUNDING)


def _as_number(value: object) -> float | None:
    """None for nothing; NaN, which is no answer's, for what is no number."""
    try:
        return None if value is None else float(value)  # type: ignore[arg-type]
    except Exception:  # a student's own kind of object
        return math.nan


def _draw(rng: np.random.Generator, topics: list[Topic], count: int, kind: str) -> list[Topic]:
    if count > len(topics):
        raise UserError(f"these lessons have {len(topics)} questions to {kind}, and not {count}: ask for fewer")
    return [topics[index] for index in sorted(rng.permutation(len(topics))[:count])]


def _needs_numpy_alone(number: str) -> bool:
    facts = texts()["exercises"][number]
    return not BEYOND_NUMPY.search(facts["goal"] + facts["solution"])


def _has_places(number: str) -> bool:
    """Has it slips in several lines, so that students have different ones?"""
    return len({hunt.line for hunt in slips_of(number)}) > 1


def _goal(number: str) -> str:
    """The goal of an exercise, without how hard it is, and how long it takes in the course."""
    goal = re.sub(r"\s*●[●○]*.*?\sminutes\.", "", texts()["exercises"][number]["goal"], flags=re.DOTALL).strip()
    return goal[:1].upper() + goal[1:]


def _cell(kind: str, source: str) -> dict[str, Any]:
    outputs: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **outputs}
