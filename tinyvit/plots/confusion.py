"""Which classes are taken for which others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .figure import FAINT, INK, MUTED, headline, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES_WITH_COUNTS = 20
MOST_CLASS_LABELS = 50


def plot_confusion(confusion: np.ndarray, class_names: Sequence[str]) -> "Figure":
    """The confusion matrix with the mistakes in colour: each off-diagonal cell by its share of its row.

    The diagonal, which would outshine all else, stays grey. Up to 20 classes the counts stand in the cells.

    Args:
        confusion: counts (K, K), rows true, columns predicted.
        class_names: K names.

    Raises:
        UserError: there is not one name for each class.
    """
    from matplotlib.colors import ListedColormap

    num_classes = len(confusion)
    if confusion.shape != (num_classes, num_classes) or len(class_names) != num_classes:
        raise UserError(
            f"a confusion matrix needs as many rows, columns and names, got shape {confusion.shape} "
            f"and {len(class_names)} names: pass one name for each class"
        )
    support = confusion.sum(axis=1, keepdims=True)
    mistakes = 100.0 * confusion / np.maximum(support, 1)  # percent of the true class
    np.fill_diagonal(mistakes, 0.0)
    total, right = int(confusion.sum()), int(np.trace(confusion))

    side = float(np.clip(2.4 + 0.42 * num_classes, 4.5, 10.0))
    figure = new_figure(side + 1.0, side + 0.6)
    axes = figure.subplots()
    share = 100.0 * right / max(total, 1)
    headline(
        figure,
        f"Confusion matrix: {right:,} of {total:,} right ({share:.2f} %)",
        "colour: mistakes, as a share of the true class",
    )
    drawn = axes.imshow(np.ma.masked_equal(mistakes, 0.0), cmap="BuPu", vmin=0.0, vmax=mistakes.max() or 1.0)
    axes.imshow(np.ma.masked_equal(np.eye(num_classes), 0.0), cmap=ListedColormap([FAINT]))
    colorbar = figure.colorbar(drawn, ax=axes, shrink=0.6, pad=0.02)
    colorbar.set_label("share of the true class (%)", color=MUTED)
    colorbar.outline.set_visible(False)
    colorbar.ax.tick_params(colors=MUTED)
    _label_classes(axes, class_names)
    if num_classes <= MOST_CLASSES_WITH_COUNTS:
        _write_counts(axes, confusion, mistakes)
    return figure


def _label_classes(axes: "Axes", class_names: Sequence[str]) -> None:
    """Names along both axes; every second, third, ... where there is no room for all."""
    step = -(-len(class_names) // MOST_CLASS_LABELS)
    ticks = range(0, len(class_names), step)
    names = [shortened(class_names[tick], 20) for tick in ticks]
    size = 10 if len(class_names) <= MOST_CLASSES_WITH_COUNTS else 7
    rotation = 0 if max(map(len, names)) <= 3 else 90
    axes.set_xticks(ticks, names, rotation=rotation, fontsize=size, parse_math=False)
    axes.set_yticks(ticks, names, fontsize=size, parse_math=False)
    axes.set_xlabel("predicted class", color=MUTED)
    axes.set_ylabel("true class", color=MUTED)
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_color(FAINT)


def _write_counts(axes: "Axes", confusion: np.ndarray, mistakes: np.ndarray) -> None:
    dark = mistakes > 0.5 * mistakes.max()
    size = float(np.clip(44 / max(4, len(str(confusion.max()))), 5, 10))
    for row, column in np.argwhere(confusion):
        color = MUTED if row == column else "white" if dark[row, column] else INK
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=color, fontsize=size)
