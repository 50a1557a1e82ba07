"""Reliability diagram: accuracy against confidence."""

from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .figure import FAINT, INK, MUTED, PURPLE, TEAL, headline, new_figure, quiet_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_reliability(counts: np.ndarray, confidence: np.ndarray, accuracy: np.ndarray, error: float) -> "Figure":
    """A reliability diagram: the accuracy of each bin against its mean confidence, and below, how full the bins are.

    A stem from each point to the diagonal shows what is missing or too much: the stems' lengths, averaged over the
    images, are the expected calibration error.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, figure 1.

    Args:
        counts: images in each of M bins of equal width from 0 to 1, integers (M,).
        confidence: their mean confidence, 0..1, (M,); of no matter where a bin is empty.
        accuracy: the share of them that is right, 0..1, (M,); likewise.
        error: the expected calibration error, 0..1.

    Raises:
        UserError: the three arrays differ in length, or there are no images.
    """
    if not len(counts) == len(confidence) == len(accuracy) or not np.sum(counts):
        raise UserError(
            "a reliability diagram needs bins with images in them, and as many confidences and accuracies as bins, "
            f"got {np.sum(counts)} images in {len(counts)} bins, {len(confidence)} and {len(accuracy)}"
        )
    full = np.flatnonzero(counts)
    sure, right = 100.0 * np.asarray(confidence)[full], 100.0 * np.asarray(accuracy)[full]
    figure = new_figure(5.6, 6.8)
    headline(
        figure,
        f"Calibration: {np.sum(counts):,} images, expected error {100.0 * error:.2f} %",
        "on the line: right as often as sure; below: too sure; above: too modest",
    )
    points, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1.0))
    quiet_axes(points, "", "", "of these classified correctly (%)")
    points.plot([0, 100], [0, 100], color=MUTED, linewidth=1.0, linestyle="--")
    points.vlines(sure, sure, right, color=PURPLE, linewidth=2.5, alpha=0.35)
    points.plot(sure, right, "o", color=PURPLE, markersize=6, markeredgecolor="white", zorder=3)
    points.set_ylim(-3, 103)

    quiet_axes(bars, "", "confidence: probability of the predicted class (%)", "images (%)")
    width = 100.0 / len(counts)
    middle = width * (np.arange(len(counts)) + 0.5)
    bars.bar(middle, 100.0 * np.asarray(counts) / np.sum(counts), width=0.9 * width, color=TEAL)
    bars.set_xlim(-3, 103)
    for axes in (points, bars):
        axes.grid(axis="x", color=FAINT, linewidth=0.8)
        axes.tick_params(labelcolor=INK)
    return figure
