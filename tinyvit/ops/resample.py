"""Resampling of position embeddings for images of another size: the grid of patches is interpolated to a new grid.

Each of the D features is a small image X with one number per patch, and is resampled as images are: along its
height by one matrix, along its width by another, both from `resample_matrix`. The class token and the registers have
no place in the image: they pass.

    Y = R_h X R_w^T,   that is   Y[i, j] = Σ_k Σ_l R_h[i, k] R_w[j, l] X[k, l]

X[k, l] is a part of every Y[i, j] that it has a share in, and gets its gradient back in the same shares:
    dX[k, l] = Σ_i Σ_j R_h[i, k] R_w[j, l] dY[i, j],   that is   dX = R_h^T dY R_w
Source: Dosovitskiy et al. 2021, arXiv:2010.11929, section 3.2, on higher resolutions.
"""

from typing import NamedTuple

from ..backend import Array, array_module, like
from ..errors import UserError
from .floats import takes_floats, takes_gradients
from .positions import ResampleMethod, resample_matrix


class ResamplePositionsSaved(NamedTuple):
    """The positions are not needed: a linear map's gradient does not depend on what it is applied to."""

    rows: Array  # R_h (new_h, h)
    columns: Array  # R_w (new_w, w)
    num_prefix: int  # class token and registers in front of the patches


@takes_floats
def resample_positions_forward(
    pos_embed: Array,
    *,
    grid: tuple[int, int],
    new_grid: tuple[int, int],
    num_prefix: int,
    method: ResampleMethod = "bicubic",
    antialias: bool = False,
    align_corners: bool = False,
) -> tuple[Array, ResamplePositionsSaved]:
    """(1, num_prefix + h*w, D), h x w patches row by row -> (1, num_prefix + new_h*new_w, D); or (B, ...) for several.

    Raises:
        UserError: `pos_embed` has not as many rows as the prefix and `grid` need, a grid has a side below 1, or there
            is no such method.
    """

    def matrix(old: int, new: int) -> Array:
        R = resample_matrix(old, new, method=method, antialias=antialias, align_corners=align_corners)
        return like(R.astype(pos_embed.dtype), pos_embed)

    R_h, R_w = matrix(grid[0], new_grid[0]), matrix(grid[1], new_grid[1])
    if pos_embed.ndim != 3 or num_prefix < 0 or pos_embed.shape[1] != num_prefix + grid[0] * grid[1]:
        raise UserError(
            f"{num_prefix} rows and a {grid[0]}x{grid[1]} grid of patches need positions of the shape "
            f"(1, {num_prefix + grid[0] * grid[1]}, D), got {pos_embed.shape}: give the grid they were made for"
        )
    return _apply(pos_embed, R_h, R_w, num_prefix), ResamplePositionsSaved(R_h, R_w, num_prefix)


@takes_gradients
def resample_positions_backward(dy: Array, saved: ResamplePositionsSaved) -> Array:
    """(1, num_prefix + new_h*new_w, D) -> (1, num_prefix + h*w, D): the same with both matrices transposed."""
    return _apply(dy, saved.rows.T, saved.columns.T, saved.num_prefix)


def _apply(x: Array, R_h: Array, R_w: Array, num_prefix: int) -> Array:
    """R_h X R_w^T for each feature of the patches; the prefix passes."""
    B, _, D = x.shape
    (new_h, h), (new_w, w) = R_h.shape, R_w.shape
    patches = R_h @ x[:, num_prefix:].reshape(B, h, w * D)  # (B, new_h, w*D)
    patches = R_w @ patches.reshape(B, new_h, w, D)  # (B, new_h, new_w, D)
    return array_module(x).concatenate([x[:, :num_prefix], patches.reshape(B, new_h * new_w, D)], axis=1)
