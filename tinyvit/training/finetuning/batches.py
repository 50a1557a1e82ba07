"""Batches of fine-tuning, from image files: decoded, augmented, normalised."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from ...backend import generator
from ...config.run import FinetuneConfig
from ...datasets import Dataset, normalize
from ...datasets.image_files import ImageFiles
from ...images.augment_pil import rand_augment, random_flip, random_resized_crop
from ...images.mixing import mixed, random_erasing
from ...images.processor import ImageProcessor, to_array
from ...tasks import task_of
from ..state import steps_per_epoch
from .prefetch import Prefetch


class ImageBatches:
    """The training batches of a run, made in the background and from (seed, step) alone.

    Args:
        dataset: its training images are files.
        threads: how many decode images at a time.
    """

    def __init__(self, config: FinetuneConfig, dataset: Dataset, processor: ImageProcessor, threads: int):
        self.config, self.dataset, self.processor = config, dataset, processor
        self.files = files_of(dataset)
        self.steps_per_epoch = steps_per_epoch(config, dataset)
        self._order = functools.lru_cache(2)(lambda epoch: task_of(config).order(config, dataset, epoch))
        self._pool = ThreadPoolExecutor(threads)
        self._prefetch = Prefetch(self.make, last=config.epochs * self.steps_per_epoch)

    def take(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Take what `make` makes for `step`, shapes and errors alike, while the next ones are made."""
        return self._prefetch.take(step)

    def make(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Images float32 (B, C, H, W), varied and normalised, and labels (B,) or soft targets (B, K).

        Raises:
            UserError: an image cannot be read.
        """
        epoch, position = divmod(step, self.steps_per_epoch)
        config, size = self.config, self.config.batch_size
        chosen = self._order(epoch)[position * size : (position + 1) * size]
        images = np.stack(list(self._pool.map(lambda index: self._image(epoch, int(index)), chosen)))
        return mixed(
            images,
            self.dataset.train.labels[chosen],
            generator(config.seed, "mix", step),
            mixup=config.mixup,
            cutmix=config.cutmix,
            num_classes=config.model.num_classes,
        )

    def close(self) -> None:
        """End the threads."""
        self._prefetch.close()
        self._pool.shutdown(cancel_futures=True)

    def _image(self, epoch: int, index: int) -> np.ndarray:
        """One training image as it is seen in `epoch`: float32 (C, H, W)."""
        config, dataset = self.config, self.dataset
        rng = generator(config.seed, "picture", epoch, index)
        image = self._framed(self.files.opened(index), rng)
        image = random_flip(image, rng, probability=config.flip)
        if config.rand_augment:
            image = rand_augment(image, rng, strength=config.rand_augment)
        normalised = normalize(to_array(image)[None], dataset.mean, dataset.std)[0]
        return random_erasing(normalised, rng, probability=config.erasing) if config.erasing else normalised

    def _framed(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        """A random part of the image, or all that evaluation sees of it, in the model's size."""
        config, processor = self.config, self.processor
        if config.crop_scale >= 1:
            return processor.fitted(image)
        return random_resized_crop(
            processor.converted(image),
            rng,
            size=config.model.image_shape,
            scale=(config.crop_scale, 1.0),
            resample=processor.resample,
        )


def files_of(dataset: Dataset) -> ImageFiles:
    """The files of the training images.

    Raises:
        TypeError: they are no files.
    """
    if not isinstance(dataset.train.images, ImageFiles):
        raise TypeError(f"training images must be ImageFiles, got {type(dataset.train.images).__name__}")
    return dataset.train.images
