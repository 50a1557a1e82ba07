"""Replay: images of the classes that a model knows, found again, and some of them kept while it learns others."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...config.add_classes import AddClassesConfig
from ...datasets import Dataset, Split
from ...datasets.image_files import ImageFiles, image_dataset
from ...datasets.image_folder import list_folder
from ...datasets.listing import Files, Listing
from ...datasets.manifest import Manifest
from ...datasets.matching import in_order_of
from ...datasets.recognise import recognise
from ...datasets.recorded_images import images_to_go_on_with, read_images, replayed, write_images
from ...datasets.streams import kept_images
from ...errors import UserError
from ...evaluation.dataset import load_dataset_for
from ...evaluation.prepared_files import prepared
from ...evaluation.preprocessing import Preprocessing
from ...evaluation.split import place_of_arrays
from ...storage.files import disk_errors
from ...storage.run_folder import REPLAY, REPLAY_LIST, read_run_config, run_folder
from ..readable import readable_images

MEASURED = 1000  # images of dev and of test that are kept, for every class at least one

Note = Callable[[str], None]


def known_images(config: AddClassesConfig, preprocessing: Preprocessing, note: Note) -> tuple[Dataset, str | None]:
    """Data that the model at `config.pretrained` was trained on, and the folder of its image files; None: arrays.

    Raises:
        UserError: it cannot be had; or `config.replay_dir` was given, and holds no such images.
    """
    run, place = run_folder(config.pretrained), config.replay_dir
    arrays = place if place and recognise(place) else None if place else place_of_arrays(config.pretrained, None)
    if arrays or (preprocessing.built_in and not place):
        return load_dataset_for(preprocessing, data_dir=arrays, note=note), None
    if place:
        listing, _ = readable_images(list_folder(place, min_classes=1), note)
    else:
        listing, place = _recorded(run, note)
    listing = in_order_of(preprocessing.class_names, listing)
    return prepared(image_dataset(listing, preprocessing.processor), preprocessing), os.path.abspath(place)


def _recorded(run: Path, note: Note) -> tuple[Listing, str]:
    """The images that a run has learned from, also those that it has replayed, and their folder.

    Raises:
        UserError: it names none, or they are not as they were.
    """
    manifest = read_images(run)
    config: Any = read_run_config(run) if manifest else None
    if manifest is None or config.data_dir is None:
        raise UserError(f"{run} has no list of images that it was trained on: give them with --replay-dir")
    listing = images_to_go_on_with(manifest, config.data_dir, run, note, flag="--replay-dir")
    kept = replayed(run, getattr(config, "replay_dir", None), note)
    return listing if kept is None else listing.joined(kept), config.data_dir


def kept_of(dataset: Dataset, config: AddClassesConfig) -> Dataset:
    """The images of a data set that are kept: `config.replay` to learn from, `MEASURED` to measure, as many of each
    class.
    """
    classes = range(len(dataset.class_names))

    def some(split: Split, count: int) -> Split:
        rows = kept_images(split.labels, classes, max(count, len(classes)) * (count > 0), seed=config.seed)
        images = split.images
        chosen = images.of([images.paths[row] for row in rows]) if isinstance(images, ImageFiles) else images[rows]
        return Split(chosen, split.labels[rows])

    test = dataset.test if len(dataset.test) else dataset.dev
    counts = (dataset.train, config.replay), (dataset.dev, MEASURED), (test, MEASURED)
    train, dev, test = (some(split, count) for split, count in counts)
    return dataclasses.replace(dataset, train=train, dev=dev, test=test)


def write_kept(folder: Path, kept: Dataset, class_names: tuple[str, ...], place: str | None) -> Listing:
    """The kept images as files, those of arrays in the run's folder, where their list is written, too.

    Args:
        class_names: of all classes.
        place: the folder of the files; None where they are arrays.

    Raises:
        UserError: the disk is full.
    """
    train, dev, test = (
        Files(tuple(map(Path, split.images.paths)), split.labels)
        if isinstance(split.images, ImageFiles)
        else _written(folder / REPLAY / name, split)
        for name, split in (("train", kept.train), ("dev", kept.dev), ("test", kept.test))
    )
    listing = Listing(class_names, train, dev, test, ())
    write_images(folder, Manifest.of(place or str(folder / REPLAY), listing), REPLAY_LIST)
    return listing


def _written(folder: Path, split: Split) -> Files:
    """Arrays as PNG files, which lose nothing."""
    paths = tuple(folder / f"{label}-{row}.png" for row, label in enumerate(split.labels))
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path, image in zip(paths, split.images[:], strict=True):
            Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)).save(path)
    return Files(paths, split.labels)
