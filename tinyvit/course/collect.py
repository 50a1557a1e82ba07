"""Collection of a learner's own functions, out of the notebooks of lessons 1 to 12, into one file, `my_vit.py`.

Notebooks are read, not run. A function is called by its exercise's check alone; what is missing, or not right yet, is
the library's, and the file says so.
"""

import hashlib
import io
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from ..errors import UserError, one_line
from ..storage.files import set_aside, write_file
from .definitions import Definition, NotCollectable, definitions_in, needed_by
from .exercise import EXERCISES, Exercise, Function
from .judge import judge
from .texts import texts
from .verdict import Outcome

FILE = "my_vit.py"
LAST_LESSON = 12
MADE = "# Made by `tinyvit lessons collect`: "


class Piece(NamedTuple):
    """One exercise's function: the learner's own, or the library's and why."""

    exercise: Exercise
    own: tuple[Definition, ...]  # what its notebook gives it, then the function; none if it is the library's
    why: str

    @property
    def paragraphs(self) -> list[str]:
        """Lines of the file, besides its imports."""
        name, module = self.exercise.name, self.exercise.solution.__module__
        if self.own:
            return [one.text for one in self.own if not one.is_import]
        why = f"# {self.exercise.number} {name} is not mine but the library's: {self.why}."
        return [f"{why}\nfrom {module} import {name}"]


def pieces_in(folder: Path) -> list[Piece]:
    """The function of every exercise of lessons 1 to 12: its notebook's in `folder`, if that passes its check."""
    found: list[Piece] = []
    asked = [exercise for exercise in EXERCISES.values() if 1 <= exercise.lesson <= LAST_LESSON]
    others = {exercise.name for exercise in asked}  # of which the file has its own
    taken: dict[str, str] = {}  # names in the file, and what they stand for
    for exercise in asked:
        try:
            own = [one for one in _own(exercise, folder) if one.name == exercise.name or one.name not in others]
            for one in own:
                if taken.get(one.name, one.text) != one.text:
                    raise NotCollectable(f"`{one.name}` is something else in another lesson")
            taken |= {one.name: one.text for one in own}
            found.append(Piece(exercise, tuple(own), ""))
        except NotCollectable as error:
            found.append(Piece(exercise, (), one_line(error)))
    return found


def collect(folder: Path) -> tuple[Path, list[Piece], Path | None]:
    """Write `my_vit.py` into `folder`; returns its path, its functions, and where an edited one is kept that was there.

    Raises:
        UserError: `folder` is none, or cannot be written.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: begin with tinyvit lessons start 0, or name yours with --folder")
    pieces = pieces_in(folder)
    path, text, kept = folder / FILE, _file_of(pieces), None
    if path.exists() and not _as_made(path):
        kept = set_aside(path)
    write_file(path, text.encode())
    return path, pieces, kept


def replace_failing(functions: Mapping[str, Function]) -> tuple[dict[str, Function], dict[str, bool]]:
    """Replace each function that does not pass its exercise's check by the library's; also tells which are kept."""
    own = {number: judge(EXERCISES[number], each).outcome is Outcome.PASSED for number, each in functions.items()}
    return {number: each if own[number] else EXERCISES[number].solution for number, each in functions.items()}, own


def load_functions(path: Path) -> ModuleType:
    """The module in a Python file."""
    module = ModuleType(path.stem)
    _Loader(path.stem, str(path)).exec_module(module)
    return module


class _Loader(SourceFileLoader):
    """Leaves no bytecode behind, which would be taken for that of a file written in the same second."""

    def set_data(self, *_: Any, **__: Any) -> None:
        pass


def _own(exercise: Exercise, folder: Path) -> list[Definition]:
    """The learner's function, what it needs before it.

    Raises:
        NotCollectable: there is none that passes its check.
    """
    lesson = next(name for name in texts()["lessons"] if int(name[:2]) == exercise.lesson)
    known = definitions_in(folder / f"{lesson}.ipynb")
    if exercise.name not in known:
        raise NotCollectable(f"{lesson}.ipynb has no function of this name")
    own = needed_by(exercise.name, known)
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings(action="ignore"):
        file = Path(place) / f"{lesson}.py"
        parts = ["from __future__ import annotations", *(one.text for one in own)]
        file.write_text("\n\n\n".join(parts), encoding="utf-8")
        try:
            with redirect_stdout(io.StringIO()):
                verdict = judge(exercise, getattr(load_functions(file), exercise.name))
        except (Exception, SystemExit) as error:
            raise NotCollectable(f"it cannot be checked ({type(error).__name__}: {error})") from error
    if verdict.outcome is Outcome.NOT_ATTEMPTED:
        raise NotCollectable(verdict.sentence or "nothing written yet")
    if verdict.outcome is not Outcome.PASSED:
        raise NotCollectable(f"its check says: not right yet, {verdict.sentence}")
    return own


def _file_of(pieces: list[Piece]) -> str:
    mine = [piece for piece in pieces if piece.own]
    head = f"My Vision Transformer: {len(mine)} of {len(pieces)} functions are mine, from lessons 1 to {LAST_LESSON}."
    imports = {one.text for piece in mine for one in piece.own if one.is_import}
    paragraphs = ["\n".join([f'"""{head}"""\n\nfrom __future__ import annotations\n', *sorted(imports)])]
    for lesson, group in groupby(pieces, key=lambda piece: piece.exercise.lesson):
        title = next(facts["title"] for name, facts in texts()["lessons"].items() if int(name[:2]) == lesson)
        paragraphs += [f"# --- Lesson {lesson}: {title} ---", *(part for piece in group for part in piece.paragraphs)]
    text = "\n\n\n".join(dict.fromkeys(paragraphs)) + "\n"  # a helper of two functions stands once
    return f"{text}\n\n{MADE}{_sum_of(text)}\n"


def _sum_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _as_made(path: Path) -> bool:
    """Tell whether the file is as `collect` wrote it."""
    try:
        text, _, code = path.read_text(encoding="utf-8").rpartition(f"\n\n{MADE}")
    except (OSError, ValueError):
        return False
    return code.strip() == _sum_of(text)
