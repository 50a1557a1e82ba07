"""A model that a task has trained, opened for images of one's own: segmentation, detection, masked autoencoders."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config.run import RunConfig
from ..datasets.sources import SOURCES
from ..errors import UserError
from ..images.open import left_out, open_image
from ..images.processor import ImageProcessor
from ..storage.files import PREPROCESSOR, read_json
from . import task_of
from .model_files import model_folder

BRIGHT = 127.5  # of the border's mean: white paper


class OpenedModel(NamedTuple):
    """A task's model, and how images are prepared for it."""

    config: RunConfig
    model: Any
    class_names: tuple[str, ...]  # of the data set
    processor: ImageProcessor
    is_drawing: bool  # whether all that the model has seen is light on black

    def read(self, path: Path) -> tuple[np.ndarray, tuple[int, int], str]:
        """An image file as the model takes it: uint8 (C, H, W), its own (height, width), and what was done besides.

        Raises:
            UserError: it cannot be read.
        """
        original = open_image(path)
        image = self.processor.pixels(original)
        border = np.concatenate([image[:, 0], image[:, -1], image[..., 0], image[..., -1]], axis=1)
        done = [left_out(path)]
        if self.is_drawing and border.mean() > BRIGHT:
            image = 255 - image
            done.append("inverted: the model learned white on black")
        return image, (original.height, original.width), "; ".join(filter(None, done))


def open_task_model(path: str | Path, config: RunConfig) -> OpenedModel:
    """Open the model in `path`, a run or a folder of it, whose `task.json` says `config`; on the CPU.

    Raises:
        UserError: a file is missing or damaged.
    """
    values = read_json(model_folder(path) / PREPROCESSOR)
    names = class_names_of(path)
    processor = ImageProcessor.from_dict(values, in_chans=config.model.in_chans)
    known = SOURCES.get(values.get("dataset", "")) if values.get("built_in") else None
    is_drawing = known is not None and known.drawn != "picture"
    return OpenedModel(config, task_of(config).load(config, Path(path)), names, processor, is_drawing)


def class_names_of(path: str | Path) -> tuple[str, ...]:
    """Names of the classes of the data set that the model in `path` has learned from.

    Raises:
        UserError: the file that should name them is missing or damaged.
    """
    file = model_folder(path) / PREPROCESSOR
    names = read_json(file).get("task_class_names")
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise UserError(f"{file} names no classes: use another copy of the model")
    return tuple(names)
