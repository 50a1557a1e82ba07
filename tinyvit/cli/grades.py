"""Grades as text: a list of one student's exercises, a table of a class, a CSV file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..course import EXERCISES
from ..course.progress import in_order
from ..storage.files import write_file
from .grade import PASSED, Graded
from .output import say

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet takes a text for a formula


def say_list(graded: Graded) -> None:
    """Print a student's exercises, one a line."""
    problem = f" ({graded.problem})" if graded.problem else ""
    say(f"{graded.student}: {graded.passes} of {len(graded.verdicts)} passed{problem}")
    for number, verdict in graded.verdicts.items():
        name = f" {EXERCISES[number].name}" if number in EXERCISES else ""
        say(f"  {number}{name}: {verdict}")


def table(grades: Sequence[Graded]) -> str:
    """One line a student: how many exercises of each lesson have passed, or of the questions of an exam."""
    columns = list(dict.fromkeys(_column(name) for name in _names(grades)))
    rows = [["student", *columns, "passed"]]
    for graded in grades:
        cells = [_cell(graded, column) for column in columns]
        rows.append([graded.student, *cells, f"{graded.passes} of {len(graded.verdicts)}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    problems = [f"{graded.student}: {graded.problem}" for graded in grades if graded.problem]
    return "\n".join([*lines, *problems])


def write_csv(path: Path, grades: Sequence[Graded]) -> None:
    """Write one row a student and one column an exercise: UTF-8 with a mark, as spreadsheets want it."""
    names, text = _names(grades), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", *names, "passed", "asked", "problem"])
    for graded in grades:
        verdicts = [graded.verdicts.get(name, "") for name in names]
        row = [graded.student, *verdicts, str(graded.passes), str(len(graded.verdicts)), graded.problem]
        writer.writerow(f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row)
    write_file(path, text.getvalue().encode("utf-8-sig", errors="replace"))


def _names(grades: Iterable[Graded]) -> list[str]:
    """All exercises and questions, in the order of the lessons."""
    return sorted({name for graded in grades for name in graded.verdicts}, key=_order)


def _order(name: str) -> tuple[bool, tuple[int, ...], str]:
    kind, _, number = name.rpartition("_")
    return name in EXERCISES, in_order(number), kind


def _column(name: str) -> str:
    """An exercise counts in the column of its lesson, a question of an exam in one of its own."""
    return f"lesson {EXERCISES[name].lesson}" if name in EXERCISES else name.replace("answer_", "q")


def _cell(graded: Graded, column: str) -> str:
    mine = [verdict for name, verdict in graded.verdicts.items() if _column(name) == column]
    if not mine:
        return ""
    passes = sum(verdict == PASSED for verdict in mine)
    return f"{passes}/{len(mine)}" if column.startswith("lesson") else ("✓" if passes else "✗")
