"""Mean and standard deviation of a data set's pixels: what images are normalised with."""

import numpy as np

from ..backend import bincount
from .dataset import Images

MIN_STD = 1 / 255  # of pixels that are all alike
PART = 1000  # images looked at together


def pixel_statistics(images: Images) -> tuple[float | tuple[float, ...], float | tuple[float, ...]]:
    """(mean, std) of uint8 (n, C, H, W) after division by 255: a number each, or one per channel."""
    counts = np.zeros((images.shape[1], 256))  # how often each level occurs: exact, and of any number of images
    for start in range(0, len(images), PART):
        part = images[start : start + PART]
        counts += [bincount(part[:, channel].ravel(), minlength=256) for channel in range(part.shape[1])]
    levels = np.arange(256) / 255
    means = counts @ levels / counts.sum(axis=1)
    stds = [float(np.average((levels - m) ** 2, weights=c)) ** 0.5 for m, c in zip(means, counts, strict=True)]
    mean, std = tuple(map(float, means)), tuple(max(MIN_STD, s) for s in stds)
    return (mean[0], std[0]) if len(mean) == 1 else (mean, std)
