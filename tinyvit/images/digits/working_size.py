"""Working size: an image resized and smoothed to look for digits in, and an estimate of its noise."""

import numpy as np
from PIL import Image, ImageFilter

MIN_SIDE, MAX_SIDE = 240, 900  # pixels of the longer side at which digits are looked for


def at_working_size(planes: np.ndarray) -> tuple[float, np.ndarray]:
    """The image, uint8 (C, H, W), with its longer side within `MIN_SIDE` and `MAX_SIDE`, and by how much it grew."""
    longest = max(planes.shape[1:])
    scale = float(np.clip(1.0, MIN_SIDE / longest, MAX_SIDE / longest))
    if scale == 1.0:
        return scale, planes
    height, width = (max(1, round(side * scale)) for side in planes.shape[1:])
    resized = [
        Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0) for plane in planes
    ]
    return scale, np.stack([np.asarray(plane) for plane in resized])


def smoothed(planes: np.ndarray) -> tuple[np.ndarray, float]:
    """Averaged over 3 x 3 pixels, and the standard deviation of the noise that is left.

    The noise is in the second differences, which are zero where brightness changes evenly; the least quarter of
    them is taken to lie where nothing is drawn.
    """
    smooth = np.stack([np.asarray(Image.fromarray(plane).filter(ImageFilter.BoxBlur(1))) for plane in planes])
    values = smooth.astype(np.float32)
    across = values[:, :, 3:-3] - 0.5 * (values[:, :, :-6] + values[:, :, 6:])
    down = values[:, 3:-3] - 0.5 * (values[:, :-6] + values[:, 6:])
    second = np.concatenate([across.ravel(), down.ravel()])
    if not second.size:
        return smooth, 0.0
    # A quarter of normally distributed numbers lie within 0.319 deviations; three independent ones make a difference.
    return smooth, float(np.quantile(np.abs(second), 0.25) / 0.319 / np.sqrt(1.5))
