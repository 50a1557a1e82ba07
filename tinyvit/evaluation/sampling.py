"""Sampling: from noise to images, in steps along the flow that the model has learned.

A noisy image is a straight mixture of an image and noise, x = (1 - t) image + t noise, so its velocity is
dx/dt = noise - image = (x - image) / t. The model says the image, and Euler's method goes from t = 1 to t = 0:

    x' = x + (t' - t) (x - image) / t = image + t'/t (x - image)

With each step the noise that is left shrinks to the part t'/t, and the last, t' = 0, lands on what the model says.
Classifier-free guidance says more of what the class adds: image = free + guidance (told - free), where `free` is what
the model says without the label.

Source: Lipman et al. 2023, arXiv:2210.02747; Liu, Gong, Liu 2023, "Flow Straight and Fast", arXiv:2209.03003; guidance:
Ho, Salimans 2022, arXiv:2207.12598.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module, to_device, to_numpy
from ..errors import UserError
from ..layers.dit import DiT

BATCH_SIZE = 100
STRIP_STEPS = 9  # of a way that are shown


class Denoised(NamedTuple):
    """One step of the way from noise to an image."""

    time: float  # of x: 1 at first, 0 at the end
    x: Array  # (B, C, H, W), the noisy image
    guess: Array  # (B, C, H, W), the image that the model sees in it


def denoise(model: DiT, noise: Array, labels: Array, *, steps: int = 30, guidance: float = 1.0) -> Iterator[Denoised]:
    """Each step from `noise` (B, C, H, W) to images of the classes `labels` (B,), about -1 to 1; `steps` of them.

    Raises:
        UserError: `steps` is below 1, or the model has other images or classes.
    """
    if steps < 1:
        raise UserError(f"sampling takes at least 1 step, got {steps}: choose about 30")
    x = noise
    for step in range(steps):
        now, then = 1.0 - step / steps, 1.0 - (step + 1) / steps
        image = guess(model, x, now, labels, guidance=guidance)
        x = image + (then / now) * (x - image)
        yield Denoised(then, x, image)


def guess(model: DiT, x: Array, time: float, labels: Array, *, guidance: float = 1.0) -> Array:
    """The images (B, C, H, W) that `model` sees in noisy ones at one `time`, each of its class."""
    xp, B = array_module(x), len(x)
    if guidance == 1.0:
        return model.forward(x, times=xp.full(B, time, x.dtype), labels=labels)[0]
    unknown = xp.full_like(labels, model.config.num_classes)
    both, labels = xp.concatenate([x, x]), xp.concatenate([labels, unknown])
    image, _ = model.forward(both, times=xp.full(2 * B, time, x.dtype), labels=labels)
    told, free = image[:B], image[B:]
    return free + guidance * (told - free)


def sample(model: DiT, labels: np.ndarray, noise: np.ndarray, *, steps: int = 30, guidance: float = 1.0) -> np.ndarray:
    """uint8 images (n, C, H, W) of the classes `labels` (n,), each from its own noise, of that shape."""
    images = [np.zeros((0, *model.config.input_shape), np.uint8)]
    for start in range(0, len(labels), BATCH_SIZE):
        rows = slice(start, start + BATCH_SIZE)
        x, y = (to_device(part, model.device) for part in (noise[rows].astype(model.dtype), labels[rows]))
        *_, last = denoise(model, x, y, steps=steps, guidance=guidance)
        images.append(to_pixels(to_numpy(last.x)))
    return np.concatenate(images)


def ways_of(
    model: DiT, labels: np.ndarray, noise: np.ndarray, *, steps: int = 30, guidance: float = 1.0
) -> tuple[np.ndarray, list[float]]:
    """Noisy images on the way from noise to an image, uint8 (n, T, C, H, W), and their T times, from 1 to 0."""
    x, y = (to_device(part, model.device) for part in (noise.astype(model.dtype), labels))
    way = [Denoised(1.0, x, x), *denoise(model, x, y, steps=steps, guidance=guidance)]
    shown = [way[round(place)] for place in np.linspace(0, steps, min(STRIP_STEPS, steps + 1))]
    return np.stack([to_pixels(to_numpy(step.x)) for step in shown], axis=1), [step.time for step in shown]


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Images of -1 to 1 as uint8; what is beyond is cut off."""
    return np.rint((images.astype(np.float32).clip(-1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)


def from_pixels(images: np.ndarray, dtype: Any = np.float32) -> np.ndarray:
    """uint8 images as numbers from -1 to 1."""
    return (images / 127.5 - 1.0).astype(dtype)
