"""The texts of the site, gathered into a folder for Sphinx: each under its own path, links leading to pages.

Markdown stays as it is, solved notebooks take the place of the exercises, a folder of the package becomes a page of the
reference, and a file of code a page with that code. Only links have to change, by one table: path -> page.
"""

import json
import os
import re
import shutil
from pathlib import Path, PurePosixPath

from .reference import folder_page

MARKDOWN = ("*.md", "data/**/*.md", "lessons/*.md", "tinyvit/**/*.md")
FENCE = re.compile(r"^(```.*?^```[ \t]*$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
IMAGE = re.compile(r"(?<=<img src=\")[^\"]+")
HERE = Path(__file__).parent


def gather(root: Path, place: Path, *, lite: bool = False) -> None:
    """Write what Sphinx reads about the repository at `root` into `place`; `lite`: lessons link to JupyterLite."""
    pages = find_pages(root)
    write = Writer(root, place, pages, lite)
    for path, page in pages.items():
        if path == "README.md":
            write(page, write.linked(path, start_page(root)))
        elif path.endswith(".md"):
            text = write.linked(path, (root / path).read_text(encoding="utf-8"))
            write(page, f"---\norphan: true\n---\n{text}")
        elif path.startswith("lessons/solutions/"):
            write(page, write.linked_notebook(path))
        elif page.startswith("api/"):
            write(page, folder_page(root, path, pages))


def find_pages(root: Path) -> dict[str, str]:
    """Path in the repository -> path of its page: files of Markdown and of the package, solved lessons, folders."""
    pages = {}
    for path in sorted(path for pattern in MARKDOWN for path in root.glob(pattern)):
        name = path.relative_to(root).as_posix()
        pages[name] = "index.md" if name == "README.md" else name
        if path.name == "README.md":
            pages[path.parent.relative_to(root).as_posix()] = pages[name]
    for path in sorted((root / "lessons" / "solutions").glob("*.ipynb")):
        for name in (f"lessons/{path.name}", f"lessons/solutions/{path.name}"):
            pages[name] = f"lessons/{path.name}"
    pages["lessons/solutions"] = "lessons/README.md"
    for path in python_files(root / "tinyvit"):
        name = path.relative_to(root).as_posix()
        pages[name] = "source/" + name.removeprefix("tinyvit/").removesuffix(".py") + ".html"
        if path.name == "__init__.py":
            folder = PurePosixPath(name).parent
            pages[str(folder)] = f"api/{'.'.join(folder.parts)}.md"
    return pages


def python_files(folder: Path) -> list[Path]:
    """All Python files below a folder; without the copies that JupyterLab keeps of files it opened."""
    return [path for path in sorted(folder.rglob("*.py")) if ".ipynb_checkpoints" not in path.parts]


def start_page(root: Path) -> str:
    """The README behind a few lines of its own, and the table of contents that Sphinx needs."""
    title, rest = (root / "README.md").read_text(encoding="utf-8").split("\n", 1)
    return "\n".join([title, "", (HERE / "start.md").read_text(encoding="utf-8"), rest, contents(root)])


def contents(root: Path) -> str:
    """The hidden tables of contents that make the sidebar."""
    lessons = [f"lessons/{path.stem}" for path in sorted((root / "lessons" / "solutions").glob("*.ipynb"))]
    rooms = sorted(f"api/tinyvit.{path.parent.name}" for path in (root / "tinyvit").glob("*/__init__.py"))
    deeper = sorted(f"tinyvit/{path.parent.name}/README" for path in (root / "tinyvit").glob("*/README.md"))
    trees = {
        "Learn": ["lessons/README", *lessons],
        "Read": ["lessons/reading_order", "lessons/glossary"],
        "Reference": ["api/tinyvit", *rooms],
        "More": [*deeper, "data/README", "CONTRIBUTING", "CHANGELOG"],
    }
    return "\n".join(
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```"])
        for caption, names in trees.items()
    )


class Writer:
    """Writes pages, whose links it turns; copies what they show."""

    def __init__(self, root: Path, place: Path, pages: dict[str, str], lite: bool = False):
        self.root, self.place, self.pages, self.lite = root, place, pages, lite

    def __call__(self, page: str, text: str) -> None:
        target = self.place / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def linked(self, path: str, text: str) -> str:
        """Markdown of the file `path`, with links that lead to pages of the site."""
        parts = FENCE.split(text)
        for index in range(0, len(parts), 2):
            parts[index] = LINK.sub(lambda found: self.link(path, found), parts[index])
            parts[index] = IMAGE.sub(lambda found: self.target(path, found[0]), parts[index])
        return "".join(parts)

    def link(self, path: str, found: re.Match[str]) -> str:
        """A link of the file `path`, led to a page. Those of code are not Sphinx's, so links to them are HTML."""
        target = self.target(path, found[2])
        if not target:
            return found[1]
        if target.endswith(".html") and not target.startswith("http"):
            return f'<a href="{target}">{found[1]}</a>'
        return f"[{found[1]}]({target}{found[3] or ''})"

    def target(self, path: str, link: str) -> str:
        """Where a link of the file `path` leads: to a page, to a file that is copied, or nowhere ("": a folder)."""
        if re.match(r"[a-z]+:", link):
            return link
        there = os.path.normpath(PurePosixPath(path).parent / link).replace(os.sep, "/")
        page = self.pages.get(there)
        if page is None:
            if not (self.root / there).is_file():
                return ""
            page = there
            (self.place / there).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / there, self.place / there)
        return os.path.relpath(page, PurePosixPath(self.pages[path]).parent).replace(os.sep, "/")

    def linked_notebook(self, path: str) -> str:
        """A solved lesson: links lead to pages, figures have words for screen readers, a note says how to do it."""
        book = json.loads((self.root / path).read_text(encoding="utf-8"))
        number = int(Path(path).name[:2])
        for cell in book["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = self.linked(path, "".join(cell["source"]))
            for output in cell.get("outputs", ()):
                if words := output.get("metadata", {}).get("image/png", {}).get("alt"):
                    cell["metadata"]["mystnb"] = {"image": {"alt": words}}
        title, _, rest = book["cells"][0]["source"].partition("\n")
        words = f"To write it yourself: `tinyvit lessons open {number}`."
        if self.lite:
            here = f"../lite/lab/index.html?path={Path(path).name}"
            words += f' Or <a href="{here}">here, in this browser</a>, with nothing installed.'
        note = f":::{{admonition}} Solved, as it ran\n:class: tip\n{words}\n:::"
        book["cells"][0]["source"] = f"{title}\n\n{note}\n{rest}"
        return json.dumps(book)
