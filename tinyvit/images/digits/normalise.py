"""Normalisation of a digit to MNIST's look: light on black, 20 of 28 pixels high, centred by mass."""

import numpy as np
from PIL import Image, ImageFilter

STROKE = 0.11  # width of a stroke over the longer side of its digit, about as in MNIST


def as_mnist(digit: np.ndarray, stroke: float, size: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """Ink (h, w) in 0..1, cropped to its strokes -> uint8 `size`, and whether thin strokes were made thicker.

    Args:
        digit: 0 where there is paper, 1 where there is full ink.
        stroke: mean width of its strokes in pixels.
        size: height and width of the result.
    """
    length = max(digit.shape)
    missing = STROKE * length - stroke
    reach = round(missing / 2) if missing > 0.3 * STROKE * length else 0
    if reach:
        digit = grown(np.pad(digit, reach), reach)
    return centred(digit, size), reach > 0


def centred(digit: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A cropped digit, 0..1, scaled into 20 of 28 pixels and laid with its centre of mass in the middle of `size`."""
    scale = min(side * 20 / 28 / length for side, length in zip(size, digit.shape, strict=True))
    height, width = (max(1, round(length * scale)) for length in digit.shape)
    digit = resized(255.0 * digit, height, width)
    digit *= 255.0 / digit.max()
    canvas = np.zeros(size)
    mass = digit.sum()
    y, x = digit.sum(axis=1) @ np.arange(height) / mass, digit.sum(axis=0) @ np.arange(width) / mass
    # MNIST's centres of mass lie at pixel 14 of 0..27, not at 13.5.
    top = int(np.clip(round(size[0] / 2 - y), 0, size[0] - height))
    left = int(np.clip(round(size[1] / 2 - x), 0, size[1] - width))
    canvas[top : top + height, left : left + width] = digit
    return np.rint(canvas).astype(np.uint8)


def resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W) in 0..255 to (height, width), antialiased, kept within 0..255."""
    image = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(image), 0.0, 255.0)


def grown(values: np.ndarray, reach: int) -> np.ndarray:
    """(H, W) in 0..1: each pixel becomes the largest within `reach` pixels."""
    image = Image.fromarray(np.rint(255.0 * values).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.MaxFilter(2 * reach + 1))) / 255.0
