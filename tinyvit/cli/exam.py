"""`tinyvit lessons exam`: a notebook with questions of their own for each student, and the key to grade them by."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..course import EXERCISES
from ..course.exam import exam_for, exam_notebook
from ..errors import UserError
from ..storage.files import read_file, read_json, to_json, write_file

KEY = "key.json"


def write_exam(
    folder: Path, students: Sequence[str], lessons: Sequence[int], *, seed: int, calculate: int, find: int, write: int
) -> None:
    """Write FOLDER/STUDENT/exam.ipynb for each student, and FOLDER/key.json with the answers of all.

    Raises:
        UserError: the folder is not empty, a name can be no folder's, or the lessons have too few questions.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty: an exam is written into a new folder")
    for student in students:
        if not student or student != Path(student).name or student.startswith("."):
            raise UserError(f"{student!r} can be no folder's name: name students by letters and digits")
    if not students:
        raise UserError("no student is named: name some after --students, or in the file of --names, one a line")
    if len({student.casefold() for student in students}) < len(students):  # some systems know no capitals
        raise UserError("two students have the same name: each needs a name of its own")
    exams = {
        student: exam_for(student, lessons, seed=seed, calculate=calculate, find=find, write=write)
        for student in students
    }
    key: dict[str, Any] = {"seed": seed, "lessons": list(lessons), "students": {}}
    for student, parts in exams.items():
        place = folder / student
        place.mkdir(parents=True)
        write_file(place / "exam.ipynb", to_json(exam_notebook(student, parts)))
        key["students"][student] = {part.name: part.answer for part in parts}
    write_file(folder / KEY, to_json(key))


def read_key(path: Path) -> dict[str, Any]:
    """The key of an exam.

    Raises:
        UserError: it is missing, or no such key.
    """
    key = read_json(path)
    students = key.get("students")
    if not isinstance(students, dict) or not all(map(_are_answers, students.values())):
        raise UserError(f"{path} is no key of an exam: name the {KEY} that `tinyvit lessons exam` wrote")
    return key


def read_names(path: Path) -> list[str]:
    """Names in a text file, one a line.

    Raises:
        UserError: it cannot be read.
    """
    return [line.strip() for line in read_file(path).decode("utf-8-sig", errors="replace").splitlines() if line.strip()]


def _are_answers(questions: object) -> bool:
    return isinstance(questions, dict) and all(
        answer is None if name in EXERCISES else isinstance(answer, int | float) for name, answer in questions.items()
    )
