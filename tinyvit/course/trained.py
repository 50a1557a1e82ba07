"""The trained MNIST model that comes with the repository, so that a lesson can show something real at once."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from ..training.trained import load_trained
from ..vit import VisionTransformer

FOLDER = Path(__file__).parents[2] / "data" / "mnist-vit"


class Trained(NamedTuple):
    model: VisionTransformer
    mean: Any  # of the training images, pixels from 0 to 1: one number
    std: Any

    def normalised(self, images: np.ndarray) -> np.ndarray:
        """uint8 (B, 1, 28, 28) -> float32, as the model wants them."""
        return ((images / 255 - self.mean) / self.std).astype(np.float32)


def trained_model() -> Trained:
    """The model, and what its images were normalised with.

    Raises:
        UserError: it is not there, as in a package installed without the repository.
    """
    if not FOLDER.is_dir():
        raise UserError(f"the trained model is not at {FOLDER}: clone the repository and install from there")
    model, fed = load_trained(FOLDER)
    return Trained(model, fed.mean, fed.std)
