"""The trained models that come with the repository, so that a lesson can show something real at once."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from ..evaluation.classifier import load_trained
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
