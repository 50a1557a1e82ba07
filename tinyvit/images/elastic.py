"""Elastic distortion: a digit is bent as if the paper were of rubber. A bent 7 is still a 7."""

import math
from typing import Any

import numpy as np

from ..errors import UserError

NODES = 5  # along each side of the image


def random_elastic(n: int, rng: Any, *, elastic: float, size: tuple[int, ...]) -> np.ndarray:
    """Smooth random displacements of the pixels of `n` images, for `warp_affine`.

    For each image and axis, displacements d of NODES x NODES places are drawn, and a pixel takes a weighted sum:

        bend = M_y d M_x.T    M[i, a] ~ exp(-(i - place a)² / 2 s²), s = 0.6 of the distance between places

    Rows of M have length 1, so that the bend of every pixel has the standard deviation that is drawn with.
    Source: Simard, Steinkraus, Platt 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document
    Analysis", section 2, where a displacement is drawn for each pixel, and a Gaussian smooths them.

    Args:
        elastic: standard deviation of the displacements along each axis, in pixels.
        size: (H, W) of the images.

    Returns:
        float32 (n, 2, H, W): how much further to the right, and down, each output pixel looks.

    Raises:
        UserError: `elastic` is negative, infinite or NaN.
    """
    if not 0 <= elastic < math.inf:
        raise UserError(f"elastic must be at least 0 and below inf, got {elastic}: choose another")
    drawn = elastic * rng.standard_normal((n, 2, NODES, NODES))
    rows, columns = (_bumps(length) for length in size)
    return (rows @ drawn @ columns.T).astype(np.float32)


def _bumps(length: int) -> np.ndarray:
    """Weights of the nodes along an axis of so many pixels, float64 (length, NODES)."""
    nodes = np.linspace(0.0, length - 1.0, NODES)
    distance = (np.arange(length)[:, None] - nodes) / (0.6 * max(nodes[1], 1.0))
    weights = np.exp(-0.5 * distance**2)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)
