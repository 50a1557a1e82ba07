"""A learner's own copies of the lessons: made where they are missing, never overwritten."""

import json
import os
import re
from pathlib import Path
from urllib.parse import quote

from ..errors import UserError
from ..storage.files import write_file

LESSONS = Path(__file__).parents[2] / "lessons"  # beside the package in a clone of the repository


def name_of(lesson: str) -> str:
    """The name of a lesson by its number.

    Raises:
        UserError: there is none with this number.
    """
    from ..course import check

    names = list(check.texts()["lessons"])
    found = [name for name in names if lesson.isdigit() and int(name[:2]) == int(lesson)]
    if not found:
        raise UserError(f"there is no lesson {lesson!r}: choose from {', '.join(str(int(name[:2])) for name in names)}")
    return found[0]


def own_copy(lesson: str, folder: Path) -> Path:
    """The copy of a lesson in `folder`, beside copies of all others: the last line of a lesson leads to the next.

    Raises:
        UserError: there is no such lesson, this is no clone of the repository, or the folder cannot be made.
    """
    path = folder / f"{name_of(lesson)}.ipynb"
    sources = sorted(LESSONS.glob("[0-9]*.ipynb"))
    if not sources:
        raise UserError(
            "the notebooks are not part of an installed package: clone the repository and install from there"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make {folder} ({error.strerror}): choose another --folder") from error
    for source in sources:
        if not (folder / source.name).exists():
            write_file(folder / source.name, _with_links_from(folder, source).encode())
    return path


def _with_links_from(folder: Path, source: Path) -> str:
    """The text of a notebook whose links lead to where they did, once it lies in `folder`; to a lesson, to its copy."""

    def moved(link: re.Match[str]) -> str:
        if re.fullmatch(r"\d[^/]*\.ipynb", link[1]):
            return link[0]
        target = source.parent / link[1]
        try:
            return f"]({quote(Path(os.path.relpath(target, folder)).as_posix())})"
        except ValueError:  # on Windows: another drive
            return f"]({target.resolve().as_uri()})"

    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(r"\]\((?!https?:|#)([^)\s]+)\)", moved, "".join(cell["source"]))
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
