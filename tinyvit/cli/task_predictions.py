"""`tinyvit predict` with a model of a task besides classification: masks of images, or boxes in them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from .output import complain, printable, say
from .task_runs import forbid_flags

CLASSIFIERS_FLAGS = ("threshold", "csv", "batch_size", "explain")
BRIGHT = 127.5  # of the border's mean: white paper


class Reader(NamedTuple):
    """Images as a task's model takes them."""

    processor: Any
    is_white_on_black: bool  # whether all that the model has seen is

    def __call__(self, path: Path) -> tuple[np.ndarray, tuple[int, int], str]:
        """uint8 (C, H, W), the image's own (height, width), and what was done to it besides."""
        from ..images.open import open_image

        original = open_image(path)
        image = self.processor.pixels(original)
        border = np.concatenate([image[:, 0], image[:, -1], image[..., 0], image[..., -1]], axis=1)
        done = ""
        if self.is_white_on_black and border.mean() > BRIGHT:
            image, done = 255 - image, "inverted: the model learned white on black"
        return image, (original.height, original.width), done


def predict_task(options: argparse.Namespace, config: Any, paths: Sequence[Path], figure_names: Sequence[str]) -> int:
    """Tell what a model whose `task.json` says `config` finds in each image; returns how many could not be read."""
    from ..backend import resolve_device, to_device
    from ..datasets import normalize
    from ..datasets.sources import SOURCES
    from ..images.processor import ImageProcessor
    from ..plots import save_figure
    from ..storage.files import PREPROCESSOR, read_json
    from ..storage.run_folder import figures_folder
    from ..tasks import task_of
    from ..tasks.model_files import model_folder

    forbid_flags(options, config, *CLASSIFIERS_FLAGS)
    task, folder = task_of(config), Path(options.folder)
    values = read_json(model_folder(folder) / PREPROCESSOR)
    names = values.get("task_class_names")
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise UserError(f"{model_folder(folder) / PREPROCESSOR} names no classes: use another copy of the model")
    processor = ImageProcessor.from_dict(values, in_chans=config.model.in_chans)
    known = SOURCES.get(values.get("dataset", "")) if values.get("built_in") else None
    read = Reader(processor, known is not None and known.drawn != "picture")
    model: Any = task.load(config, folder).to(resolve_device(options.device))
    unreadable = 0
    for path, figure_name in zip(paths, figure_names, strict=True):
        try:
            image, size, done = read(path)
        except UserError as error:  # the other images still get their answer
            complain(str(error))
            unreadable += 1
            continue
        x = to_device(normalize(image[None], *processor.statistics, model.dtype), model.device)
        found = task.predict(config, model, x, image, size, names)
        lines = [f"{path}: {found.words}", *([f"  {done}"] if done else [])]
        if options.plot:
            target = figures_folder(folder) / figure_name
            save_figure(found.draw(path.name), target)
            lines.append(f"  {target}")
        for line in lines:
            say(printable(line))
    return unreadable
