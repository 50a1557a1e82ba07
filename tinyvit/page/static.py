"""The page without Python: a folder for any web server, or to be opened from disk, in which the browser computes.

It holds the page as one classic script (see `bundle.py`), the engine in the browser likewise, and the files that the
engine reads, each as a script that hands it over in base64: a page opened from disk may load scripts, and nothing else.
"""

import base64
import json
from pathlib import Path

import numpy as np

from ..backend import to_numpy
from ..errors import UserError
from ..storage.folders import write_folder
from ..storage.tensors import arrays_to_bytes
from .bundle import bundle
from .classifier import Classifier
from .digits import learnable_digits
from .files import SOURCES, WEB
from .studio import Studio

MAX_PARAMETERS = 25_000_000  # beyond, a page would be 130 MB, and an answer takes a browser half a minute
EXAMPLES = 14
MARK = '<meta name="generator" content="tinyvit look --static">'
MODULE = '<script type="module" src="page.js"></script>'
WORKERS = {"engine": "engine/worker.js", "learner": "engine/training/worker.js"}
SCRIPTS = "\n".join(f'<script defer src="{name}.js"></script>' for name in (*WORKERS, "page"))
TABLE = "globalThis.tinyvit ??= { workers: {}, files: {} };\n"
START = {"engine/start.js": "engine/start_from_scripts.js"}


def write_static(studio: Studio, folder: str | Path) -> int:
    """Write the page of a classifier into `folder`, complete or not at all; returns its size in bytes.

    Raises:
        UserError: the browser's engine has no such model, `folder` holds anything but such a page, or it cannot be
            written.
    """
    _check_place(folder)
    files = static_files(_checked(studio))
    write_folder(folder, files)
    return sum(map(len, files.values()))


def static_files(classifier: Classifier) -> dict[str, bytes]:
    """The files of the page of a classifier, by name."""
    examples, learnable = _examples(classifier), learnable_digits()
    facts = {
        "engine": "your browser",
        "watching": False,
        "examples": len(examples["labels"]),
        "learns": bool(learnable),
    }
    weights = {name: to_numpy(array).astype(np.float32) for name, array in classifier.model.parameters().items()}
    beside = {
        "about.json": json.dumps(classifier.about() | facts).encode(),
        "model.safetensors": arrays_to_bytes(weights),
        "examples.safetensors": arrays_to_bytes(examples),
        **learnable,
    }
    return {
        "index.html": _index().encode(),
        **{path.name: path.read_bytes() for path in sorted(WEB.iterdir()) if path.suffix in (".css", ".svg")},
        "page.js": _function("", bundle(WEB, "page.js", instead=START)),
        **{f"{name}.js": _function(name, bundle(WEB, path)) for name, path in WORKERS.items()},
        **{f"files/{name}.js": _as_script(name, content) for name, content in beside.items()},
        **{name: path.read_bytes() for name, path in SOURCES.items()},
    }


def _checked(studio: Studio) -> Classifier:
    """`studio`, where the browser's engine has such a model."""
    if not isinstance(studio, Classifier):
        raise UserError(
            f"the page without Python classifies images, and {studio.path} is a model of the task {studio.task}: look "
            "at it with tinyvit look"
        )
    if (count := studio.model.num_parameters()) > MAX_PARAMETERS:
        raise UserError(
            f"{studio.path} has {count:,} parameters, and a browser is slow with more than {MAX_PARAMETERS:,}: look at "
            "it with tinyvit look"
        )
    return studio


def _check_place(folder: str | Path) -> None:
    """Check that nothing but an older page would be lost.

    Raises:
        UserError: something else is there.
    """
    place = Path(folder)
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    index = place / "index.html"
    if not (index.is_file() and MARK in index.read_text(encoding="utf-8", errors="replace")):
        raise UserError(f"{folder} is there and holds no page of tinyvit's; it stays as it is: choose another folder")


def _index() -> str:
    """The page's HTML, with classic scripts in the place of the module."""
    text = (WEB / "index.html").read_text(encoding="utf-8")
    if MODULE not in text:
        raise UserError("index.html of this tinyvit has no script page.js: install tinyvit anew")
    return text.replace(MODULE, SCRIPTS).replace("<title>", f"{MARK}\n<title>", 1)


def _examples(classifier: Classifier) -> dict[str, np.ndarray]:
    """A few images of the data set: the first of each class, then the second of each, and so on."""
    split = classifier.examples
    if split is None or np.ndim(split.labels) != 1:
        return {"images": np.zeros((0, *classifier.config.input_shape), np.uint8), "labels": np.zeros(0, np.uint8)}
    labels = np.asarray(split.labels)
    of_class = [np.flatnonzero(labels == k) for k in range(classifier.config.num_classes)]
    turns = max(map(len, of_class))
    rows = [rows[turn] for turn in range(min(turns, EXAMPLES)) for rows in of_class if turn < len(rows)][:EXAMPLES]
    images = np.concatenate([np.asarray(split.images[row : row + 1]) for row in rows])
    return {"images": images.astype(np.uint8), "labels": labels[rows].astype(np.float32)}


def _function(name: str, code: str) -> bytes:
    """A bundle that runs at once, or with a `name` one that waits to be started as a worker."""
    if not name:
        return f"(() => {{\n{code}}})();\n".encode()
    return f'{TABLE}tinyvit.workers["{name}"] = () => {{\n{code}}};\n'.encode()


def _as_script(name: str, content: bytes) -> bytes:
    """A script that hands a file over to `start_from_scripts.js`."""
    return f'tinyvit.files["{name}"] = "{base64.b64encode(content).decode()}";\n'.encode()
