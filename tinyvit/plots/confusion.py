"""Confusion matrix, drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .figure import FAINT, INK, MUTED, PURPLE, headline, new_figure, quiet_axes, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_CLASSES_WITH_COUNTS = 20
MAX_CLASSES_IN_MATRIX = 30
MAX_PAIRS = 20
MAX_NAME_LENGTH, SHORT_NAME = 20, 3  # letters of a class: more are cut off; so few may stand side by side


def plot_confusion(confusion: np.ndarray, class_names: Sequence[str]) -> "Figure":
    """The confusion matrix with the mistakes in colour, or, of more than 30 classes, the pairs confused most often.

    An off-diagonal cell is coloured by its share of its row; the diagonal, which would outshine all else, stays grey.
    Up to 20 classes the counts stand in the cells.

    Args:
        confusion: counts (K, K), rows true, columns predicted.
        class_names: K names.

    Raises:
        UserError: there is not one name for each class.
    """
    num_classes = len(confusion)
    if confusion.shape != (num_classes, num_classes) or len(class_names) != num_classes:
        raise UserError(
            f"a confusion matrix needs as many rows, columns and names, got shape {confusion.shape} "
            f"and {len(class_names)} names: pass one name for each class"
        )
    total, right = int(confusion.sum()), int(np.trace(confusion))
    title = f"{right:,} of {total:,} right ({100.0 * right / max(total, 1):.2f} %)"
    draw = _draw_matrix if num_classes <= MAX_CLASSES_IN_MATRIX else _draw_pairs
    return draw(np.asarray(confusion), class_names, title)


def most_confused(confusion: np.ndarray, number: int) -> list[tuple[int, int, int]]:
    """The (true class, predicted class, count) that occur most often, `number` of them at most, most often first.

    Args:
        confusion: counts (K, K), rows true, columns predicted.
    """
    mistakes = confusion - np.diag(np.diagonal(confusion))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:number]
    pairs = zip(*np.unravel_index(order, mistakes.shape), mistakes.ravel()[order], strict=True)
    return [(int(true), int(predicted), int(count)) for true, predicted, count in pairs if count]


def _draw_matrix(confusion: np.ndarray, class_names: Sequence[str], title: str) -> "Figure":
    from matplotlib.colors import ListedColormap

    num_classes = len(confusion)
    support = confusion.sum(axis=1, keepdims=True)
    mistakes = 100.0 * confusion / np.maximum(support, 1)  # percent of the true class
    np.fill_diagonal(mistakes, 0.0)
    longest = min(max(map(len, class_names)), MAX_NAME_LENGTH)
    side = float(np.clip(2.4 + 0.42 * num_classes, 4.5, 10.0)) + 0.06 * (longest if longest > SHORT_NAME else 0)
    figure = new_figure(side + 1.0, side + 0.6)
    axes = figure.subplots()
    headline(figure, f"Confusion matrix: {title}", "colour: mistakes, as a share of the true class")
    drawn = axes.imshow(np.ma.masked_equal(mistakes, 0.0), cmap="BuPu", vmin=0.0, vmax=mistakes.max() or 1.0)
    axes.imshow(np.ma.masked_equal(np.eye(num_classes), 0.0), cmap=ListedColormap([FAINT]))
    colorbar = figure.colorbar(drawn, ax=axes, shrink=0.6, pad=0.02)
    colorbar.set_label("share of the true class (%)", color=MUTED)
    colorbar.outline.set_visible(False)
    colorbar.ax.tick_params(colors=MUTED)
    _label_classes(axes, class_names)
    if num_classes <= MAX_CLASSES_WITH_COUNTS:
        _write_counts(axes, confusion, mistakes)
    return figure


def _draw_pairs(confusion: np.ndarray, class_names: Sequence[str], title: str) -> "Figure":
    """A bar for each pair."""
    from matplotlib.ticker import MaxNLocator

    pairs, support = most_confused(confusion, MAX_PAIRS), confusion.sum(axis=1)
    figure = new_figure(8.0, 1.5 + 0.27 * len(pairs))
    which = f"the {len(pairs)} pairs of {len(confusion):,} classes confused most often"
    headline(figure, f"Confusion: {title}", f"{which}: true → predicted, mistakes of all of the true class")
    if not pairs:
        figure.text(0.5, 0.4, "No mistakes", ha="center", va="center", color=INK, fontsize=14)
        return figure
    axes = figure.subplots()
    quiet_axes(axes, "", "mistakes", "")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.barh(range(len(pairs)), [count for _, _, count in pairs], color=PURPLE, height=0.7)
    names = [shortened(name, 26) for name in class_names]
    labels = [f"{names[true]} → {names[guess]}, {count:,} of {support[true]:,}" for true, guess, count in pairs]
    axes.set_yticks(range(len(pairs)), labels, fontsize=8.5, parse_math=False)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.invert_yaxis()
    return figure


def _label_classes(axes: "Axes", class_names: Sequence[str]) -> None:
    """Names along both axes."""
    ticks = range(len(class_names))
    names = [shortened(name, MAX_NAME_LENGTH) for name in class_names]
    size = 10 if len(class_names) <= MAX_CLASSES_WITH_COUNTS else 7
    rotation = 0 if max(map(len, names)) <= SHORT_NAME else 90
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
