"""Slides of a lesson, from its solved notebook: `python lessons/build.py --slides`, into lessons/slides/, by nbconvert.

A section is a column of slides: its heading and first paragraph, its formulas, tables and lists, each figure, and each
exercise as its stub. All other prose, answers and solutions are speaker notes (press S). For a room without a
network, `npm install reveal.js@4 requirejs@2 jquery@2 mathjax@2` first, and add `--packages node_modules`.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

MAX_LINES = 14  # of code on a slide
MAX_HEIGHT = 16  # of words on a slide, in lines
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
PLACES = {
    "reveal_url_prefix": "reveal.js",
    "require_js_url": "requirejs/require.js",
    "jquery_url": "jquery/dist/jquery.min.js",
    "mathjax_url": "mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe",
}
KINDS = ("|", "- ", "* ", "1. ", "$$", "```", "**", "> ")  # how a paragraph begins that is shown, not told


def write_slides(solved: Path, stubs: dict[str, str], folder: Path, *, packages: Path | None = None) -> Path:
    """The HTML file of a lesson's slides.

    Args:
        solved: the executed notebook.
        stubs: by the source of an exercise's solution, its stub.
        packages: folder with the packages of npm that `PLACES` names; None: the slides ask the network for them.
    """
    from nbconvert import SlidesExporter

    deck = slides(nbformat.read(solved, 4), stubs)
    exporter = SlidesExporter(exclude_input_prompt=True, exclude_output_prompt=True, reveal_scroll=True)
    for name, place in PLACES.items() if packages else ():
        setattr(exporter, name, Path(os.path.relpath(packages / place, folder)).as_posix())
    html, _ = exporter.from_notebook_node(deck)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{solved.stem}.html"
    path.write_text(html, encoding="utf-8")
    return path


def slides(book: nbformat.NotebookNode, stubs: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook with the cells of a presentation."""
    cells = []
    for cell in book.cells:
        cells += of_words(cell.source) if cell.cell_type == "markdown" else of_code(cell, stubs)
    return nbformat.v4.new_notebook(cells=cells, metadata=book.metadata)


def of_words(text: str) -> Iterator[nbformat.NotebookNode]:
    """Slides and notes of a text: a slide begins at each heading."""
    for section in re.split(r"^(?=#)", text, flags=re.MULTILINE):
        answers = DETAILS.findall(section)
        paragraphs = [part for part in re.split(r"\n{2,}", DETAILS.sub("", section).strip()) if part.strip()]
        if not paragraphs:
            continue
        first = 2 if paragraphs[0].startswith("#") else 1
        shown = [part for n, part in enumerate(paragraphs) if n < first or part.startswith(KINDS)]
        told = [part for part in paragraphs if part not in shown] + answers
        level = re.match(r"#*", section)[0]
        for n, page in enumerate(pages(shown)):
            yield markdown(page, "slide" if level in ("#", "##") and not n else "subslide")
        if told:
            yield markdown("\n\n".join(told), "notes")


def pages(paragraphs: list[str]) -> Iterator[str]:
    """The paragraphs, as many at a time as a slide holds; a formula stays with the words before it."""
    text = "\n\n".join(paragraphs)
    page: list[str] = []
    for piece in re.split(r"\n\n(?!\$\$)", text):
        if page and height("\n\n".join([*page, piece])) > MAX_HEIGHT:
            yield "\n\n".join(page)
            page = []
        page.append(piece)
    yield "\n\n".join(page)


def height(text: str) -> int:
    """Lines that a text takes on a slide, about."""
    return sum(3 if part.startswith("$$") else 1 + len(part) // 90 + part.count("\n") for part in text.split("\n\n"))


def of_code(cell: nbformat.NotebookNode, stubs: dict[str, str]) -> Iterator[nbformat.NotebookNode]:
    """Slides of a code cell: an exercise's stub; short code and what it prints; each figure with its caption."""
    if cell.source in stubs:
        yield markdown(fenced(stubs[cell.source]), "-")
        yield markdown(fenced(cell.source), "notes")
        return
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream").rstrip()
    shown = [output.data for output in cell.outputs if "data" in output]
    folded = "hide-input" in cell.metadata.get("tags", []) or re.match(r"check\.|import |from ", cell.source)
    if not folded and cell.source.count("\n") < MAX_LINES:
        yield markdown(fenced(cell.source), "subslide")
        if printed and printed.count("\n") < MAX_LINES:
            yield markdown(fenced(printed, "text"), "-")
    for index, data in enumerate(shown):
        if "image/png" in data:
            caption = shown[index + 1].get("text/markdown", "") if index + 1 < len(shown) else ""
            address = f"data:image/png;base64,{data['image/png'].strip()}"
            yield markdown(f'<img src="{address}" style="width: 90%">\n\n{caption}', "subslide")


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code.strip()}\n```"


def markdown(text: str, kind: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})
