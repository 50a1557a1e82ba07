"""Test-time augmentation for digits: does the prediction stay when the image is changed a little?

Softmax makes something of everything: a model that knows ten digits and nothing else is often certain of a letter or of
the grain of wood. But what is a digit stays the same one when it is turned or stretched a little, or drawn with another
pen, and its neighbours in between are unlike anything the model has learned to tell apart.
"""

from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from ..vit import VisionTransformer
from .predict import predict_batch

SURE = 0.8  # least mean probability of the answer over the variants; below, it may be no digit
SURE_ALONE = 0.9  # the same, where it is not known how far it is from all that was learned
TURNS = (-15.0, 15.0)  # degrees
STRETCHES = ((1.15, 0.9), (0.9, 1.15))  # across, down


def sureness(model: VisionTransformer, preprocessing: Any, images: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """The mean probability of each answer over variants of its image: (n,), 0..1.

    Args:
        images: uint8 (n, 1, H, W), light on black.
        probs: the model's answers (n, K) to them.
    """
    changed = [[np.asarray(variant) for variant in _variants(Image.fromarray(image))] for image in images[:, 0]]
    variants = np.array(changed)  # (n, V, H, W)
    n, count = variants.shape[:2]
    seen = predict_batch(
        model, variants.reshape(n * count, 1, *images.shape[2:]), preprocessing.mean, preprocessing.std
    )
    of_answer = seen.reshape(n, count, -1)[np.arange(n), :, probs.argmax(axis=1)]  # (n, V)
    return np.asarray(of_answer.mean(axis=1))


def _variants(image: Image.Image) -> list[Image.Image]:
    """Turned to both sides, stretched both ways, and drawn with a thicker and a thinner pen."""
    width, height = image.size
    turned = [image.rotate(angle, Image.Resampling.BILINEAR) for angle in TURNS]
    stretched = []
    for across, down in STRETCHES:
        about_middle = (1 / across, 0, width / 2 * (1 - 1 / across), 0, 1 / down, height / 2 * (1 - 1 / down))
        stretched.append(image.transform(image.size, Image.Transform.AFFINE, about_middle, Image.Resampling.BILINEAR))
    large = image.resize((3 * width, 3 * height), Image.Resampling.BICUBIC)
    pens = [ImageFilter.MaxFilter(3), ImageFilter.MinFilter(3)]
    return turned + stretched + [large.filter(pen).resize(image.size, Image.Resampling.BOX) for pen in pens]
