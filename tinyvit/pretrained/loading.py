"""From what was found in a folder to a model with its weights."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from ..config import ViTConfig
from ..images.processor import ImageProcessor
from ..layers import NO_DRAWS, Layer
from .families import FAMILIES
from .source import Source

Model = TypeVar("Model", bound=Layer)


def load_model(make: Callable[..., Model], source: Source, *, num_classes: int | None = None, **changes: Any) -> Model:
    """The model that `make(config, rng=rng)` builds, filled with the weights of `source`.

    Args:
        num_classes: if given, a new head of so many classes takes the place of the saved one: zeros, as in the paper
            (Dosovitskiy et al. 2021, section 3.2), so that the first guess is the same for all classes.
        changes: fields of the config that no weight depends on, such as `drop_path_rate`.

    Raises:
        UserError: weights are missing, unexpected or of the wrong shape.
    """
    config = source.config if num_classes is None else with_new_head(source.config, num_classes)
    model = make(dataclasses.replace(config, **changes), rng=NO_DRAWS)
    parameters = model.parameters()
    shapes = {name: array.shape for name, array in parameters.items()}
    state = source.state(shapes, with_head=num_classes is None)
    dtype = next(iter(state.values())).dtype
    model.adopt({name: state.get(name, array.astype(dtype)) for name, array in parameters.items()})
    return model


def with_new_head(config: ViTConfig, num_classes: int) -> ViTConfig:
    """The config of the same model with one linear head, or with none: what two heads looked at, one need not."""
    is_whole = config.pool != "cls+dist" and (num_classes or config.pool != "cls+mean")
    return dataclasses.replace(config, num_classes=num_classes, pool=config.pool if is_whole else "cls")


def read_processor(source: Source) -> ImageProcessor:
    """What makes pictures as `source` was fed with them; as its family does where no file says it.

    Raises:
        UserError: the files make no sense.
    """
    config = source.config
    if source.preprocessor:
        processor = ImageProcessor.from_dict(source.preprocessor, in_chans=config.in_chans)
    elif source.family == "timm" and source.values.get("pretrained_cfg"):
        processor = ImageProcessor.from_timm(source.values["pretrained_cfg"], in_chans=config.in_chans)
    else:
        processor = ImageProcessor.from_dict(FAMILIES[source.family].processor, in_chans=config.in_chans)
    return processor if processor.output_size == config.image_shape else processor.for_size(config.image_shape)
