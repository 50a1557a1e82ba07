"""The trained models that come with the repository, so that a lesson can show something real at once."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config.run import TrainConfig
from ..datasets import Dataset
from ..errors import UserError
from ..evaluation.classifier import load_trained
from ..evaluation.preprocessing import preprocessor_json
from ..pretrained import save_model_folder
from ..storage.files import PREPROCESSOR
from ..vit import VisionTransformer

DATA = Path(__file__).parents[2] / "data"


class Trained(NamedTuple):
    model: VisionTransformer
    mean: Any  # of the training images, pixels from 0 to 1: one number
    std: Any

    def normalised(self, images: np.ndarray) -> np.ndarray:
        """uint8 (B, 1, 28, 28) -> float32, as the model wants them."""
        return ((images / 255 - self.mean) / self.std).astype(np.float32)


def trained_model() -> Trained:
    """A model that reads digits, and what its images were normalised with.

    Raises:
        UserError: it is not there, as in a package installed without the repository.
    """
    model, preprocessing = load_trained(_folder("mnist-vit"))
    return Trained(model, preprocessing.mean, preprocessing.std)


def save_classifier(folder: str | Path, model: VisionTransformer, dataset: Dataset) -> None:
    """Write a classifier of a data set's images as a model folder, which `tinyvit look` and the other verbs read.

    Raises:
        UserError: it cannot be written, or other files stand there.
    """
    preprocessing = {PREPROCESSOR: preprocessor_json(dataset, TrainConfig(model=model.config))}
    save_model_folder(folder, model.config, model.parameters(), preprocessing, dataset.class_names)


def stand_in_folder() -> Path:
    """A small ViT in the files of google/vit-base-patch16-224, and in `reference.safetensors` what it must compute.

    Raises:
        UserError: as `trained_model` does.
    """
    return _folder("vit-stand-in")


def _folder(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        raise UserError(f"the trained model is not at {folder}: clone the repository and install from there")
    return folder
