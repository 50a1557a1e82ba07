"""`tinyvit lessons grade`: notebooks are run, and their checks say which exercises pass."""

import os
import re
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..course import EXERCISES
from ..course.exam import mark
from ..course.verdict import Outcome
from ..errors import UserError
from .jupyter_lab import INSTALL

PASSED = Outcome.PASSED.value
NOT_RUN = "its check did not run"
NOT_THERE = "its check is not in the notebook"
NOTHING = "no notebook was handed in"
CHECK = "from tinyvit.course import check\ncheck.{name}(globals().get('{name}'))"
HAND_IN = "from tinyvit.course.exam import hand_in\nhand_in(globals())"


class Graded(NamedTuple):
    """Verdicts on a student's notebooks; an exercise in several of them has passed if it passed in one."""

    student: str
    verdicts: dict[str, str]  # by exercise or question
    problem: str = ""  # of a notebook that could not be run to its end

    @property
    def passes(self) -> int:
        return sum(verdict == PASSED for verdict in self.verdicts.values())


def submissions(paths: Sequence[str]) -> dict[str, list[Path]]:
    """The notebooks of each student: of a folder's sub-folder its name, of a notebook the notebook's.

    A folder of sub-folders alone is a class; who has no notebook in it is named, too.

    Raises:
        UserError: one is not there, or holds no notebook.
    """
    found: dict[str, list[Path]] = {}
    for given in map(Path, paths):
        if not given.exists():
            raise UserError(f"there is no {given}: name .ipynb files, or a folder with a folder for each student")
        if not given.is_dir():
            found.setdefault(str(given), []).append(given)
            continue
        notebooks = [path for path in sorted(given.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
        if not notebooks:
            raise UserError(f"{given} holds no notebook: name .ipynb files, or a folder with a folder for each student")
        if not any(path.parent == given for path in notebooks):
            folders = (path.name for path in sorted(given.iterdir()) if path.is_dir() and path.name[0] != ".")
            found |= {name: [] for name in folders if name not in found}
        for path in notebooks:
            inside = path.relative_to(given).parts
            found.setdefault(inside[0] if len(inside) > 1 else path.stem, []).append(path)
    return found


def grade(
    students: Mapping[str, Sequence[Path]], *, key: Mapping[str, Any] | None = None, seconds: int = 600
) -> Iterator[Graded]:
    """Run each student's notebooks: every check that runs counts, the last one of an exercise decides.

    Args:
        key: of an exam, as `tinyvit lessons exam` writes it: the questions of each student.
        seconds: that a cell may take.

    Raises:
        UserError: a package is missing.
    """
    try:
        import nbclient  # noqa: F401
        import nbformat  # noqa: F401
    except ImportError as error:
        raise UserError(f"grading runs notebooks, which needs the extra 'lessons': {INSTALL}") from error
    left = {} if key is None else {_composed(name): asked for name, asked in key["students"].items()}
    for student, notebooks in students.items():
        verdicts: dict[str, str] = {}
        questions = None if key is None else left.pop(_composed(student), {})
        problems = [] if questions != {} else ["the key has no such student"]
        problems += [] if notebooks else [NOTHING]
        for path in notebooks:
            found, problem = _run(path, seconds, questions)
            problems += [f"{path.name}: {problem}"] * bool(problem)
            verdicts |= {name: word for name, word in found.items() if _counts(word, verdicts.get(name))}
        yield Graded(student, verdicts, "; ".join(problems))
    for student, asked in left.items() if len(students) > 1 else ():
        yield Graded(student, {name: _marked("", answer) for name, answer in asked.items()}, NOTHING)


def _composed(name: str) -> str:
    """A name whose ö is one character: some systems write it as two."""
    return unicodedata.normalize("NFC", name)


def _counts(word: str, before: str | None) -> bool:
    """Tell whether the verdict of a further notebook takes the place of the one before."""
    return before is None or (before != PASSED and word != NOT_THERE)


def _run(path: Path, seconds: int, questions: Mapping[str, Any] | None) -> tuple[dict[str, str], str]:
    """The verdicts of a notebook's exercises, or of an exam's questions; and what stopped it, if something did."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    try:
        notebook = nbformat.read(path, 4)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    except Exception as error:  # whatever a broken file makes the package raise
        return {}, f"not a notebook ({' '.join(str(error).split())[:80]})"
    if questions is None:
        there = {number for number, e in EXERCISES.items() if re.search(rf"check\.{e.name}\(", text)}
        lessons = {EXERCISES[number].lesson for number in there}
        asked = [number for number, exercise in EXERCISES.items() if exercise.lesson in lessons]
    else:
        asked = list(questions)
        checks = [CHECK.format(name=EXERCISES[name].name) for name in asked if name in EXERCISES]
        notebook.cells += map(nbformat.v4.new_code_cell, [*checks, HAND_IN])
    with tempfile.TemporaryDirectory() as home:
        grades, problem = Path(home) / "grades", ""
        client = NotebookClient(
            notebook,
            timeout=seconds,
            kernel_name="python3",  # of this environment, whatever the learner's was called
            allow_errors=True,
            resources={"metadata": {"path": str(path.parent)}},
        )
        environment = os.environ | {"TINYVIT_GRADES": str(grades), "TINYVIT_HOME": home}
        try:
            client.execute(env=environment, stderr=subprocess.DEVNULL)  # the kernel's own remarks
        except (CellTimeoutError, DeadKernelError) as error:
            problem = f"it was stopped: {type(error).__name__}"
        lines = grades.read_text(encoding="utf-8", errors="replace").splitlines() if grades.exists() else []
    found = {name: word for name, _, word in (line.partition(" ") for line in lines)}
    if questions is None:
        return {n: found.get(n, NOT_RUN if n in there else NOT_THERE) for n in asked}, problem
    return {name: _marked(found.get(name, ""), answer) for name, answer in questions.items()}, problem


def _marked(found: str, answer: float | None) -> str:
    return (found or NOT_RUN) if answer is None else mark(found, answer)
