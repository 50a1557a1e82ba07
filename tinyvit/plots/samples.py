"""Made images: a grid of them, one row a class, and the way from noise to an image."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..storage.files import disk_errors, replacing
from .figure import INK, MUTED, headline, made_place, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_NAME_LENGTH = 14
GAP = 1  # pixels between two images
MIN_SIDE = 56  # pixels, of an image on a sheet


def plot_samples(
    images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, title: str = "", subtitle: str = ""
) -> "Figure":
    """Plot made images, one row for each class that occurs.

    Args:
        images: uint8 (n, C, H, W).
        labels: integers (n,), the classes they were made as.
        class_names: K names.
    """
    rows = [images[labels == k] for k in np.unique(labels)]
    names = [shortened(class_names[int(k)], MAX_NAME_LENGTH) for k in np.unique(labels)]
    return _sheet(rows, names, [], title, subtitle)


def plot_denoising(
    ways: np.ndarray, times: Sequence[float], names: Sequence[str], *, title: str = "", subtitle: str = ""
) -> "Figure":
    """Plot the way from noise to an image, one row an image, from left to right.

    Args:
        ways: uint8 (n, steps, C, H, W).
        times: of the steps, from 1, noise, to 0, an image.
        names: of the n images.
    """
    captions = [f"t = {time:.2f}" for time in times]
    return _sheet(list(ways), [shortened(name, MAX_NAME_LENGTH) for name in names], captions, title, subtitle)


def save_sheet(images: np.ndarray, path: str | Path) -> None:
    """Write images, uint8 (n, C, H, W), as one PNG, in rows from left to right; small ones enlarged, pixel by pixel.

    Raises:
        UserError: the file cannot be written.
    """
    columns = math.ceil(math.sqrt(len(images)))
    sheet = tiled([images[start : start + columns] for start in range(0, len(images), columns)])
    scale = max(1, MIN_SIDE // max(images.shape[2:]))
    with replacing(made_place(path)) as file, disk_errors(path):
        Image.fromarray(sheet.repeat(scale, axis=0).repeat(scale, axis=1)).save(file, format="PNG")


def tiled(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of images (n, C, H, W) as one image uint8 (h, w, 3), white lines between them; short rows end early."""
    H, W = rows[0].shape[2:]
    columns = max(map(len, rows))
    sheet = np.full((len(rows) * (H + GAP) - GAP, columns * (W + GAP) - GAP, 3), 255, np.uint8)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            top, left = row * (H + GAP), column * (W + GAP)
            sheet[top : top + H, left : left + W] = image.transpose(1, 2, 0)  # grey goes into all three colours
    return sheet


def _sheet(
    rows: Sequence[np.ndarray], names: Sequence[str], captions: Sequence[str], title: str, subtitle: str
) -> "Figure":
    sheet = tiled(rows)
    H, W = rows[0].shape[2:]
    height, width = sheet.shape[:2]
    scale = min(7.2 / width, 9.0 / height)
    figure = new_figure(width * scale + 1.2, height * scale + 0.9)
    headline(figure, title, subtitle)
    axes = figure.subplots()
    axes.imshow(sheet, interpolation="nearest")
    axes.set_yticks([(H + GAP) * row + H / 2 for row in range(len(rows))], names, color=INK, parse_math=False)
    axes.set_xticks([(W + GAP) * column + W / 2 for column in range(len(captions))], captions, color=MUTED, fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
