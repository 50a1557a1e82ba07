"""Data augmentation of arrays: random shifts, affine maps and elastic distortion. A moved 7 is still a 7."""

import math
from typing import Any

import numpy as np

from ..errors import UserError
from .elastic import random_elastic


def random_shift(images: np.ndarray, rng: Any, *, pixels: int) -> np.ndarray:
    """Move each image by its own whole number of pixels in each axis; what comes in at the edge is 0.

    Every window of the padded image is a shifted copy of it, so a shift is the choice of a window.

    Args:
        images: (B, C, H, W).
        rng: a `np.random.Generator`, or what draws like one.
        pixels: offsets are drawn from -pixels..pixels.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        UserError: `pixels` is negative.
    """
    B, _, H, W = images.shape
    top, left = _random_corners(B, rng, pixels)
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (H, W), axis=(2, 3))  # (B,C,2p+1,2p+1,H,W)
    return windows[np.arange(B), :, top, left]  # (B,C,H,W)


def random_shift_maps(n: int, rng: Any, *, pixels: int) -> np.ndarray:
    """The shifts that `random_shift` makes of `n` images, as maps for `warp_affine`: float64 (n, 2, 3)."""
    top, left = _random_corners(n, rng, pixels)
    maps = np.tile(np.eye(2, 3), (n, 1, 1))
    maps[:, 0, 2], maps[:, 1, 2] = left - pixels, top - pixels
    return maps


def _random_corners(n: int, rng: Any, pixels: int) -> np.ndarray:
    """Of `n` windows of images with a margin of so many pixels: (top, left), (2, n)."""
    if pixels < 0:
        raise UserError(f"the largest shift must be 0 pixels or more, got {pixels}: choose a positive one")
    return rng.integers(0, 2 * pixels + 1, size=(n, 2)).T


def random_affine(
    images: np.ndarray,
    rng: Any,
    *,
    degrees: float,
    translate: float,
    scale: float,
    shear: float = 0.0,
    elastic: float = 0.0,
) -> np.ndarray:
    """Rotate, shear, scale, move and bend each image by its own random amounts, about the centre; outside is 0.

    Args:
        images: (B, C, H, W), uint8 or float.
        rng: a `np.random.Generator`, or what draws like one.
        degrees: the rotation is uniform in ±degrees.
        translate: the move along each axis is uniform in ±translate pixels, not only whole ones.
        scale: the enlargement is uniform in [1 - scale, 1 + scale].
        shear: the horizontal shear is uniform in ±shear degrees.
        elastic: standard deviation of the displacements of `random_elastic`, in pixels.

    Returns:
        float32 (B, C, H, W) in the range of `images`.

    Raises:
        UserError: an amount is out of its range.
    """
    maps = random_affine_maps(len(images), rng, degrees=degrees, translate=translate, scale=scale, shear=shear)
    bend = random_elastic(len(images), rng, elastic=elastic, size=images.shape[2:]) if elastic else None
    return warp_affine(images, maps, bend)


def random_affine_maps(
    n: int, rng: Any, *, degrees: float, translate: float, scale: float, shear: float = 0.0
) -> np.ndarray:
    """The maps by which `random_affine` warps `n` images: float64 (n, 2, 3), see `inverse_maps`; errors as there."""
    for name, amount, limit in (
        ("degrees", degrees, math.inf),
        ("translate", translate, math.inf),
        ("scale", scale, 1.0),
        ("shear", shear, 90.0),
    ):
        if not 0 <= amount < limit:
            raise UserError(f"{name} must be at least 0 and below {limit}, got {amount}: choose another")
    limits = [math.radians(degrees), translate, translate, scale, math.radians(shear)]
    angle, move_x, move_y, growth, slant = rng.uniform(-1.0, 1.0, size=(n, 5)).T * np.array(limits)[:, None]
    return inverse_maps(angle, move_x, move_y, 1.0 + growth, slant)


def inverse_maps(
    angle: np.ndarray, move_x: np.ndarray, move_y: np.ndarray, scale: np.ndarray, shear: np.ndarray
) -> np.ndarray:
    """From where in the input each output pixel comes, for `B` maps at once.

    Seen from the image's centre (x to the right, y down), the map is u = scale R S v + move with

        S = [1  tan(shear)]    R = [ cos(angle)  sin(angle)]    (counter-clockwise on the screen)
            [0      1     ]        [-sin(angle)  cos(angle)]

    and so v = (1/scale) S^-1 R^-1 (u - move): the inverse is written down, no system is solved.

    Args:
        angle, shear: in radians; move_x, move_y: in pixels; scale: a factor. All of shape (B,).

    Returns:
        float64 (B, 2, 3): v = A[:, :2] u + A[:, 2].
    """
    cos, sin, slope = np.cos(angle), np.sin(angle), np.tan(shear)
    linear = np.array([[cos - slope * sin, -sin - slope * cos], [sin, cos]]) / scale  # (2,2,B)
    offset = -np.einsum("ijb,jb->ib", linear, np.array([move_x, move_y]))  # (2,B)
    return np.concatenate([linear, offset[:, None]], axis=1).transpose(2, 0, 1)


def warp_affine(images: np.ndarray, maps: np.ndarray, bend: np.ndarray | None = None) -> np.ndarray:
    """Resample each image through its map with bilinear interpolation; outside the image is 0.

    Args:
        images: (B, C, H, W).
        maps: (B, 2, 3) from `inverse_maps`: output position to input position, in pixels from the centre.
        bend: (B, 2, H, W) from `random_elastic`, added to the input positions (x, y).

    Returns:
        float32 (B, C, H, W).
    """
    B, C, H, W = images.shape
    # One zero before and two after: a position clipped to [-1, W] is in [0, W+1] here, and has a neighbour.
    padded = np.zeros((B, C, H + 3, W + 3), np.float32)
    padded[:, :, 1:-2, 1:-2] = images
    pixels, row = padded.reshape(-1), W + 3

    centre_x, centre_y = (W - 1) / 2, (H - 1) / 2
    a = maps.astype(np.float32)[:, :, :, None, None]  # (B,2,3,1,1)
    u_x = np.arange(W, dtype=np.float32) - np.float32(centre_x)
    u_y = np.arange(H, dtype=np.float32)[:, None] - np.float32(centre_y)
    x = a[:, 0, 0] * u_x + (a[:, 0, 1] * u_y + (a[:, 0, 2] + np.float32(centre_x + 1)))  # (B,H,W)
    y = a[:, 1, 0] * u_x + (a[:, 1, 1] * u_y + (a[:, 1, 2] + np.float32(centre_y + 1)))
    if bend is not None:
        x += bend[:, 0]
        y += bend[:, 1]
    np.clip(x, 0, W + 1, out=x)
    np.clip(y, 0, H + 1, out=y)

    left, top = x.astype(np.int32), y.astype(np.int32)  # rounds down, as nothing is negative
    x -= left  # how far between the left and the right neighbour, 0..1
    y -= top
    first = np.arange(B * C, dtype=np.int32).reshape(B, C, 1, 1) * np.int32((H + 3) * row)
    index = first + (top * np.int32(row) + left)[:, None]  # (B,C,H,W)
    x, y = x[:, None], y[:, None]

    upper = _between(pixels, index, x)
    index += np.int32(row)
    lower = _between(pixels, index, x)
    lower -= upper
    lower *= y
    lower += upper
    return lower


def _between(pixels: np.ndarray, index: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Linear interpolation between each indexed pixel and the one to its right."""
    left = pixels.take(index)
    right = pixels[1:].take(index)
    right -= left
    right *= fraction
    right += left
    return right
