"""`tinyvit lessons`: the course from the command line."""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from ..errors import UserError
from ..storage.files import write_file
from .flags import SUB_PARSERS
from .output import say

INSTALL = "python -m pip install -e '.[lessons]'"


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "lessons",
        help="the course: list, start, open, progress, reset, grade",
        description="The course, lesson by lesson.",
    )
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(metavar="ACTION")

    def action(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + "."
        )
        added.set_defaults(run=run)
        return added

    action("list", run_list, "all lessons, and how far you are")
    for name, run, text in (
        ("start", run_start, "copy a lesson's notebook into a folder of your own"),
        ("open", run_open, "start a lesson if need be, and open it in JupyterLab"),
        ("reset", run_reset, "a fresh copy of a lesson, its exercises not yet passed; the old copy is kept"),
    ):
        added = action(name, run, text)
        added.add_argument("lesson", help="number of the lesson, such as 5")
        added.add_argument("--folder", default="my-lessons", help="folder of your copies (default: %(default)s)")
    action("progress", run_progress, "which exercises you have passed")
    graded = action("grade", run_grade, "run notebooks and print which exercises pass")
    graded.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="notebooks to grade, .ipynb files")


def run_list(options: argparse.Namespace) -> int:
    from ..course import EXERCISES, check
    from ..course.progress import passed

    done = set(passed())
    say("     lesson                                        minutes   exercises passed")
    for name, facts in check.texts()["lessons"].items():
        numbers = [number for number, exercise in EXERCISES.items() if exercise.lesson == int(name[:2])]
        count = f"{len(done.intersection(numbers))} of {len(numbers)}" if numbers else ""
        say(f"{name[:2]:>4} {facts['title']:<45} {facts['minutes']:>7}   {count}")
    say("\nOpen one with: tinyvit lessons open NUMBER")
    return 0


def run_start(options: argparse.Namespace) -> int:
    path = _started(options)
    say(f"{path} is yours. Open it with: tinyvit lessons open {options.lesson}, or in any notebook editor")
    return 0


def run_open(options: argparse.Namespace) -> int:
    path = _started(options)
    if importlib.util.find_spec("jupyterlab") is None:
        raise UserError(f"JupyterLab is not installed: {INSTALL}, or open {path} in any notebook editor")
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(path)])


def run_reset(options: argparse.Namespace) -> int:
    from ..course import EXERCISES
    from ..course.progress import forget

    name = _name(options.lesson)
    path = Path(options.folder) / f"{name}.ipynb"
    if path.exists():
        kept = next(p for n in range(1, 10**6) if not (p := path.with_suffix(f".old{n}.ipynb")).exists())
        path.rename(kept)
        say(f"your old copy is {kept}")
    problem = forget({number for number, exercise in EXERCISES.items() if exercise.lesson == int(name[:2])})
    say(f"{_started(options)} is fresh {problem}".rstrip())
    return 0


def run_progress(options: argparse.Namespace) -> int:
    from ..course import check

    check.progress()
    return 0


def run_grade(options: argparse.Namespace) -> int:
    """Every check that runs in a notebook counts; the last one of an exercise decides."""
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise UserError(f"grading runs notebooks, which needs the extra 'lessons': {INSTALL}") from error
    from ..course import EXERCISES

    for given in options.notebooks:
        path = Path(given)
        try:
            notebook = nbformat.read(path, 4)
        except Exception as error:
            raise UserError(f"{given} is not a notebook ({error}): name .ipynb files") from error
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        asked = [number for number, e in EXERCISES.items() if re.search(rf"check\.{e.name}\(", text)]
        with tempfile.TemporaryDirectory() as home:
            grades = Path(home) / "grades"
            environment = os.environ | {"TINYVIT_GRADES": str(grades), "TINYVIT_HOME": home}
            client = NotebookClient(
                notebook,
                timeout=600,
                kernel_name="python3",  # of this environment, whatever the learner's was called
                allow_errors=True,
                resources={"metadata": {"path": str(path.parent)}},
            )
            try:
                client.execute(env=environment, stderr=subprocess.DEVNULL)  # the kernel's own remarks
                problem = ""
            except (CellTimeoutError, DeadKernelError) as error:
                problem = f" (it was stopped: {type(error).__name__})"
            lines = grades.read_text(encoding="utf-8").splitlines() if grades.exists() else []
            found = dict(line.split(" ", 1) for line in lines)
        passes = [number for number in asked if found.get(number) == "passed"]
        say(f"{given}: {len(passes)} of {len(asked)} passed{problem}")
        for number in asked:
            say(f"  {number} {EXERCISES[number].name}: {found.get(number, 'its check did not run')}")
    return 0


def _lessons() -> Path:
    """The folder with the notebooks, which stands beside the package in a clone of the repository."""
    return Path(__file__).parents[2] / "lessons"


def _name(lesson: str) -> str:
    from ..course import check

    names = list(check.texts()["lessons"])
    found = [name for name in names if lesson.isdigit() and int(name[:2]) == int(lesson)]
    if not found:
        raise UserError(f"there is no lesson {lesson!r}: choose from {', '.join(str(int(name[:2])) for name in names)}")
    return found[0]


def _started(options: argparse.Namespace) -> Path:
    """The learner's copy of a lesson; made if it is not there, never overwritten."""
    name = _name(options.lesson)
    source, path = _lessons() / f"{name}.ipynb", Path(options.folder) / f"{name}.ipynb"
    if not source.exists():
        raise UserError(
            "the notebooks are not part of an installed package: clone the repository and install from there"
        )
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make {path.parent} ({error.strerror}): choose another --folder") from error
        write_file(path, _with_links_from(path.parent, source).encode())
    return path


def _with_links_from(folder: Path, source: Path) -> str:
    """The text of a notebook whose links lead to where they did, once it lies in `folder`."""

    def moved(link: re.Match[str]) -> str:
        path = Path(os.path.relpath(source.parent / link[1], folder))
        return f"]({quote(path.as_posix())})"

    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(r"\]\((?!https?:|#)([^)\s]+)\)", moved, "".join(cell["source"]))
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
