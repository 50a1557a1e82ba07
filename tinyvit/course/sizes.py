"""Accuracy of a model at image sizes that it was not trained at, with position embeddings interpolated."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from ..datasets import Dataset, Split
from ..evaluation.evaluate import evaluate
from ..vit import VisionTransformer


def accuracy_at_sizes(
    model: VisionTransformer, split: Split, dataset: Dataset, sizes: Iterable[int]
) -> dict[int, float]:
    """The accuracy, 0..1, of `model.resized(size)` on the split's images resized to `size` x `size`, for each size.

    No weight is trained on the way, and the patch size stays, so larger images have more patches, with less in each.

    Raises:
        UserError: the model's patches do not divide one of the sizes.
    """
    models = {size: model.resized(size) for size in sizes}  # all of them before the first takes its time
    return {
        size: evaluate(resized, Split(resized_images(split.images[:], size), split.labels), dataset).measures[
            "accuracy"
        ]
        for size, resized in models.items()
    }


def resized_images(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 (B, C, H, W) -> uint8 (B, C, size, size), bilinear, antialiased where they shrink (Pillow's)."""
    B, C, _, _ = images.shape
    resized = np.empty((B, C, size, size), np.uint8)
    for b in range(B):
        for c in range(C):
            plane = Image.fromarray(images[b, c]).resize((size, size), Image.Resampling.BILINEAR)
            resized[b, c] = np.asarray(plane)
    return resized
