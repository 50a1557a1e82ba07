"""The worth of a pretrained encoder where labels are few: fine-tuned, beside what needs no pretraining."""

import dataclasses
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import to_device, to_numpy
from ..config.mae import TransferConfig
from ..datasets import Dataset, Split, batches, normalize
from ..errors import UserError
from ..evaluation.metrics.linear_probe import linear_probe
from ..evaluation.metrics.neighbours import nearest_neighbours
from ..pretrained import open_checkpoint
from ..tasks.transfer import few_labels
from ..vit import VisionTransformer
from .history import History
from .progress import Progress
from .start import train

BATCH = 500  # images at once


class Worth(NamedTuple):
    """Accuracies on the test split, 0..1, of classifiers that saw the same few labels."""

    tuned: History
    scratch: History
    probe_of_features: float  # linear, on the frozen encoder's
    probe_of_pixels: float
    neighbours_of_features: float
    neighbours_of_pixels: float


def worth(config: TransferConfig, *, overwrite: bool = False, progress: Progress | None = None) -> Worth:
    """Fine-tune the encoder at `config.init` on `config.num_labels` labels; then a model of random weights in the same
    way, in a run folder beside it, `<folder>-scratch`; then ask the frozen features and the pixels.

    Raises:
        UserError: as `train`.
    """
    if config.output and not overwrite and os.path.lexists(beside := _beside(Path(config.output))):
        raise UserError(f"{beside} is there already, and the run to compare with goes there: choose another --output")
    tuned = train(config, overwrite=overwrite, progress=progress)
    assumed = tuned.best
    if assumed is None or not isinstance(assumed.config, TransferConfig):
        raise TypeError("a run of transfer ends with its best model, on rank 0")
    fresh = dataclasses.replace(assumed.config, init=None, output=_beside(tuned.folder), workers=config.workers)
    scratch = train(fresh, overwrite=overwrite, progress=progress)
    dataset, chosen = assumed.dataset, few_labels(assumed.config, assumed.dataset)
    few = Split(dataset.train.images[chosen], dataset.train.labels[chosen])
    checkpoint = open_checkpoint(str(config.init), with_head=False)
    encoder = VisionTransformer.from_checkpoint(checkpoint, num_classes=0).to(assumed.model.device)
    scores = []
    for features in (lambda split: features_of(encoder, split, dataset), pixels_of):
        given = features(few), few.labels, features(dataset.test), dataset.test.labels
        scores.append((linear_probe(*given), nearest_neighbours(*given)))
    (probe, near), (pixel_probe, pixel_near) = scores
    return Worth(tuned, scratch, probe, pixel_probe, near, pixel_near)


def _beside(folder: Path) -> str:
    return str(folder.with_name(f"{folder.name}-scratch"))


def features_of(encoder: VisionTransformer, split: Split, dataset: Dataset) -> np.ndarray:
    """The pooled features of all images of a split, (n, D)."""
    parts = [
        to_numpy(encoder.predict(to_device(normalize(images, dataset.mean, dataset.std), encoder.device)))
        for images, _ in batches(split, BATCH)
    ]
    return np.concatenate(parts)


def pixels_of(split: Split) -> np.ndarray:
    """The pixels themselves, (n, C*H*W), 0..1."""
    return split.images[:].reshape(len(split), -1) / 255.0
