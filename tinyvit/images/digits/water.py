"""Depth of each pixel below its surroundings: the image is a landscape, ink is a pond, and paper runs off.

Pour water on an image, bright is high and dark is low. It runs off over the image's edge, and stays in what is
enclosed: a dark stroke on paper fills up to the level of the paper around it, whatever else is in the image. A table
around the paper, a finger, a shadow, a line from edge to edge all reach the image's edge, so they stay dry. The same
on the image upside down finds light ink.
"""

import numpy as np

MAX_SWEEPS = 3  # at each size; a sweep follows a path over four straight pieces of any length
NARROW = 0.4  # of the way around an image, is what a digit at its edge may take up
SUDDEN = 0.01  # of the way around, over which the edge of ink falls
COARSEST = 64  # pixels of the longer side at which the first guess is made


def depths(planes: np.ndarray, *, walled: bool = False) -> np.ndarray:
    """Depth of the water over dark and over light ink: uint8 (C, H, W) -> uint8 (2, H, W), the deepest of C channels.

    Args:
        walled: build a wall where something narrow reaches the image's edge, as high as the edge is beside it: for a
            digit that was cut out so tightly that it touches the edge.
    """
    both = np.stack([planes, 255 - planes])  # (2, C, H, W)
    landscape = np.pad(both.reshape(-1, *planes.shape[1:]), ((0, 0), (1, 1), (1, 1)), mode="edge")  # (2C, H + 2, W + 2)
    if walled:
        landscape = _walled(landscape)
    depth = (water_level(landscape) - landscape)[:, 1:-1, 1:-1]
    return depth.reshape(both.shape).max(axis=1)


def touches_edge(planes: np.ndarray, contrast: float) -> bool:
    """Whether something narrow that differs by more than `contrast` reaches the image's edge, uint8 (C, H, W)."""
    edges = np.stack([_edge(planes), _edge(255 - planes)])
    step = max(1, int(SUDDEN * edges.shape[-1]))
    sudden = np.abs(edges - np.roll(edges.astype(np.int16), step, axis=-1)) > contrast  # a shadow changes slowly
    return bool(sudden.any() and (_without_dips(edges) - edges > contrast).any())


def _walled(landscape: np.ndarray) -> np.ndarray:
    """(K, H, W) with its edge pixels raised where they dip."""
    height, width = landscape.shape[1:]
    wall = _without_dips(_edge(landscape))
    landscape = landscape.copy()
    top, right, bottom, left = np.split(wall, np.cumsum([width, height, width]), axis=-1)
    landscape[:, 0], landscape[:, -1] = top, bottom[:, ::-1]
    landscape[:, 1:-1, -1], landscape[:, 1:-1, 0] = right[:, 1:-1], left[:, -2:0:-1]
    return landscape


def _edge(landscape: np.ndarray) -> np.ndarray:
    """The heights once around the image, clockwise from the top left corner: (K, H, W) -> (K, 2 (H + W))."""
    sides = landscape[:, 0], landscape[:, :, -1], landscape[:, -1, ::-1], landscape[:, ::-1, 0]
    return np.concatenate(sides, axis=1)


def _without_dips(profile: np.ndarray) -> np.ndarray:
    """(..., n), a circle, with dips narrower than `NARROW` of it filled: closing, a running maximum, then minimum."""
    reach = int(NARROW * profile.shape[-1] / 2)
    pad = [(0, 0)] * (profile.ndim - 1) + [(reach, reach)]
    for extreme in (np.max, np.min):
        around = np.lib.stride_tricks.sliding_window_view(np.pad(profile, pad, mode="wrap"), 2 * reach + 1, axis=-1)
        profile = extreme(around, axis=-1)
    return profile


def water_level(landscape: np.ndarray) -> np.ndarray:
    """Water level: uint8 (K, H, W) -> the same, K landscapes at once.

    The level at a pixel is the height of the lowest pass on any path from there to the edge of the image:

        level(p) = max(height(p), min of level(q) over the four neighbours q)

    which is carried along the rows and columns, to and fro, until nothing changes: morphological reconstruction by
    erosion (Vincent 1993, "Morphological grayscale reconstruction in image analysis").
    """
    height, width = landscape.shape[1:]
    if max(height, width) > COARSEST:  # a coarser landscape, made of highest points, bounds the level from above
        padded = np.pad(landscape, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
        blocks = padded.reshape(len(landscape), (height + 1) // 2, 2, (width + 1) // 2, 2)
        level = water_level(blocks.max(axis=(2, 4))).repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    else:
        level = np.full_like(landscape, 255)
    for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
        level[edge] = landscape[edge]
    upright = np.ascontiguousarray(landscape.transpose(1, 0, 2))  # (H, K, W): a row of all landscapes lies together
    sideways = np.ascontiguousarray(landscape.transpose(2, 0, 1))  # (W, K, H): so does a column
    level = np.ascontiguousarray(level.transpose(1, 0, 2))
    for _ in range(MAX_SWEEPS):
        before = level.copy()
        _carry(level, upright)
        turned = np.ascontiguousarray(level.transpose(2, 1, 0))
        _carry(turned, sideways)
        level = np.ascontiguousarray(turned.transpose(2, 1, 0))
        if np.array_equal(level, before):
            break
    return level.transpose(1, 0, 2)


def _carry(level: np.ndarray, landscape: np.ndarray) -> None:
    """Let the water fall to the level of the row before, down and then up; (n, K, m), `level` is changed."""
    rows = range(len(level))
    for order in (rows, reversed(rows)):
        before = None
        for row in order:
            if before is not None:
                np.minimum(level[row], before, out=level[row])
                np.maximum(level[row], landscape[row], out=level[row])
            before = level[row]
