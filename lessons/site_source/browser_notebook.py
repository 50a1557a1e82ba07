"""A lesson's notebook for a browser: it installs tinyvit first, and what a browser cannot do, it shows and says why."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from .gather import LINK

FIRST = """**This notebook runs in your browser**: Python and all files come from this site. Run the next cell first;
that and the first figure take a while. A browser has one core and slow matrix products: what trains for seconds
elsewhere takes minutes here. What you write is kept in this browser alone: download it to be sure of it."""
NOT_RUN = {  # of a lesson: cells with these names in them, and why they are not run
    "12": (r"\bhistory\b", "`train` would take more than half an hour in a browser"),
    "15": (r"\bTeam\(|\bmpiexec\b", "a browser starts no worker processes"),
    "16": (r"\bfinetune\(|\bdevs\b|\btuned\b", "fine-tuning reads pictures in threads, which a browser has not"),
    "18": (r"\blosses\b|\bweights\[index", "your loop would train for ten minutes or more in a browser"),
}


def browser_notebook(path: Path) -> str:
    """The notebook at `path`, solved or not, as JSON.

    Links to notebooks stay; of those to files that are not there, the words.
    """
    lessons = path.parents[1] if path.parent.name == "solutions" else path.parent
    book, solved = read(path), read(lessons / "solutions" / path.name)
    names, why = NOT_RUN.get(path.name[:2], ("(?!)", ""))
    cells = [*beginning(why)]
    for cell, done in zip(book["cells"], solved["cells"], strict=True):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source = LINK.sub(lambda link: link[0] if is_kept(link[2]) else link[1], source)
        elif re.search(names, source):
            cell = shown(cell["id"], done, why)
            source = cell["source"]
        cells.append(cell | {"source": source})
    return json.dumps(book | {"cells": cells})


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def beginning(why: str) -> Iterator[dict[str, Any]]:
    """The first two cells: what is otherwise here, and the installation."""
    words = FIRST + (f"\n\n**Some cells are shown and not run**: {why}." if why else "")
    yield markdown_cell("in-a-browser", words)
    install = {"cell_type": "code", "id": "install", "metadata": {}, "source": "%pip install -q tinyvit"}
    yield install | {"execution_count": None, "outputs": []}


def shown(id: str, solved: dict[str, Any], why: str) -> dict[str, Any]:
    """A cell that is not run, as a text: its code, why, and what it gave when the lesson was solved."""
    parts = ["```python", "".join(solved["source"]), "```", "", f"*Not run here, as {why}. Elsewhere it gives:*", ""]
    for kind, outputs in groupby(solved["outputs"], lambda output: output["output_type"]):
        if kind == "stream":
            parts += ["```text", *("".join(output["text"]).rstrip() for output in outputs), "```"]
            continue
        for output in outputs:
            if "image/png" in output["data"]:
                png = "".join("".join(output["data"]["image/png"]).split())
                parts += [f"![{output['metadata']['image/png']['alt']}](data:image/png;base64,{png})", ""]
            else:
                parts += ["".join(output["data"]["text/markdown"]), ""]  # its caption
    return markdown_cell(id, "\n".join(parts))


def markdown_cell(id: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def is_kept(link: str) -> bool:
    return link.endswith(".ipynb") or "://" in link
