"""Pages of code: each file of the package, highlighted, with a line number that can be linked to.

They are not Sphinx's, which would take a minute for them and fill its search with them.
"""

import html
import os
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .gather import python_files

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{path} - tinyvit</title>
<link rel="icon" href="{up}_static/icon.svg">
<link rel="stylesheet" href="{up}_static/pygments.css">
<link rel="stylesheet" href="{up}_static/style.css">
</head>
<body class="code-page">
<script>document.body.dataset.theme = localStorage.getItem("theme") || "auto"</script>
<header><a href="{up}index.html"><img src="{up}_static/icon.svg" alt="" width="24" height="24">tinyvit</a>
<h1>{path}</h1> <a href="{up}{folder}">{package}</a></header>
<main>{code}</main>
</body>
</html>
"""


def write_code_pages(package: Path, site: Path) -> None:
    """Write a page for each file of `package` below `site`/source."""
    formatter = HtmlFormatter(linenos="inline", linespans="L", wrapcode=True)
    for path in python_files(package):
        name = path.relative_to(package)
        target = site / "source" / name.with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        module = ".".join([package.name, *name.parts[:-1]])
        text = PAGE.format(
            path=html.escape(f"{package.name}/{name.as_posix()}"),
            package=module,
            folder=f"api/{module}.html",
            up=os.path.relpath(site, target.parent).replace(os.sep, "/") + "/",
            code=highlight(path.read_text(encoding="utf-8"), PythonLexer(), formatter),
        )
        target.write_text(text, encoding="utf-8")
