"""Make the notebooks from their sources, one way: `python lessons/build.py`; with `--check`, see if they are fresh.

src/NN_slug.py  ->  NN_slug.ipynb             exercises as stubs, no outputs
                    solutions/NN_slug.ipynb   solved and executed
all sources     ->  tinyvit/course/lessons.json     titles, minutes, hints, stubs and solutions

A source is Python in jupytext's percent format. A cell `# %% exercise="5.1"` holds one function, whose body stands
between BEGIN SOLUTION and END SOLUTION; a cell `# %% [markdown] hints="5.1"` holds its hints, a line `---` between.
`--slides` makes lessons/slides/NN_slug.html of the solved notebooks, see slides.py.
`# %% drawing=true` is a cell that only draws: its code is folded away. Lines such as `my_guess = 50  # % of the digits`
are `my_guess = None  # % of the digits` in the exercises.
"""

import argparse
import copy
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

LESSONS = Path(__file__).parent
TEXTS = LESSONS.parent / "tinyvit" / "course" / "lessons.json"
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION\n?", re.DOTALL | re.MULTILINE)
OWN_WORDS = re.compile(r"^(my_guess|my_suspect) = .*?(  # .*)$", re.MULTILINE)  # a learner's guess, or suspect
FOLDED = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}  # to JupyterLab, to MyST-NB
MAX_BYTES = 300_000  # bytes of a notebook, so that GitHub shows it


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers, such as 05; all that have changed if left out")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if something is out of date")
    parser.add_argument("--all", action="store_true", help="run also those that have not changed")
    parser.add_argument("--slides", action="store_true", help="make slides of the solved lessons, in lessons/slides/")
    parser.add_argument(
        "--packages", type=Path, metavar="FOLDER", help="node_modules, for slides without a network: see slides.py"
    )
    options = parser.parse_args(argv)
    if options.slides:
        return make_slides(options.lessons, options.packages)
    stale, texts = [], {"lessons": {}, "exercises": {}}
    for path in sorted((LESSONS / "src").glob("*.py")):
        source = jupytext.read(path)
        texts["lessons"][path.stem] = lesson_facts(source)
        texts["exercises"] |= exercise_texts(path.stem, source)
        wanted = not options.lessons or path.stem[:2] in options.lessons
        if not wanted:
            continue
        exercise, solved = LESSONS / f"{path.stem}.ipynb", LESSONS / "solutions" / f"{path.stem}.ipynb"
        stub_text = nbformat.writes(notebook(path.stem, source, solved=False)) + "\n"
        solution = notebook(path.stem, source, solved=True)
        if not exercise.exists() or exercise.read_text(encoding="utf-8") != stub_text:
            stale.append(exercise)
            if not options.check:
                exercise.write_text(stub_text, encoding="utf-8")
        before = nbformat.read(solved, 4) if solved.exists() else nbformat.v4.new_notebook()
        if options.all or cells_of(before) != cells_of(solution):
            stale.append(solved)
            if not options.check:
                same_code = not options.all and code_of(before) == code_of(solution)
                done = with_outputs(solution, before) if same_code else executed(solution)
                solved.write_text(nbformat.writes(done) + "\n", encoding="utf-8")
        if solved.exists() and solved.stat().st_size > MAX_BYTES:
            print(f"{solved.name} has {solved.stat().st_size:,} bytes, more than {MAX_BYTES:,}: draw less")
            return 1
    text = json.dumps(texts, indent=1, ensure_ascii=False) + "\n"
    if not TEXTS.exists() or TEXTS.read_text(encoding="utf-8") != text:
        stale.append(TEXTS)
        if not options.check:
            TEXTS.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{'out of date' if options.check else 'written'}: {path.relative_to(LESSONS.parent)}")
    if options.check and stale:
        print("run python lessons/build.py and commit what it writes")
        return 1
    return 0


def make_slides(wanted: list[str], packages: Path | None) -> int:
    """Slides of the lessons with these numbers, or of all."""
    from slides import write_slides

    for path in sorted((LESSONS / "src").glob("*.py")):
        if not wanted or path.stem[:2] in wanted:
            texts = exercise_texts(path.stem, jupytext.read(path)).values()
            stubs = {text["solution"]: text["stub"] for text in texts}
            written = write_slides(
                LESSONS / "solutions" / f"{path.stem}.ipynb", stubs, LESSONS / "slides", packages=packages
            )
            print(f"written: {written.relative_to(LESSONS.parent)}")
    return 0


