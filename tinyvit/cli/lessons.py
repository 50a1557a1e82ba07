"""`tinyvit lessons`: the course from the command line."""

import argparse
import secrets
import shlex
from pathlib import Path

from .browser import port
from .flags import SUB_PARSERS, count, lesson_numbers, whole
from .output import say

FOLDER = "my-lessons"


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "lessons",
        help="the course: list, start, open, progress, reset, collect, grade, exam",
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
        ("start", run_start, "copy the lessons' notebooks into a folder of your own"),
        ("open", run_open, "start a lesson if need be, and open it in JupyterLab, one for all lessons"),
        ("reset", run_reset, "a fresh copy of a lesson, its exercises not yet passed; the old copy is kept"),
    ):
        added = action(name, run, text)
        added.add_argument("lesson", help="number of the lesson, such as 5")
        added.add_argument("--folder", default=FOLDER, help="folder of your copies (default: %(default)s)")
        if name == "open":
            _add_server_flags(added)
    action("progress", run_progress, "which exercises you have passed")
    added = action("collect", run_collect, "your own functions of lessons 1 to 12 in one file, my_vit.py")
    added.add_argument("--folder", default=FOLDER, help="folder of your copies (default: %(default)s)")
    graded = action("grade", run_grade, "run notebooks, and all code in them, and print which exercises pass")
    graded.add_argument(
        "notebooks",
        nargs="+",
        metavar="NOTEBOOK",
        help="notebooks to grade, .ipynb files; or a folder that holds a folder for each student; in several such "
        "folders, the same name is the same student",
    )
    graded.add_argument("--csv", metavar="FILE", help="write the grades as a table for spreadsheets, too")
    graded.add_argument("--key", metavar="FILE", help="key of an exam, key.json: grade its notebooks")
    graded.add_argument(
        "--seconds", type=count, default=600, help="time limit of each cell, in seconds (default: %(default)s)"
    )
    _add_exam_flags(action("exam", run_exam, "write an exam: for each student a notebook with other questions"))


def _add_exam_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="new folder: a folder for each student, and the key, key.json")
    names = parser.add_mutually_exclusive_group(required=True)
    names.add_argument("--students", nargs="+", metavar="NAME", help="names of the students")
    names.add_argument("--names", metavar="FILE", help="text file with the students' names, one a line")
    parser.add_argument(
        "--lessons", type=lesson_numbers, default="1-12", help="lessons to ask about (default: %(default)s)"
    )
    parser.add_argument("--seed", type=whole, help="seed that draws the questions; without it another one each time")
    for kind, number, what in (
        ("calculate", 5, "a number that a formula gives"),
        ("find", 2, "the wrong line of a function"),
        ("write", 2, "a function"),
    ):
        text = f"number of questions to {kind} {what} (default: %(default)s)"
        parser.add_argument(f"--{kind}", type=whole, default=number, metavar="N", help=text)


def _add_server_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=port, metavar="PORT", help="port of JupyterLab; without it a free one, 8888 or above"
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        help="address that JupyterLab listens at (default: 127.0.0.1, this machine alone; 0.0.0.0 in a container)",
    )
    parser.add_argument("--no-browser", action="store_true", help="print JupyterLab's address, and open no browser")


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
    from .lesson_copies import own_copy

    path = own_copy(options.lesson, Path(options.folder))
    folder = "" if options.folder == FOLDER else f" --folder {shlex.quote(options.folder)}"
    say(f"{path} is yours. Open it with: tinyvit lessons open {options.lesson}{folder}, or in any notebook editor")
    return 0


def run_open(options: argparse.Namespace) -> int:
    from .jupyter_lab import open_in_jupyter
    from .lesson_copies import own_copy

    path = own_copy(options.lesson, Path(options.folder))
    return open_in_jupyter(path, host=options.host, port=options.port, no_browser=options.no_browser)


def run_reset(options: argparse.Namespace) -> int:
    from ..course import EXERCISES
    from ..course.progress import forget
    from ..storage.files import set_aside
    from .lesson_copies import name_of, own_copy

    name = name_of(options.lesson)
    path = Path(options.folder) / f"{name}.ipynb"
    if path.exists():
        say(f"your old copy is {set_aside(path)}")
    problem = forget({number for number, exercise in EXERCISES.items() if exercise.lesson == int(name[:2])})
    say(f"{own_copy(options.lesson, Path(options.folder))} is fresh {problem}".rstrip())
    return 0


def run_progress(options: argparse.Namespace) -> int:
    from ..course import check

    check.progress()
    return 0


def run_grade(options: argparse.Namespace) -> int:
    from .exam import read_key
    from .grade import grade, submissions
    from .grades import say_list, table, write_csv

    key = read_key(Path(options.key)) if options.key else None
    students, grades = submissions(options.notebooks), []
    for graded in grade(students, key=key, seconds=options.seconds):
        grades.append(graded)
        if len(students) == 1:
            say_list(graded)
        else:
            say(f"{graded.student}: {graded.passes} of {len(graded.verdicts)} passed")
    if len(students) > 1:
        say("\n" + table(grades))
    if options.csv:
        write_csv(Path(options.csv), grades)
    return 0


def run_exam(options: argparse.Namespace) -> int:
    from .exam import KEY, read_names, write_exam

    folder, students = Path(options.folder), options.students or read_names(Path(options.names))
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    kinds = {"calculate": options.calculate, "find": options.find, "write": options.write}
    write_exam(folder, students, options.lessons, seed=seed, **kinds)
    say(f"{folder} holds a notebook for each of {len(students)} students; they were drawn with seed {seed}.")
    say(f"Hand out each student's folder, and keep {folder / KEY}: it has the answers.")
    say(f"Grade with: tinyvit lessons grade {shlex.quote(str(folder))} --key {shlex.quote(str(folder / KEY))}")
    return 0


def run_collect(options: argparse.Namespace) -> int:
    from ..course.collect import collect

    path, pieces, kept = collect(Path(options.folder))
    for piece in pieces:
        whose = "yours" if piece.own else f"the library's: {piece.why}"
        say(f"{piece.exercise.number:>5} {piece.exercise.name:<28} {whose}")
    if kept:
        say(f"{path.name} was not as it had been made, and is kept as {kept}")
    say(f"{path}: {sum(bool(piece.own) for piece in pieces)} of {len(pieces)} functions are yours")
    return 0
