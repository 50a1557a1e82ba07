"""Digits found in an image: their boxes drawn on it, and how they were found, step by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .figure import MUTED, headline, new_figure, shortened, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_SHOWN = 24  # digits in the last row of the steps


def plot_page(image: np.ndarray, digits: Sequence[Any], names: Sequence[str], *, title: str = "") -> "Figure":
    """An image (C, H, W), a box around each digit, and above the box what was read."""
    height, width = image.shape[1:]
    figure = new_figure(7.2, min(9.0, max(2.5, 7.0 * height / width)) + 0.8)
    headline(figure, shortened(title, 66, tail=36), "each box, and what was read in it; a question mark: unsure")
    axes = figure.subplots()
    show_image(axes, image)
    _boxes(axes, digits, names)
    return figure


def plot_steps(
    image: np.ndarray, steps: dict[str, np.ndarray], digits: Sequence[Any], names: Sequence[str], *, title: str = ""
) -> "Figure":
    """Plot how digits were found: a strip of images, one a step, and below it the digits as the model takes them.

    Args:
        image: (C, H, W), as it came.
        steps: a caption and an image (C, h, w) for each step, in order.
        digits: of the image, in reading order.
        names: what was read in each.
    """
    height, width = image.shape[1:]
    panels = len(steps) + 2
    side = 2.6
    rows = -(-panels // 3)
    figure = new_figure(3 * side + 0.4, rows * (side * min(1.3, height / width) + 0.3) + 1.1 + 0.9)
    headline(figure, shortened(title, 66, tail=36), "how the digits were found, left to right, line by line")
    grid = figure.add_gridspec(2, 1, height_ratios=[max(1.0, rows * 1.6), 0.8])
    above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    axes = above.subplots(rows, 3, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    captions = ["the image", *steps, "digits found"]
    for ax, caption, step in zip(axes, captions, [image, *steps.values(), image], strict=False):
        show_image(ax, step)
        ax.set_title(caption, fontsize=9, color=MUTED)
    _boxes(axes[panels - 1], digits, names)
    shown = digits[:MAX_SHOWN]
    for ax, digit, name in zip(below.subplots(1, max(6, len(shown)), squeeze=False)[0], shown, names, strict=False):
        show_image(ax, digit.image)
        ax.set_title(name, fontsize=9, color=MUTED)
    for ax in below.axes:
        ax.set_axis_off()
    return figure


def _boxes(axes: "Axes", digits: Sequence[Any], names: Sequence[str]) -> None:
    """A rectangle around each digit, and its name above it."""
    from matplotlib.patches import Rectangle

    for digit, name in zip(digits, names, strict=True):
        top, left, bottom, right = digit.box
        colour = "#d1495b" if name.endswith("?") else "#1f8a70"
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color=colour, lw=1.2))
        axes.annotate(name, (left, top), fontsize=9, color=colour, va="bottom", annotation_clip=True)
