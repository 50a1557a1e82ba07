"""Figures of dense predictions: the class of each pixel as a colour, and boxes with names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .figure import INK, TEAL, headline, new_figure, shortened, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 8
MAX_LEGEND = 24
FOUND = "#c2410c"


def plot_masks(
    images: np.ndarray, masks: np.ndarray, predictions: np.ndarray, class_names: Sequence[str], title: str
) -> "Figure":
    """Plot images, the class that is predicted for each pixel, and the true one, in three rows.

    Args:
        images: uint8 (n, C, H, W).
        masks, predictions: integers (n, H, W), the first class is left dark; above all classes: of none.
        class_names: K names.
    """
    from matplotlib.patches import Patch

    colours = class_colours(len(class_names))
    figure = new_figure(1.2 * COLUMNS + 1.6, 4.6)
    headline(figure, title, "above the images, then what the model says of each pixel, then the truth")
    panels = figure.subplots(3, COLUMNS, squeeze=False)
    for axes in panels.ravel():
        axes.set_axis_off()
    for column, (image, prediction, mask) in enumerate(zip(images[:COLUMNS], predictions, masks, strict=False)):
        show_image(panels[0, column], image)
        for row, classes in ((1, prediction), (2, mask)):
            panels[row, column].imshow(colours[np.minimum(classes, len(class_names))], interpolation="nearest")
    names = [shortened(name, 16) for name in class_names[1:MAX_LEGEND]]
    handles = [Patch(color=colours[k], label=name) for k, name in enumerate(names, 1)]
    legend = figure.legend(handles=handles, loc="outside right center", frameon=False, labelcolor=INK, fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def plot_mask(image: np.ndarray, mask: np.ndarray, class_names: Sequence[str], title: str) -> "Figure":
    """Plot an image (C, H, W), and beside it the class (H, W) of each pixel, with the names of those that occur."""
    from matplotlib.patches import Patch

    colours = class_colours(len(class_names))
    figure = new_figure(8.0, 4.0)
    headline(figure, shortened(title, 66, tail=36), "the image as the model takes it, and the class of each pixel")
    left, right = figure.subplots(1, 2)
    show_image(left, image)
    right.set_axis_off()
    right.imshow(colours[mask], interpolation="nearest")
    occurring = np.unique(mask)[:MAX_LEGEND]
    handles = [Patch(color=colours[k], label=shortened(class_names[k], 16)) for k in occurring]
    legend = figure.legend(handles=handles, loc="outside right center", frameon=False, labelcolor=INK, fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def plot_found(image: np.ndarray, found: Sequence[tuple[Any, str]], title: str) -> "Figure":
    """Plot an image (C, H, W) with the boxes found in it, and what stands at each."""
    figure = new_figure(5.0, 5.4)
    headline(figure, shortened(title, 50, tail=24), "the image as the model takes it, and what it finds")
    axes = figure.subplots()
    show_image(axes, image)
    for box, text in found:
        draw_box(axes, box, text)
    return figure


def class_colours(num_classes: int) -> np.ndarray:
    """Colours (K + 1, 3), 0..1: black for the first class, grey for what is of none, after all of them."""
    from matplotlib import colormaps

    bright = [colormaps["tab20"](k % 20)[:3] for k in np.argsort(np.arange(20) % 2, kind="stable")]
    others = [bright[k % 20] for k in range(num_classes - 1)]
    return np.array([(0.0, 0.0, 0.0), *others, (0.45, 0.45, 0.45)])


def plot_boxes(
    images: np.ndarray,
    found: Sequence[Sequence[tuple[Any, str]]],
    truth: Sequence[Sequence[tuple[Any, str]]],
    title: str,
) -> "Figure":
    """Plot images twice: with the boxes that are found, each with its name and its score, and with the true ones.

    Args:
        images: uint8 (n, C, H, W).
        found, truth: for each image pairs of a box, x1 y1 x2 y2, and what stands at it.
    """
    figure = new_figure(1.5 * COLUMNS, 4.4)
    headline(figure, title, "above what the model finds, and how sure it is; below the truth")
    panels = figure.subplots(2, COLUMNS, squeeze=False)
    for axes in panels.ravel():
        axes.set_axis_off()
    for column, image in enumerate(images[:COLUMNS]):
        for row, (of_images, colour) in enumerate(((found, FOUND), (truth, TEAL))):
            show_image(panels[row, column], image)
            for box, text in of_images[column]:
                draw_box(panels[row, column], box, text, colour)
    return figure


def draw_box(axes: "Axes", box: Any, text: str, colour: str = FOUND) -> None:
    """A box x1 y1 x2 y2 in pixels with a text above it, or within it where the image ends."""
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = box[:4]
    axes.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=1.4))
    is_below = y1 < 0.1 * (axes.get_ylim()[0] + 0.5)
    place = {"y": y1 + 0.8, "va": "top"} if is_below else {"y": y1 - 0.8, "va": "bottom"}
    axes.text(x1, s=shortened(text, 20), color="white", fontsize=6.5, parse_math=False, clip_on=True, **place)