def notebook(slug: str, source: nbformat.NotebookNode, *, solved: bool) -> nbformat.NotebookNode:
    """The notebook of a lesson, not executed."""
    cells = []
    for index, cell in enumerate(source.cells):
        text = cell.source
        if number := cell.metadata.get("exercise"):
            text = solution_of(text) if solved else stub_of(number, text)
        elif number := cell.metadata.get("hints"):
            text = folded_hints(slug, hints_of(text), solved=solved)
        elif not solved:
            text = OWN_WORDS.sub(r"\1 = None\2", text)
        if solved and cell.cell_type == "markdown":
            text = text.replace("](../", "](../../")  # one folder deeper
        make = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
        name = hashlib.sha256(f"{slug} {index}".encode()).hexdigest()[:8]
        cells.append(make(text, id=name, metadata=copy.deepcopy(FOLDED) if cell.metadata.get("drawing") else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}, nbformat_minor=5
    )


def executed(solution: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with its outputs; a check that does not pass stops it."""
    with tempfile.TemporaryDirectory() as home:
        for lesson in (LESSONS / "solutions").glob("*.ipynb"):
            shutil.copy(lesson, home)  # as a learner's own copies, of which lesson 18 takes the functions
        environment = os.environ | {"TINYVIT_STRICT": "1", "TINYVIT_STILL": "1", "TINYVIT_HOME": home}
        client = NotebookClient(solution, timeout=600, record_timing=False, resources={"metadata": {"path": home}})
        client.execute(env=environment, stderr=subprocess.DEVNULL)  # the kernel's own remarks
    solution.metadata.language_info = {"name": "python"}
    return solution


def with_outputs(solution: nbformat.NotebookNode, before: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the outputs that the same code had before: only its words have changed."""
    ran = iter([cell for cell in before.cells if cell.cell_type == "code"])
    for cell in solution.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = (old := next(ran)).outputs, old.execution_count
    return solution


def cells_of(book: nbformat.NotebookNode) -> list[tuple[object, ...]]:
    return [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in book.cells]


def code_of(book: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in book.cells if cell.cell_type == "code"]


def stub_of(number: str, text: str) -> str:
    """The exercise without its solution."""
    name = re.search(r"^(?:def|class) (\w+)", text, re.MULTILINE)[1]
    return SOLUTION.sub(rf'\1raise NotImplementedError("Exercise {number}: {name}")\n', text).rstrip()


def solution_of(text: str) -> str:
    """The exercise with its solution, without the marks around it."""
    return SOLUTION.sub(r"\2", text).rstrip()


def hints_of(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"^---$", text, flags=re.MULTILINE)]


def folded_hints(slug: str, hints: list[str], *, solved: bool) -> str:
    kinds = ["the idea", *["a step further"] * (len(hints) - 2), "the formula"]
    parts = [
        f"<details><summary>Hint {index + 1}: {kinds[index]}</summary>\n\n{hint}\n\n</details>"
        for index, hint in enumerate(hints)
    ]
    link = "" if solved else f"\n\n[One way to write it](solutions/{slug}.ipynb)"
    return "\n".join(parts) + link


def lesson_facts(source: nbformat.NotebookNode) -> dict[str, object]:
    """Title and minutes of a lesson, from its first cell."""
    first = source.cells[0].source
    title = re.search(r"^# Lesson \d+: (.+)$", first, re.MULTILINE)[1]
    return {"title": title, "minutes": int(re.search(r"About (\d+) minutes", first)[1])}


def exercise_texts(slug: str, source: nbformat.NotebookNode) -> dict[str, dict[str, object]]:
    """Lesson, goal, hints, stub and solution of every exercise in a source, by number."""
    texts: dict[str, dict[str, object]] = {}
    for before, cell in itertools.pairwise(source.cells):
        if number := cell.metadata.get("exercise"):
            stub, solution = stub_of(number, cell.source), solution_of(cell.source)
            goal = before.source.partition("**Goal:** ")[2]
            texts[number] = {"lesson": slug, "goal": goal, "hints": [], "stub": stub, "solution": solution}
        elif number := cell.metadata.get("hints"):
            texts[number]["hints"] = hints_of(cell.source)
    return texts


if __name__ == "__main__":
    sys.exit(main())
