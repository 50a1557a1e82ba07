"""Position tables, made on the host, once: fixed sine-cosine embeddings, and matrices that resample a line.

Sources: Vaswani et al. 2017, section 3.5, in 2-D as He et al. 2022, "Masked Autoencoders", arXiv:2111.06377;
Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", IEEE Trans. ASSP 29(6).
"""

from typing import Literal, TypedDict

import numpy as np

from ..errors import UserError

ResampleMethod = Literal["bicubic", "bilinear"]


class ResampleOptions(TypedDict, total=False):
    """Keyword arguments of `resample_matrix`."""

    method: ResampleMethod
    antialias: bool
    align_corners: bool


REACH = {"bilinear": 1, "bicubic": 2}  # how far a kernel looks, in old steps


def sincos2d(embed_dim: int, grid_size: tuple[int, int], *, num_prefix: int = 0) -> np.ndarray:
    """Position table (1, num_prefix + rows * cols, embed_dim), float64; the prefix tokens have no place: zeros.

    Half of the features encode the column, half the row, as sines and cosines of D/4 frequencies:
        angle = position / 10000^(i / (D/4)),  i = 0 .. D/4 - 1;  [sin, cos] of the column's angles, then of the row's

    Raises:
        UserError: `embed_dim` is not a multiple of 4.
    """
    if embed_dim % 4:
        raise UserError(f'pos_embed="sincos2d" needs an embed_dim that is a multiple of 4, got {embed_dim}')
    rows, cols = np.mgrid[: grid_size[0], : grid_size[1]].reshape(2, -1, 1)  # (L, 1) each
    frequencies = 10000.0 ** (-np.arange(embed_dim // 4) / (embed_dim // 4))  # (D/4,)
    angles = [cols * frequencies, rows * frequencies]  # (L, D/4) each
    table = np.concatenate([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1)  # (L, D)
    return np.concatenate([np.zeros((num_prefix, embed_dim)), table])[None]


def resample_matrix(
    old: int,
    new: int,
    *,
    method: ResampleMethod = "bicubic",
    antialias: bool = False,
    align_corners: bool = False,
) -> np.ndarray:
    """The matrix R (new, old), float64, that makes `new` evenly spaced numbers of `old` ones: y = R @ x.

    Each new number has a place among the old ones, and takes from those nearby, with shares that sum to one:
        y[i] = Σ_j R[i, j] x[j],   R[i, j] = kernel(place[i] - j)
    - Place. Number j stands for a cell from j - 1/2 to j + 1/2. The same line holds old or new cells, so a new one is
      s = old / new wide, and the middle of cell i is at s (i + 1/2) - 1/2. With `align_corners` the first and the last
      number stay where they are instead: s = (old - 1) / (new - 1), and place[i] = s i; a single one is the first.
    - Kernel. "bilinear": 1 - |t|, a straight line between two neighbours. "bicubic": a smooth curve made from four.
    - Border. The first and the last number stand in for their missing neighbours.
    - With `antialias` and s > 1, a kernel one step wide would jump over old numbers: it is made s times wider, so that
      all of them count, looks at no one beyond the border, and is divided by its sum.

    The values are those of torch.nn.functional.interpolate, also where both flags are set: it then takes s from the
    corners but the place from the middles, so that no corner is aligned. Better set one of them.

    Raises:
        UserError: `old` or `new` is below 1, or there is no such method.
    """
    if min(old, new) < 1:
        raise UserError(f"a grid has at least 1 patch along each side, got {old} to become {new}: give larger grids")
    if method not in REACH:
        raise UserError(f"positions are resampled by {' or '.join(sorted(REACH))}, got {method!r}: choose one of these")
    scale = old / new
    if align_corners:
        scale = (old - 1) / (new - 1) if new > 1 else 0.0
    half = 0.0 if align_corners and not antialias else 0.5
    places = (scale * (np.arange(new) + half) - half)[:, None]  # (new, 1)
    if antialias:
        weights = _kernel((places - np.arange(old)) / max(1.0, scale), method, a=-0.5)
        return weights / weights.sum(axis=1, keepdims=True)
    reach = REACH[method]
    weights = _kernel(places - np.arange(-reach, old + reach), method, a=-0.75)  # (new, reach + old + reach)
    inside = weights[:, reach:-reach].copy()
    inside[:, 0] += weights[:, :reach].sum(axis=1)
    inside[:, -1] += weights[:, -reach:].sum(axis=1)
    return inside


def _kernel(t: np.ndarray, method: ResampleMethod, *, a: float) -> np.ndarray:
    """The share of an old number at the distance `t`: 1 at 0, and 0 at every other whole number, so that a place right
    on an old number gets just that. The cubic one has the slope `a` where its two pieces meet, at |t| = 1.
    """
    t = np.abs(t)
    if method == "bilinear":
        return np.maximum(0.0, 1 - t)
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * (t - 1) * (t - 2) ** 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))
