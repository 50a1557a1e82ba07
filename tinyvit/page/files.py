"""The files of the page: a fixed table, made when the server starts, so that no path from outside is ever joined."""

from pathlib import Path

WEB = Path(__file__).parent / "web"
OPS = Path(__file__).parents[1] / "ops"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".py": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".bin": "application/octet-stream",
}


def page_files(folder: Path = WEB) -> dict[str, Path]:
    """The files of the page by the path that a browser asks for, "/page.js"; "/" is index.html, and "/source/ops/" has
    the files whose derivations the page shows.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in TYPES and path.is_file()]
    table = {f"/{path.relative_to(folder).as_posix()}": path for path in paths}
    table |= {f"/source/ops/{path.name}": path for path in sorted(OPS.glob("*.py"))}
    return table | {"/": table["/index.html"]} if "/index.html" in table else table
