"""The images that a model gets most confidently wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import to_numpy
from ..errors import UserError
from .figure import INK, MUTED, headline, new_figure, shortened, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_mistakes(
    images: Any,
    labels: np.ndarray,
    probs: np.ndarray,
    class_names: Sequence[str],
    rows: int = 4,
    columns: int = 6,
) -> "Figure":
    """The worst mistakes, the highest confidence in a wrong class first, up to `rows` x `columns` of them.

    Args:
        images: (n, C, H, W), uint8 or float, C = 1 or 3; only those that are drawn are looked at.
        labels: true classes, integers (n,).
        probs: predicted probabilities (n, K).
        class_names: K names.

    Raises:
        UserError: the numbers of images, labels, probabilities and names do not fit together.
    """
    labels, probs = to_numpy(labels), to_numpy(probs)
    if not len(images) == len(labels) == len(probs) or probs.shape[1:] != (len(class_names),):
        raise UserError(
            f"mistakes need one label and one row of probabilities for each image, got {len(images)} images, "
            f"{len(labels)} labels, probabilities of shape {probs.shape} and {len(class_names)} class names"
        )
    return plot_worst(images, labels, probs.argmax(axis=1), probs.max(axis=1), class_names, rows, columns)


def plot_worst(
    images: Any,
    labels: np.ndarray,
    predictions: np.ndarray,
    confidence: np.ndarray,
    class_names: Sequence[str],
    rows: int = 4,
    columns: int = 6,
) -> "Figure":
    """As `plot_mistakes`, where only the probability of each prediction is known.

    Args:
        predictions: predicted classes, integers (n,).
        confidence: their probabilities (n,).
    """
    wrong = np.flatnonzero(predictions != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][: rows * columns]
    long_names = max(len(name) for name in class_names) > 3
    titles = []
    for index in worst:
        true, predicted = (shortened(class_names[k], 16) for k in (labels[index], predictions[index]))
        sure = f"({100.0 * confidence[index]:.0f} %)"
        titles.append(f"true {true}\n→ {predicted}\n{sure}" if long_names else f"true {true} → {predicted} {sure}")
    size = (1.6, 2.1) if long_names else (1.45, 1.65)
    return _panels(images, worst, titles, len(wrong), "most confident first", size, columns)


def plot_worst_sets(
    images: Any,
    labels: np.ndarray,
    probs: np.ndarray,
    threshold: float,
    class_names: Sequence[str],
    rows: int = 3,
    columns: int = 4,
) -> "Figure":
    """Plot the worst multi-label predictions: the images with a wrong class, the most surprising first.

    Args:
        images: (n, C, H, W), uint8 or float, C = 1 or 3; only those that are drawn are looked at.
        labels: the truth, booleans (n, K).
        probs: probabilities (n, K).
        threshold: the least probability of a yes.
        class_names: K names.
    """
    predicted = probs >= threshold
    wrong = np.flatnonzero((predicted != labels).any(axis=1))
    surprise = -np.log(np.maximum(np.where(labels, probs, 1.0 - probs), 1e-30)).sum(axis=1)  # nats
    worst = wrong[np.argsort(-surprise[wrong], kind="stable")][: rows * columns]

    def words(chosen: np.ndarray, index: int) -> str:
        names = ", ".join(f"{class_names[int(k)]} ({100.0 * probs[index, k]:.0f} %)" for k in np.flatnonzero(chosen))
        return shortened(names or "nothing", 34)

    titles = [
        f"missed: {words(labels[i] & ~predicted[i], i)}\nadded: {words(predicted[i] & ~labels[i], i)}" for i in worst
    ]
    return _panels(images, worst, titles, len(wrong), "most surprising first", (2.6, 2.5), columns)


def _panels(
    images: Any,
    worst: np.ndarray,
    titles: Sequence[str],
    num_wrong: int,
    order: str,
    size: tuple[float, float],
    columns: int,
) -> "Figure":
    """The images of the rows `worst`, each under its title; `size` is the width and height of each in inches."""
    if not worst.size:
        figure = new_figure(6.0, 1.6)
        text = f"No mistakes among {len(images):,} images"
        figure.text(0.5, 0.5, text, ha="center", va="center", color=INK, fontsize=14)
        return figure
    number = f"The {len(worst):,} worst of {num_wrong:,}" if len(worst) < num_wrong else f"All {num_wrong:,}"
    used_rows = -(-len(worst) // columns)
    width, height = size
    figure = new_figure(max(width * columns, 4.8), 0.7 + used_rows * height)
    headline(figure, f"{number} mistakes among {len(images):,} images", order)
    panels = figure.subplots(used_rows, columns, squeeze=False).flat
    for axes, index, title in zip(panels, worst, titles, strict=False):
        show_image(axes, to_numpy(images[index]))
        axes.set_title(title, fontsize=8.5, color=MUTED, parse_math=False)
    for axes in list(figure.axes)[len(worst) :]:
        axes.remove()
    return figure
