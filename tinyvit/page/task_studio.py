"""Models of tasks in the page: a masked autoencoder paints, segmentation gives masks, detection boxes."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import generator
from ..config.run import RunConfig
from ..datasets import Dataset, normalize
from ..datasets.boxes import NO_CLASS
from ..datasets.load import is_at_hand
from ..datasets.sources import SOURCES
from ..errors import UserError
from ..evaluation.predict import NoAnswerError
from ..tasks import task_of
from ..tasks.detect import surest
from ..tasks.mae import random_mask, reconstruction
from ..tasks.opened import open_task_model
from ..tasks.scenes import evaluation_canvases, is_composed
from ..tasks.segment import pixel_names, predicted_masks
from ..training.data import read_dataset
from .about import facts
from .answer import Answer
from .classifier import pixels_in
from .query import Query
from .temporary import as_file


class TaskStudio:
    """A model of the tasks mae, segment and detect, on the CPU.

    Raises:
        UserError: a file is missing or damaged.
    """

    reading = frozenset({"POST image", "GET example"})

    def __init__(self, path: str | Path, config: RunConfig):
        self.path, self.task = Path(path), config.task
        self.opened = open_task_model(path, config)
        self.config: Any = config
        self.routes: dict[str, Callable[[Query, bytes], Answer]] = {
            "POST task": self.answer,
            "POST image": self.image,
            "GET example": self.example,
        }

    def about(self) -> dict[str, Any]:
        """Facts about the model, for JSON."""
        opened, names = self.opened, self.opened.class_names
        mean, std = opened.processor.statistics
        return facts(
            self.path,
            self.config.model,
            opened.model.num_parameters(),
            task=self.task,
            class_names=pixel_names(self.config, names) if self.task == "segment" else names,
            mean=mean,
            std=std,
            is_drawing=opened.is_drawing,
            examples=len(self.dataset.test) if self.dataset else 0,
        )

    def warm_up(self) -> None:
        """Read the examples."""
        self.dataset  # noqa: B018  it is kept

    def answer(self, query: Query, body: bytes) -> Answer:
        """Answer of the task to pixels, uint8 (C, H, W)."""
        pixels = pixels_in(body, self.config.model)
        x = normalize(pixels[None], *self.opened.processor.statistics, self.opened.model.dtype)
        return {"mae": self._painted, "segment": self._mask, "detect": self._boxes}[self.task](x, query)

    def _painted(self, x: np.ndarray, query: Query) -> Answer:
        """Three quarters of the patches, chosen by `seed`, are hidden and painted."""
        seed = query.optional("seed") or 0
        if seed < 0:
            raise UserError(f"seed must be at least 0, got {seed}: choose another")
        ids, hidden = random_mask(self.config, 1, generator(seed, "look"))
        painted = _checked(reconstruction(self.config, self.opened.model, x, ids, hidden)[0])
        mean, std = (np.reshape(values, (-1, 1, 1)) for values in self.opened.processor.statistics)
        return Answer({"painted": np.clip(255 * (painted * std + mean), 0, 255), "hidden": hidden[0]})

    def _mask(self, x: np.ndarray, _: Query) -> Answer:
        return Answer({"mask": predicted_masks(self.config, _checked(self.opened.model.forward(x)[0]))[0]})

    def _boxes(self, x: np.ndarray, _: Query) -> Answer:
        boxes = surest(self.config, _checked(self.opened.model.forward(x)[0]))[0]
        return Answer({"boxes": boxes[boxes[:, 4] != NO_CLASS]})

    def image(self, _: Query, body: bytes) -> Answer:
        """The bytes of an image file as pixels."""
        with as_file(body) as path:
            pixels, _size, done = self.opened.read(path)
        return Answer({"pixels": pixels}, {"done": done})

    def example(self, query: Query, _: bytes) -> Answer:
        """An image of the test split, or a canvas made of several."""
        index, dataset = query.whole("index"), self.dataset
        count = len(dataset.test) if dataset else 0
        if dataset is None or not 0 <= index < count:
            raise UserError(f"there is no example {index}: this model has {count:,} of them, numbered from 0")
        if self.task != "mae" and is_composed(dataset):
            canvases = evaluation_canvases(self.config, dataset, "test", range(index, index + 1))
            return Answer({"pixels": canvases.images[0]})
        return Answer({"pixels": dataset.test.images[index]})

    @functools.cached_property
    def dataset(self) -> Dataset | None:
        """Data on this machine that the model was trained on; nothing is downloaded. None: there are none."""
        try:
            if self.config.data_dir is None and self.config.dataset in SOURCES and not is_at_hand(self.config.dataset):
                return None
            dataset = read_dataset(self.config, lambda sentence: None)
            task_of(self.config).check(self.config, dataset)
        except UserError:
            return None
        return dataset


def _checked(y: np.ndarray) -> np.ndarray:
    """A model's output.

    Raises:
        NoAnswerError: it is no number.
    """
    if not np.isfinite(y).all():
        raise NoAnswerError
    return y
