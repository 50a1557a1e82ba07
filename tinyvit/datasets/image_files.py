"""Image files in place of an array of images: they are read, resized and cropped when a batch asks for them."""

import copy
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from PIL import Image

from ..errors import UserError
from ..images.open import open_image
from ..images.processor import ImageProcessor
from .dataset import Dataset, Split
from .in_threads import in_threads
from .listing import Listing


class ImageFiles:
    """Stands where `Split.images` is an array: `files[rows]` gives the images of those rows, read at that moment.

    Args:
        paths: n image files.
        processor: makes them all the same size.

    Raises:
        UserError: the processor leaves images of different sizes as they are.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, paths: Sequence[str | os.PathLike[str]], processor: ImageProcessor):
        self.paths, self.processor = paths, processor
        self.shape = (len(paths), processor.in_chans, *_size(processor))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The images of the rows that an array's first axis would give: one, a slice, an array of indices, a mask.

        Returns:
            uint8 (C, H, W) for one row, (b, C, H, W) for b of them.

        Raises:
            UserError: one of the files cannot be read.
            IndexError: there is no such row.
        """
        chosen = np.asarray(np.arange(len(self))[rows])
        images = np.empty((chosen.size, *self.shape[1:]), self.dtype)
        for image, pixels in zip(images, in_threads(self._pixels, chosen.flat), strict=True):
            image[...] = pixels
        return images.reshape(*chosen.shape, *self.shape[1:])

    def of(self, paths: Sequence[str | os.PathLike[str]]) -> Self:
        """Other files, read in the same way."""
        others = copy.copy(self)
        others.paths, others.shape = paths, (len(paths), *self.shape[1:])
        return others

    def opened(self, row: int) -> Image.Image:
        """An image before it is varied and made as large as the others; errors as for `open_image`."""
        return open_image(self.paths[row])

    def _pixels(self, row: int) -> np.ndarray:
        path = self.paths[row]
        image = open_image(path)
        try:
            return self.processor.pixels(image)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error


def image_dataset(listing: Listing, processor: ImageProcessor, *, name: str = "pictures") -> Dataset:
    """The files of a listing as a data set.

    Its mean and std are such that `normalize(processor.pixels(image), mean, std)` is `processor(image)`.

    Raises:
        UserError: the processor leaves images of different sizes as they are.
    """
    mean, std = processor.statistics
    train, dev, test = (Split(ImageFiles(files.paths, processor), files.labels) for files in listing.splits.values())
    return Dataset(name, listing.class_names, mean, std, train, dev, test)


def _size(processor: ImageProcessor) -> tuple[int, int]:
    """The height and width of every result."""
    if processor.do_center_crop:
        return processor.crop_size
    if processor.do_resize and isinstance(processor.size, tuple):
        return processor.size
    raise UserError(
        "the image processor leaves images of different sizes as they are, so they fit in no batch: "
        "give size a height and a width, or let the middle be cut out with do_center_crop"
    )
