"""Forgetting, drawn: how well each task is known after each of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .figure import INK, MUTED, headline, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = 0.62  # inches
DARK = 0.6  # accuracy above which a cell is too dark for dark letters


def plot_forgetting(matrices: Mapping[str, np.ndarray], task_names: Sequence[str]) -> "Figure":
    """Accuracy on each task (columns) after learning each (rows); one matrix a method, side by side.

    Args:
        matrices: method -> (t, T), 0..1; rows that were not reached may be missing.
        task_names: T names.
    """
    T, count = len(task_names), len(matrices)
    figure = new_figure(max(5.5, count * (CELL * T + 0.9) + 0.6), CELL * T + 2.2)
    headline(figure, "Accuracy on each task after learning each (%)", "the diagonal is what was just learned")
    places = figure.subplots(1, count, squeeze=False)[0]
    for axes, (name, matrix) in zip(places, matrices.items(), strict=True):
        whole = np.full((T, T), np.nan)
        whole[: len(matrix)] = matrix
        axes.imshow(whole, cmap="BuPu", vmin=0.0, vmax=1.0)
        for row, column in zip(*np.nonzero(np.isfinite(whole)), strict=True):
            value, ahead = whole[row, column], column > row
            colour = MUTED if ahead else "white" if value > DARK else INK
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(T), task_names)
        axes.set_yticks(range(T), task_names if axes is places[0] else [""] * T)
        axes.set_xlabel("accuracy on", color=MUTED)
        if axes is places[0]:
            axes.set_ylabel("after learning", color=MUTED)
        axes.tick_params(colors=MUTED, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(name, fontsize=10, color=INK, parse_math=False)
    return figure
