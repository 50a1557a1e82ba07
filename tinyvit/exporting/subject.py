"""Subject of an export, the interface: how a kind of model becomes a graph, and what the model itself answers."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from ..config import ViTConfig
from ..config.vit import CODES
from ..datasets import normalize
from .graph import BATCH, Graph, Value
from .images import normalise_forward

Arrays = dict[str, np.ndarray]  # inputs or outputs of a graph by name
IMAGES, WORDS = "images", "words"  # inputs
MAX_PIXEL = 255.0


class Statistics(NamedTuple):
    """Of pixels in 0..1, (C, 1, 1) or (1, 1, 1) each."""

    mean: np.ndarray
    std: np.ndarray


class Wanted(NamedTuple):
    """Inputs and outputs of a graph besides normalised images and what the model answers."""

    attention: bool = False  # "attention.b" (B, h, N, N) of each block
    hidden_states: bool = False  # "hidden_states.b" (B, N, D) before the first block, 0, and after each
    gradients: bool = False  # of the logit of "target" (B,): "dimages" (B, C, H, W), "dattention.b" (B, h, N, N)
    statistics: Statistics | None = None  # "images" are pixels from 0 to 255, and normalised with these


class Subject(Protocol):
    """A model, and what is wanted of its graph."""

    model: Any  # a layer with a dtype and parameters
    wanted: Wanted

    def build(self, g: Graph) -> None:
        """Add the inputs, the nodes and the outputs."""
        raise NotImplementedError

    def inputs(self, rng: np.random.Generator, count: int) -> Arrays:
        """Random inputs, `count` examples, in the model's dtype."""
        raise NotImplementedError

    def answers(self, given: Arrays) -> Arrays:
        """The outputs, from NumPy."""
        raise NotImplementedError


def take_images(g: Graph, config: ViTConfig, wanted: Wanted) -> Value:
    """Add the input of a model of images or words; pixels are normalised."""
    shape = (BATCH, *config.input_shape)
    if config.stem == "words":
        return g.input(WORDS, shape, np.int64)
    images = g.input(IMAGES, shape)
    return normalise_forward(g, images, *wanted.statistics) if wanted.statistics else images


def random_images(config: ViTConfig, wanted: Wanted, dtype: Any, rng: np.random.Generator, count: int) -> Arrays:
    """Random words, images or pixels."""
    shape = (count, *config.input_shape)
    if config.stem == "words":
        return {WORDS: rng.integers(0, CODES, shape)}
    images = rng.uniform(0, MAX_PIXEL, shape) if wanted.statistics else rng.standard_normal(shape)
    return {IMAGES: images.astype(dtype)}


def normalised(given: Arrays, wanted: Wanted, dtype: Any) -> np.ndarray:
    """Images or words as a model takes them, from the inputs of its graph."""
    if WORDS in given:
        return given[WORDS]
    images = given[IMAGES].astype(dtype)
    if wanted.statistics is None:
        return images
    mean, std = (value.ravel().tolist() for value in wanted.statistics)
    return normalize(images, mean, std, dtype)
