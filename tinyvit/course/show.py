"""Figures in a notebook, with a caption that screen readers read too, and text with formulas."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 80  # 300 KB a notebook must do


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
    try:
        from IPython import get_ipython
        from IPython.display import Markdown, display
    except ImportError:
        notebook = False
    else:
        notebook = hasattr(get_ipython(), "kernel")
    if notebook:
        display(Markdown(markdown))
    else:
        print(markdown)
