"""Comparison of a converted model with other libraries: tokens layer by layer and logits, from random images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..pretrained import FAMILIES, Checkpoint, open_checkpoint
from .output import say
from .their_layers import Layers, timm_layers, transformers_layers

PACKAGES: dict[str, tuple[str, Callable[[Path, np.ndarray], Layers]]] = {
    "hf": ("transformers", transformers_layers),
    "timm": ("timm", timm_layers),
}


def verify(model: Any, checkpoint: Checkpoint, target: Path) -> None:
    """Print how far others are from `model`, layer by layer: it was read from `checkpoint` and is now at `target`."""
    config = model.config
    rng = np.random.default_rng(0)
    images = rng.standard_normal((2, *config.input_shape)).astype(model.dtype)
    mine = our_layers(model, images)
    columns = {"OUT by tinyvit": our_layers(type(model).from_checkpoint(open_checkpoint(target)), images)}
    for name, path, family in (
        ("IN", checkpoint.path, checkpoint.family),
        ("OUT", target, open_checkpoint(target).family),
    ):
        if (family := FAMILIES[family].library) in PACKAGES and (name == "OUT" or checkpoint.config == config):
            package, layers = PACKAGES[family]
            try:
                columns[f"{name} by {package}"] = layers(path, images)
            except ImportError as error:
                say(f"not compared with {package} ({error}): python -m pip install 'tinyvit[parity]'")
    say(f"\nTwo random images of {config.input_shape}; the largest difference from the model read from IN:\n")
    say(f"{'layer':<10}{'largest number':>16}" + "".join(f"{name:>22}" for name in columns))
    blocks = [f"block {index}" for index in range(config.depth)]
    for index, name in enumerate(["embedding", *blocks, "logits" if config.num_classes else "features"]):
        differences = (np.abs(layers[index] - mine[index]).max(initial=0) for layers in columns.values())
        largest = np.abs(mine[index]).max(initial=0)
        say(f"{name:<10}{largest:>16.4g}" + "".join(f"{difference:>22.1e}" for difference in differences))


def our_layers(model: Any, images: np.ndarray) -> Layers:
    """Tokens before the first block and after each, and the logits."""
    return [*model.hidden_states(images), model.predict(images)]
