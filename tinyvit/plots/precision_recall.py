"""Precision-recall curve of each class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import UserError
from .figure import INK, MUTED, headline, new_figure, quiet_axes, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CURVES = 8  # more would hide each other: those of the classes that most images are of
MAX_NAME_LENGTH = 24


class PrecisionRecall(NamedTuple):
    """One class, by falling score: with every image found, recall rises."""

    name: str
    support: int  # images of it
    average_precision: float  # 0..1, the area under the steps
    recall: np.ndarray  # (m,), 0..1
    precision: np.ndarray  # (m,), 0..1
    at_threshold: tuple[float, float]  # recall and precision of what reaches the threshold


def plot_precision_recall(classes: Sequence[PrecisionRecall], threshold: float) -> "Figure":
    """The precision-recall curve of each class, in the steps whose area is the average precision; of the 8 classes with
    the most images. A dot shows where the threshold stands.

    Raises:
        UserError: there is no class.
    """
    from matplotlib import colormaps

    if not classes:
        raise UserError("there is no class with an image to draw a curve of: give images with labels")
    drawn = sorted(classes, key=lambda of_class: -of_class.support)[:MAX_CURVES]
    figure = new_figure(7.6, 4.8)
    number = f"the {len(drawn)} of {len(classes):,} classes with the most images" if len(classes) > len(drawn) else ""
    average = 100.0 * float(np.mean([of_class.average_precision for of_class in classes]))
    headline(
        figure,
        f"Precision and recall: mean average precision {average:.2f} %",
        "; ".join(filter(None, [number, f"dots: what has a probability of {threshold:g} or more"])),
    )
    axes = figure.subplots()
    quiet_axes(axes, "", "recall: found of what is there (%)", "precision: right of what is found (%)")
    for of_class, place in zip(drawn, np.linspace(0.1, 0.9, len(drawn)), strict=True):
        colour = colormaps["viridis"](place)
        recall, precision = 100.0 * of_class.recall, 100.0 * of_class.precision
        label = f"{shortened(of_class.name, MAX_NAME_LENGTH)}: {100.0 * of_class.average_precision:.1f} %"
        axes.step([0.0, *recall], [precision[0], *precision], where="pre", color=colour, linewidth=1.8, label=label)
        x, y = (100.0 * number for number in of_class.at_threshold)
        axes.plot(x, y, "o", color=colour, markersize=7, markeredgecolor="white", zorder=3)
    axes.set_xlim(-2, 102)
    axes.set_ylim(-2, 105)
    legend = axes.legend(frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5))
    legend.set_title("average precision")
    legend.get_title().set_color(MUTED)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure
