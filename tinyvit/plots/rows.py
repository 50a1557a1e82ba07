"""Rows of digits, drawn with what was read in them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .figure import INK, headline, new_figure, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4
WRONG = "#b3261e"


def plot_rows(images: np.ndarray, labels: np.ndarray, read: np.ndarray, class_names: Sequence[str]) -> "Figure":
    """Each image with the sequence that was read in it; in red what is wrong, and what it is.

    Args:
        images: uint8 (n, C, H, W).
        labels: true classes from left to right, integers (n, M).
        read: predicted ones, integers (n, M).
        class_names: K names.
    """
    lines = -(-len(images) // COLUMNS)
    height, width = images.shape[2:]
    figure = new_figure(10.0, 0.8 + lines * (10.0 / COLUMNS * height / width + 0.45))
    headline(figure, "Read from left to right", "red: wrong, and what it is")
    panels = figure.subplots(lines, COLUMNS, squeeze=False).flat
    for axes, image, label, said in zip(panels[: len(images)], images, labels, read, strict=True):
        show_image(axes, image)
        right = np.array_equal(label, said)
        text = " ".join(class_names[k] for k in said)
        if not right:
            text += f"  (is {' '.join(class_names[k] for k in label)})"
        axes.set_title(text, fontsize=9, color=INK if right else WRONG, parse_math=False)
    for axes in panels[len(images) :]:
        axes.set_axis_off()
    return figure
