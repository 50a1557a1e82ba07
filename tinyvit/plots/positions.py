"""Similarity of position embeddings: patches near each other should have similar ones."""

from typing import TYPE_CHECKING

import numpy as np

from ..backend import to_numpy
from ..errors import UserError
from .figure import INK, MUTED, headline, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_position_similarity(pos_embed: np.ndarray, *, grid: tuple[int, int], num_prefix: int = 1) -> "Figure":
    """For each patch a small map: the cosine similarity of its position embedding with those of all patches.

    The maps lie where their patches lie, as in figure 7 (centre) of the ViT paper. Colours span the similarities
    between different patches; each patch's similarity with itself, always 1, may lie above.

    Args:
        pos_embed: (1, N, D).
        grid: rows and columns of patches.
        num_prefix: tokens before the patches: the class token and the registers.

    Raises:
        UserError: N is not `num_prefix` + rows * columns.
    """
    rows, columns = grid
    num_patches = rows * columns
    pos_embed = to_numpy(pos_embed)
    if pos_embed.shape[1] != num_prefix + num_patches:
        raise UserError(
            f"a position embedding of shape {pos_embed.shape} does not fit {num_prefix} class and register tokens "
            f"and a grid of {rows} x {columns} patches: pass the grid and num_prefix of the model it comes from"
        )
    patches = pos_embed[0, num_prefix:].astype(np.float64)  # (L, D)
    directions = patches / np.maximum(np.linalg.norm(patches, axis=1, keepdims=True), 1e-12)
    similarity = directions @ directions.T  # (L, L)
    others = similarity[~np.eye(num_patches, dtype=bool)]

    # All maps in one array with a gap of NaN between them, drawn at once: (rows * (rows + 1) - 1, ...).
    mosaic = np.full((rows, rows + 1, columns, columns + 1), np.nan)
    mosaic[:, :rows, :, :columns] = similarity.reshape(rows, columns, rows, columns).transpose(0, 2, 1, 3)
    mosaic = mosaic.reshape(rows * (rows + 1), columns * (columns + 1))[:-1, :-1]

    figure = new_figure(6.6, 1.2 + 5.2 * min(mosaic.shape[0] / mosaic.shape[1], 2.0))
    headline(
        figure,
        "How alike are the position embeddings?",
        "each small map compares one patch, lying at its own place, with all patches",
    )
    axes = figure.subplots()
    low, high = (others.min(), others.max()) if others.size else (-1.0, 1.0)
    drawn = axes.imshow(mosaic, cmap="viridis", interpolation="nearest", vmin=low, vmax=high)
    axes.set_xticks(
        np.arange(columns) * (columns + 1) + (columns - 1) / 2, [str(1 + column) for column in range(columns)]
    )
    axes.set_yticks(np.arange(rows) * (rows + 1) + (rows - 1) / 2, [str(1 + row) for row in range(rows)])
    axes.set_xlabel("patch column", color=MUTED)
    axes.set_ylabel("patch row", color=MUTED)
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)
    colorbar = figure.colorbar(drawn, ax=axes, shrink=0.7, pad=0.02, extend="max")
    colorbar.set_label("cosine similarity", color=MUTED)
    colorbar.outline.set_visible(False)
    colorbar.ax.tick_params(colors=MUTED)
    return figure
