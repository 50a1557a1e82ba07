"""Image files as a model's preprocessing makes them, which for drawings is not what the image processor does."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..datasets import Dataset, Split
from ..datasets.image_files import ImageFiles
from .preprocessing import Preprocessing


class PreparedFiles(ImageFiles):
    """Image files, each made by `Preprocessing.prepare`."""

    def __init__(self, paths: Sequence[str | os.PathLike[str]], preprocessing: Preprocessing):
        super().__init__(paths, preprocessing.processor)
        self.preprocessing = preprocessing

    def opened(self, row: int) -> Image.Image:
        """A prepared image, before it is varied."""
        pixels = self._pixels(row)
        return Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))

    def _pixels(self, row: int) -> np.ndarray:
        return self.preprocessing.prepare(self.paths[row]).image


def prepared(dataset: Dataset, preprocessing: Preprocessing) -> Dataset:
    """The same images as the model takes them: of files, where it knows drawings, each prepared as one."""
    if not preprocessing.is_drawing:
        return dataset
    splits: dict[str, Any] = {name: getattr(dataset, name) for name in ("train", "dev", "test")}
    changed: dict[str, Any] = {
        name: Split(PreparedFiles(split.images.paths, preprocessing), split.labels)
        for name, split in splits.items()
        if isinstance(split.images, ImageFiles)
    }
    return dataclasses.replace(dataset, **changed)
