"""Covering (occlusion): patches are painted over, and the logit of the class is asked again. Tried, not estimated.

Source: Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901, section 4.2.
"""

import numpy as np

from ..backend import Array, array_module, like
from ..config import ViTConfig
from ..errors import UserError
from ..vit import VisionTransformer

MAX_WINDOWS = 64  # as many forwards as an image of 8 x 8 patches takes; larger grids are covered in windows


class Windows:
    """Rectangles of patches that tile a grid: of `size` patches a side, and smaller ones at the right and the bottom.

    Args:
        size: None: 1 where there are at most 64 patches, else a quarter of the grid's longer side.

    Raises:
        UserError: `size` is below 1.
    """

    def __init__(self, grid: tuple[int, int], size: int | None = None):
        if size is None:
            size = 1 if grid[0] * grid[1] <= MAX_WINDOWS else -(-max(grid) // 4)
        if size < 1:
            raise UserError(f"a window covers at least one patch, got {size}: choose a larger one")
        self.grid, self.size = grid, size
        down, right = (-(-side // size) for side in grid)
        rows, columns = np.arange(grid[0]) // size, np.arange(grid[1]) // size
        self.of_patch = rows[:, None] * right + columns  # (rows, columns), the number of the window that covers it
        self.count = down * right

    @property
    def masks(self) -> np.ndarray:
        """Masks, true at the patches that each window covers: bool (W, rows, columns)."""
        return self.of_patch == np.arange(self.count)[:, None, None]

    def sums(self, maps: np.ndarray) -> np.ndarray:
        """Sums of maps (..., rows, columns) over each window: (..., W)."""
        return maps.reshape(*maps.shape[:-2], -1) @ self.masks.reshape(self.count, -1).T.astype(maps.dtype)

    def as_map(self, values: np.ndarray) -> np.ndarray:
        """Values of windows (..., W) as a map (..., rows, columns): each patch has an equal part of its window's."""
        shares = values / self.masks.sum(axis=(1, 2))
        return shares[..., self.of_patch]


def covered(image: Array, masks: np.ndarray, fill: Array, config: ViTConfig) -> Array:
    """An image (C, H, W) painted over with `fill` where a mask is true: (n, C, H, W) for masks (n, rows, columns).

    Args:
        fill: (C, 1, 1) or anything that broadcasts to (C, H, W), as normalised as the image is.
    """
    xp, P = array_module(image), config.patch_size
    pixels = like(masks.repeat(P, axis=1).repeat(P, axis=2)[:, None], image)
    return xp.where(pixels, fill, image[None]).astype(image.dtype)


def covering(
    model: VisionTransformer, image: Array, target: int, *, fill: Array, windows: Windows | None = None
) -> Array:
    """By how much the logit of class `target` falls when each window by itself is painted over: (W,). Where that paints
    what is there already, as on the black around a digit, it is 0, with no forward whose rounding would say otherwise.

    Args:
        image: (C, H, W), normalised.
        fill: what is painted, as for `covered`.
        windows: None: `Windows` of the model's grid.
    """
    windows = windows or Windows(model.config.grid_size)
    xp, images = array_module(image), covered(image, windows.masks, fill, model.config)
    differs = (images != image).any(axis=(1, 2, 3))
    logits = model.predict(xp.concatenate([image[None], images[differs]]))[:, target]
    falls = xp.zeros(windows.count, logits.dtype)
    falls[differs] = logits[0] - logits[1:]
    return falls
