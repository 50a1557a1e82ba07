"""The files of the page: a fixed table, made when the server starts, so that no path from outside is ever joined."""

from pathlib import Path

WEB = Path(__file__).parent / "web"
OPS = Path(__file__).parents[1] / "ops"
SOURCES = {f"source/ops/{name}.py": OPS / f"{name}.py" for name in ("attention", "layer_norm", "linear", "softmax")}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".py": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}


def page_files(folder: Path = WEB) -> dict[str, Path]:
    """The files of the page by the path that a browser asks for, "/page.js"; "/" is index.html, and "/source/ops/" has
    the ops whose derivations the page shows.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in TYPES and path.is_file()]
    table = {f"/{path.relative_to(folder).as_posix()}": path for path in paths}
    table |= {f"/{name}": path for name, path in SOURCES.items()}
    return table | {"/": table["/index.html"]} if "/index.html" in table else table
