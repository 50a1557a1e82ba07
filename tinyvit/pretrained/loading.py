"""From what was found in a folder to a model with its weights."""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from ..layers import NO_DRAWS, Layer
from .source import Source

Model = TypeVar("Model", bound=Layer)


def load_model(make: Callable[..., Model], source: Source, *, num_classes: int | None = None) -> Model:
    """The model that `make(config, rng=rng)` builds, filled with the weights of `source`.

    With `num_classes`, a new head of so many classes takes the place of the saved one: zeros, as in the paper
    (Dosovitskiy et al. 2021, section 3.2), so that the first guess is the same for all classes.

    Raises:
        UserError: weights are missing, unexpected or of the wrong shape.
    """
    config = source.config
    if num_classes is not None:
        config = dataclasses.replace(config, num_classes=num_classes)
    model = make(config, rng=NO_DRAWS)
    parameters = model.parameters()
    shapes = {name: array.shape for name, array in parameters.items()}
    state = source.state(shapes, with_head=num_classes is None)
    dtype = state["cls_token"].dtype
    model.adopt({name: state.get(name, array.astype(dtype)) for name, array in parameters.items()})
    return model
