"""Sphinx's settings for the site; `python lessons/build_site.py` runs it."""

import functools
import importlib
import inspect
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[1]))
from site_source.reference import as_restructured_text

import tinyvit

project = "tinyvit"
author = copyright = "The tinyvit developers"
version = release = tinyvit.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.linkcode", "sphinx.ext.mathjax"]

nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 100
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "tinyvit"
html_logo = html_favicon = "../../tinyvit/page/web/icon.svg"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = html_show_sourcelink = False
templates_path = ["templates"]
parts = ("brand", "search", "look", "scroll-start", "navigation", "scroll-end")
html_sidebars = {"**": [f"sidebar/{name}.html" for name in parts]}
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#443983", "color-brand-content": "#443983"},
    "dark_css_variables": {"color-brand-primary": "#a99df0", "color-brand-content": "#a99df0"},
}

mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}  # the menu would load more files


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """The line of code where a name is defined. Pages of the reference lie side by side, so one link fits them all."""
    try:
        found = functools.reduce(getattr, info["fullname"].split("."), importlib.import_module(info["module"]))
        found = inspect.unwrap(found)
        path = Path(inspect.getfile(found)).relative_to(Path(tinyvit.__file__).parent)
        return f"../source/{path.with_suffix('.html').as_posix()}#L-{inspect.getsourcelines(found)[1]}"
    except (AttributeError, OSError, TypeError, ValueError):  # a constant, or not ours
        return None


def setup(app: Sphinx) -> None:
    def process_docstring(app, what, name, obj, options, lines):
        lines[:] = as_restructured_text(lines)

    def skip_member(app, what, name, obj, skip, options):
        return skip or (getattr(obj, "__doc__", None) or "").startswith("Alias for field number")

    app.connect("autodoc-process-docstring", process_docstring, priority=400)  # before napoleon
    app.connect("autodoc-skip-member", skip_member)
