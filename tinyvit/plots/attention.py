"""Attention maps of the class token: the last block, head by head, and the rollout of all blocks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..backend import to_numpy
from ..errors import UserError
from ..looking.rollout import attention_rollout
from .figure import MUTED, headline, new_figure, shortened, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MIN_WIDTH = 5.4  # inches, so that the headline fits
SCALE = "dark: least, bright: most in this map"


def plot_attention(
    images: np.ndarray,
    attention: Sequence[np.ndarray],
    *,
    grid: tuple[int, int],
    num_prefix: int = 1,
    class_token: bool = True,
    titles: Sequence[str] | None = None,
) -> "Figure":
    """For each image a row: the image, then what each head of the last block lets the class token see.

    Args:
        images: (B, C, H, W), uint8 or float, C = 1 or 3.
        attention: one (B, h, N, N) array per block, as `model.attention(images)` gives it.
        grid: rows and columns of patches.
        num_prefix: tokens before the patches: the class token and the registers.
        class_token: whether the first token is one; else it is shown where the patches look, on average.
        titles: a caption for each image.

    Raises:
        UserError: N is not `num_prefix` + rows * columns.
    """
    images = to_numpy(images)
    maps = _class_to_patches(to_numpy(attention[-1]), grid, num_prefix, class_token)  # (B, h, rows, columns)
    num_images, num_heads = maps.shape[:2]
    panel_height = 1.25 * images.shape[2] / images.shape[3] + (0.25 if titles is not None else 0.1)
    figure = new_figure(max(1.35 * (num_heads + 1), MIN_WIDTH), panel_height * num_images + 0.9)
    headline(figure, "What each head of the last block looks at", f"{_who(class_token)} to patches; {SCALE}")
    panels = figure.subplots(num_images, num_heads + 1, squeeze=False)
    for index, (image, row) in enumerate(zip(images, panels, strict=True)):
        show_image(row[0], image)
        if titles is not None:
            row[0].set_title(shortened(titles[index], 20), fontsize=8.5, color=MUTED, parse_math=False)
        for head, axes in enumerate(row[1:]):
            _overlay(axes, image, maps[index, head])
            if index == 0:
                axes.set_title(f"head {head + 1}", fontsize=9, color=MUTED)
    return figure


def plot_overlay(
    image: np.ndarray,
    attention: Sequence[np.ndarray],
    *,
    grid: tuple[int, int],
    num_prefix: int = 1,
    class_token: bool = True,
    title: str = "",
) -> "Figure":
    """One image as it is, under the last block's attention (mean of the heads), and under the rollout.

    Args:
        image: (C, H, W), uint8 or float, C = 1 or 3.
        attention: one (1, h, N, N) array per block.
        grid: rows and columns of patches.
        num_prefix: tokens before the patches: the class token and the registers.
        class_token: whether the first token is one; else it is shown where the patches look, on average.
        title: what was predicted; where it is too long, the middle is left out, as of a long file name in front.

    Raises:
        UserError: N is not `num_prefix` + rows * columns.
    """
    image = to_numpy(image)
    last_block = to_numpy(attention[-1]).mean(axis=1, keepdims=True)  # (1, 1, N, N)
    rollout = attention_rollout(attention)[:, None]  # (1, 1, N, N)
    figure = new_figure(7.2, 2.3 * image.shape[1] / image.shape[2] + 0.9)
    who = _who(class_token)
    headline(figure, shortened(title, 66, tail=36) or f"Where the {who} looks", f"{who} to patches; {SCALE}")
    panels = figure.subplots(1, 3)
    show_image(panels[0], image)
    for axes, weights in zip(panels[1:], (last_block, rollout), strict=True):
        _overlay(axes, image, _class_to_patches(weights, grid, num_prefix, class_token)[0, 0])
    for axes, caption in zip(
        panels, ("image", "attention of the last block", "attention rollout, all blocks"), strict=True
    ):
        axes.set_title(caption, fontsize=9, color=MUTED)
    return figure


def _who(class_token: bool) -> str:
    return "class token" if class_token else "average patch"


def _class_to_patches(weights: np.ndarray, grid: tuple[int, int], num_prefix: int, class_token: bool) -> np.ndarray:
    """From (B, h, N, N) the class token's row without the prefix tokens, as maps (B, h, rows, columns)."""
    rows, columns = grid
    num_tokens = weights.shape[-1]
    if num_prefix < class_token or num_tokens != num_prefix + rows * columns:
        raise UserError(
            f"attention over {num_tokens} tokens does not fit {num_prefix} class and register tokens and a grid "
            f"of {rows} x {columns} patches: pass the grid and num_prefix of the model that made it"
        )
    rows_of = weights[:, :, :1] if class_token else weights[:, :, num_prefix:]
    return rows_of[..., num_prefix:].mean(axis=2).reshape(*weights.shape[:2], rows, columns)


def _overlay(axes: "Axes", image: np.ndarray, heat: np.ndarray) -> None:
    """The attention map (rows, columns), one square per patch, stretched over the faint image in grey."""
    height, width = image.shape[1:]
    show_image(axes, image.mean(axis=0, keepdims=True).astype(image.dtype))
    axes.imshow(
        heat,
        cmap="viridis",
        alpha=0.72,
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
