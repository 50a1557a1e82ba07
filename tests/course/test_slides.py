"""Slides: a section is a column, prose goes to the notes, and no solution is on the screen."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupytext")
LESSONS = Path(__file__).parents[2] / "lessons"


def module(name):
    spec = importlib.util.spec_from_file_location(name, LESSONS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


slides, build = module("slides"), module("build")


def deck(slug):
    stubs = {facts["solution"]: facts["stub"] for facts in build.exercise_texts(slug, source(slug)).values()}
    return slides.slides(nbformat.read(LESSONS / "solutions" / f"{slug}.ipynb", 4), stubs).cells, stubs


def source(slug):
    return build.jupytext.read(LESSONS / "src" / f"{slug}.py")


def kind(cell):
    return cell.metadata.slideshow.slide_type


@pytest.mark.parametrize("path", sorted((LESSONS / "src").glob("*.py")), ids=lambda path: path.stem)
def test_slides_fit_a_screen_and_hide_solutions(path):
    cells, stubs = deck(path.stem)
    screen = [cell.source for cell in cells if kind(cell) != "notes"]
    assert sum(kind(cell) == "slide" for cell in cells) >= 5
    assert not [text for text in screen for solution in stubs if solution in text]
    assert all(any(stub in text for text in screen) for stub in stubs.values())
    assert not [text for text in screen if "<details>" in text]
    long = [text for text in screen if slides.height(text) > 2 * slides.MAX_HEIGHT and "base64" not in text]
    assert not [text for text in long if not text.startswith("```")]
    assert sum("data:image/png" in text for text in screen) == len(
        re.findall(r"^(?:show|play)\(", path.read_text(), re.M)
    )


def test_a_formula_stays_with_its_words():
    words = [f"Words {n}:\n\n$$ x_{n} $$" for n in range(9)]
    pages = list(slides.pages("\n\n".join(words).split("\n\n")))
    assert len(pages) > 1
    assert "\n\n".join(pages) == "\n\n".join(words)
    assert not [page for page in pages if page.startswith("$$") or page.endswith(":")]


def test_html_takes_its_packages_from_a_folder(tmp_path):
    pytest.importorskip("nbconvert")
    written = slides.write_slides(
        LESSONS / "solutions" / "00_start_here.ipynb", {}, tmp_path / "out", packages=tmp_path / "node_modules"
    )
    text = written.read_text()
    assert "../node_modules/reveal.js" in text
    assert not re.findall(r'(?:src|href)="https?://(?:unpkg|cdn)[^"]*"', text)
