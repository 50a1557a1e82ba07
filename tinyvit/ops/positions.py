"""Fixed 2-D sine-cosine positions: each patch gets the hands of many clocks, half set by its column, half by its row.

    angle = position / 10000^(i / (D/4)),  i = 0 .. D/4 - 1;   [sin, cos] of the column's angles, then of the row's

Source: Vaswani et al. 2017, section 3.5; in 2-D as He et al. 2022, "Masked Autoencoders", arXiv:2111.06377.
"""

import numpy as np

from ..errors import UserError


def sincos2d(embed_dim: int, grid_size: tuple[int, int], *, num_prefix: int = 0) -> np.ndarray:
    """Position table (1, num_prefix + rows * cols, embed_dim), float64; the prefix tokens have no place: zeros.

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
