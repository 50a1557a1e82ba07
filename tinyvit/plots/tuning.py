"""Figures of a hyperparameter search: its history, the importance of options, trials as lines across the options."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import UserError
from .figure import FAINT, INK, MUTED, PURPLE, TEAL, headline, new_figure, quiet_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Point(NamedTuple):
    """A trial as it is drawn.

    Attributes:
        score: 0..1; of a trial that was stopped early, the last one.
        values: of the tuned options; texts for choices.
    """

    number: int
    score: float
    finished: bool
    values: Mapping[str, Any]


def plot_history(points: Sequence[Point], measure: str) -> "Figure":
    """The score of each trial, in their order, and the best so far.

    Raises:
        UserError: no trial was finished.
    """
    from matplotlib.ticker import MaxNLocator

    done = _finished(points)
    early = [point for point in points if not point.finished]
    figure = new_figure(7.5, 3.8)
    axes = figure.subplots()
    quiet_axes(axes, "Trials of the search", "trial", f"{measure} (%)")
    numbers, scores = [point.number for point in done], [100 * point.score for point in done]
    axes.plot(numbers, scores, "o", color=TEAL, markersize=5, label="finished")
    if early:
        axes.plot(
            [point.number for point in early], [100 * point.score for point in early], "x",
            color=MUTED, markersize=5, label="pruned: stopped early",
        )  # fmt: skip
    axes.step(numbers, np.maximum.accumulate(scores), where="post", color=PURPLE, label="best so far")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    return figure


def plot_importance(importance: Mapping[str, float]) -> "Figure":
    """One bar for each option: its share in what tells good trials from others, 0..1.

    Raises:
        UserError: there is none.
    """
    if not importance:
        raise UserError("there are too few finished trials to tell which option matters: run four or more")
    names = sorted(importance, key=lambda name: importance[name])
    figure = new_figure(7.5, 1.2 + 0.4 * len(names))
    axes = figure.subplots()
    quiet_axes(axes, "Importance of the options (PED-ANOVA)", "share", "")
    bars = axes.barh(names, [importance[name] for name in names], color=TEAL, height=0.6)
    axes.bar_label(bars, fmt="%.2f", padding=3, color=INK)
    axes.set_xlim(0, 1.1 * max(importance.values()))
    axes.grid(axis="y", visible=False)
    return figure


def plot_parallel(points: Sequence[Point], scales: Mapping[str, bool | Sequence[str]], measure: str) -> "Figure":
    """Parallel coordinates: one vertical axis for each option, one line for each finished trial, coloured by its score.

    Args:
        scales: by option the texts of its choices, in order, or whether its axis is logarithmic.

    Raises:
        UserError: no trial was finished.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    done = sorted(_finished(points), key=lambda point: point.score)
    heights = [_heights([point.values[name] for point in done], scale) for name, scale in scales.items()]
    shades = Normalize(100 * done[0].score, 100 * done[-1].score)
    figure = new_figure(2.0 + 1.8 * len(scales), 4.2)
    axes = figure.subplots()
    for row, point in enumerate(done):  # the best last, in front
        best = row == len(done) - 1
        shade = colormaps["viridis"](shades(100 * point.score))
        line = [height[row] for height, _ in heights]
        axes.plot(line, color=shade, linewidth=3 if best else 1.2, alpha=1 if best else 0.75, marker="o", markersize=3)
    for column, (name, (_, ticks)) in enumerate(zip(scales, heights, strict=True)):
        _draw_axis(axes, column, name, ticks)
    axes.set_xlim(-0.35, len(scales) - 0.85)
    axes.set_ylim(-0.06, 1.06)
    axes.axis("off")
    bar = figure.colorbar(ScalarMappable(shades, colormaps["viridis"]), ax=axes, pad=0.02, aspect=30)
    bar.set_label(f"{measure} (%)", color=MUTED)
    bar.ax.tick_params(colors=MUTED)
    bar.outline.set_visible(False)
    headline(figure, "Finished trials across the options", "thick: the best")
    return figure


def _draw_axis(axes: "Axes", column: int, name: str, ticks: Sequence[tuple[float, str]]) -> None:
    axes.axvline(column, color=FAINT, linewidth=1.5, zorder=0)
    axes.text(column, 1.1, name, ha="center", va="bottom", color=INK, parse_math=False)
    for height, word in ticks:
        axes.text(
            column - 0.04, height, word, ha="right", va="center", fontsize=8, color=MUTED, parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
        )  # fmt: skip


def _heights(values: Sequence[Any], scale: bool | Sequence[str]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Values as heights from 0 to 1, and the ticks of their axis."""
    if not isinstance(scale, bool):
        steps = {word: index / max(1, len(scale) - 1) for index, word in enumerate(scale)}
        return np.array([steps[value] for value in values]), [(height, word) for word, height in steps.items()]
    numbers = np.array(values, dtype=np.float64)
    places = np.log(numbers) if scale else numbers
    low, high = float(places.min()), float(places.max())
    if low == high:
        return np.full(len(places), 0.5), [(0.5, f"{numbers[0]:.3g}")]
    middle = (low + high) / 2
    back = np.exp if scale else np.asarray
    ticks = [(height, f"{float(back(place)):.3g}") for height, place in ((0.0, low), (0.5, middle), (1.0, high))]
    return (places - low) / (high - low), ticks


def _finished(points: Sequence[Point]) -> list[Point]:
    done = [point for point in points if point.finished]
    if not done:
        raise UserError("no trial was finished, so there is nothing to draw: run more trials")
    return done
