"""Average precision of each class, at IoU thresholds from loose to strict."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .figure import INK, MUTED, headline, new_figure, quiet_axes, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CURVES = 10
MAX_NAME_LENGTH = 24


def plot_average_precision(precisions: np.ndarray, thresholds: np.ndarray, class_names: Sequence[str]) -> "Figure":
    """A curve for each class, falling as boxes have to fit more closely; of many classes the best and the worst.

    Args:
        precisions: (T, K), 0..1; NaN of a class that does not occur.
        thresholds: (T,), of the IoU.
        class_names: K names.
    """
    from matplotlib import colormaps

    figure = new_figure(7.6, 4.8)
    known = np.flatnonzero(~np.isnan(precisions[0]))
    order = known[np.argsort(-precisions[:, known].mean(axis=0), kind="stable")]
    drawn = [*order[: MAX_CURVES // 2], *order[-MAX_CURVES // 2 :]] if len(order) > MAX_CURVES else order
    number = f"the best and the worst of {len(order):,} classes; " if len(order) > len(drawn) else ""
    mean = precisions[:, known].mean() if known.size else 0.0
    headline(
        figure,
        f"Mean average precision {100 * mean:.2f} %",
        f"{number}to the right, boxes have to fit more closely",
    )
    axes = figure.subplots()
    quiet_axes(axes, "", "IoU threshold", "average precision (%)")
    for k, place in zip(drawn, np.linspace(0.05, 0.9, len(drawn)), strict=True):
        label = f"{shortened(class_names[k], MAX_NAME_LENGTH)}: {100 * precisions[:, k].mean():.1f} %"
        colour = colormaps["viridis"](place)
        axes.plot(thresholds, 100 * precisions[:, k], "o-", color=colour, linewidth=1.6, markersize=3.5, label=label)
    if known.size:
        axes.plot(thresholds, 100 * precisions[:, known].mean(axis=1), color=INK, linewidth=2.6, label="mean")
    axes.set_ylim(-2, 102)
    if known.size:
        legend = axes.legend(frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5))
        legend.set_title("average precision")
        legend.get_title().set_color(MUTED)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure
