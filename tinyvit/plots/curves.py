"""Learning curves: loss and accuracy, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..storage.metrics import EPOCH_KEYS, measure_in_words
from .figure import INK, PURPLE, TEAL, new_figure, quiet_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_MARKED_EPOCHS = 40  # with more, dots on the lines would run together
OF_CLASSIFIERS = ("dev_accuracy", "dev_map")
MEASURES = {  # what decides which epoch is best: title and axis
    "dev_accuracy": ("Dev accuracy", "images classified correctly (%)"),
    "dev_map": ("Dev mean average precision", "mean of the classes' (%)"),
    "dev_r2": ("Dev R²", "hidden pixels explained (%)"),
}


def plot_curves(history: Sequence[Mapping[str, Any]]) -> "Figure":
    """Two panels: training and dev loss; what decides, dev accuracy as a rule, in percent with the best epoch marked.

    Losses that fall far are drawn on a logarithmic axis, where the end of the training is still readable.

    Args:
        history: one mapping for each epoch with `epoch` (from 1), `train_loss`, `dev_loss` and `dev_accuracy`
            or another measure that decides (0..1). A value that is missing, None or NaN leaves a gap.

    Raises:
        UserError: the history is empty.
    """
    from matplotlib.ticker import MaxNLocator

    if not history:
        raise UserError("there is no epoch to draw: train for at least one epoch first")
    measure = next((name for name in history[0] if name not in EPOCH_KEYS), "dev_accuracy")
    words = measure_in_words(measure)
    title, unit = MEASURES.get(measure, (words[:1].upper() + words[1:], "(%)"))
    columns = {
        key: np.array([np.nan if epoch.get(key) is None else epoch[key] for epoch in history], dtype=np.float64)
        for key in ("epoch", "train_loss", "dev_loss", measure)
    }
    figure = new_figure(10.0, 3.8)
    losses, accuracy = figure.subplots(1, 2)
    is_classifier = measure in OF_CLASSIFIERS and "dev_map50" not in history[0]  # which detection has, too
    loss = "cross-entropy (nats)" if is_classifier else "loss"
    _draw_losses(losses, loss, columns["epoch"], columns["train_loss"], columns["dev_loss"])
    quiet_axes(accuracy, title, "epoch", unit)
    _draw_accuracy(accuracy, columns["epoch"], 100.0 * columns[measure])
    for axes in (losses, accuracy):
        axes.set_xlim(columns["epoch"][0] - 0.5, columns["epoch"][-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return figure


def _draw_losses(axes: "Axes", loss: str, epochs: np.ndarray, train_loss: np.ndarray, dev_loss: np.ndarray) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    quiet_axes(axes, "Loss", "epoch", loss)
    marker = "o" if len(epochs) <= MAX_MARKED_EPOCHS else ""
    axes.plot(epochs, train_loss, color=PURPLE, marker=marker, markersize=3.5, label="training")
    axes.plot(epochs, dev_loss, color=TEAL, marker=marker, markersize=3.5, label="dev")
    known = np.concatenate([train_loss, dev_loss])
    known = known[np.isfinite(known) & (known > 0.0)]
    if known.size and known.max() > 3.0 * known.min():
        axes.set_ylabel(f"{loss.removesuffix(')')}, log scale)" if loss.endswith(")") else f"{loss} (log scale)")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False, labelcolor=INK)


def _draw_accuracy(axes: "Axes", epochs: np.ndarray, percent: np.ndarray) -> None:
    marker = "o" if len(epochs) <= MAX_MARKED_EPOCHS else ""
    axes.plot(epochs, percent, color=TEAL, marker=marker, markersize=3.5)
    known = percent[np.isfinite(percent)]
    if not known.size:
        return
    best = int(np.nanargmax(percent))
    axes.plot(epochs[best], percent[best], "o", color=TEAL, markersize=9, markerfacecolor="white", zorder=3)
    # The first epochs may leave the panel at the bottom, so that the best and the last, which one compares, fill it.
    spread = max(4.0 * (percent[best] - np.median(known)), 1.0)
    bottom = max(percent[best] - spread, known.min() - 0.5, min(0.0, known.min() - 0.5))
    bottom = min(bottom, known[-1] - 0.5)
    top = percent[best] + 0.2 * spread
    axes.set_ylim(bottom, top)
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= min(top, 100.0)])
    early = epochs[best] < (epochs[0] + epochs[-1]) / 2
    axes.annotate(
        f"best: {percent[best]:.2f} % in epoch {epochs[best]:g}",
        (epochs[best], percent[best]),
        xytext=(0, 9),
        textcoords="offset points",
        ha="left" if early else "right",
        color=INK,
    )
