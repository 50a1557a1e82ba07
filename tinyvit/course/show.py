"""Figures in a notebook, with a caption that screen readers read too, and text with formulas."""

import io
from html import escape
from typing import TYPE_CHECKING

from .verdict import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 80  # 300 KB a notebook must do
COLOURS = {Outcome.PASSED: "#1a7f37", Outcome.NOT_ATTEMPTED: "#9a6700"}  # green, amber; what is wrong is red


def show(figure: "Figure", caption: str) -> None:
    """Display a figure and its caption below it, and close it."""
    import matplotlib.pyplot as plt
    from IPython.display import Image, Markdown, display

    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI, bbox_inches="tight")
    plt.close(figure)
    display(Image(png.getvalue(), format="png", alt=caption))
    display(Markdown(f"*{caption}*"))


def say(markdown: str) -> None:
    """Display text with its formulas in a notebook; print it as it is elsewhere."""
    if _in_notebook():
        from IPython.display import Markdown, display

        display(Markdown(markdown))
    else:
        print(markdown)


def say_verdict(text: str, outcome: Outcome) -> None:
    """Display a verdict in a notebook, its head in a colour, lines broken between words; print it elsewhere."""
    if not _in_notebook():
        print(text)
        return
    from IPython.display import display

    head, _, rest = text.partition(": ")
    colour = COLOURS.get(outcome, "#b42318")
    badge = f'<b style="background: {colour}; color: white; padding: 0 0.4em; border-radius: 3px">{escape(head)}</b>'
    style = "white-space: pre-wrap; word-break: normal; overflow-wrap: break-word"
    html = f'<pre style="{style}">{badge}: {escape(rest)}</pre>'
    display({"text/html": html, "text/plain": text}, raw=True)


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")
