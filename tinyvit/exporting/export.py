"""A saved model as the subject of an export, its graph, and what is known of its images and classes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config.run import RunConfig
from ..errors import UserError
from ..evaluation.preprocessing import read_preprocessing
from ..images.processor import ImageProcessor
from ..layers import DiT, EncoderWithHead, Layer, MaskedAutoencoder
from ..pretrained import MULTI_LABEL, open_checkpoint, problem_type
from ..storage.checks import check, is_text
from ..storage.files import PREPROCESSOR, read_json
from ..tasks import task_of
from ..tasks.model_files import model_folder, read_task_config
from ..tasks.remembering import Learner
from ..vit import VisionTransformer
from .classifier import Classifier
from .dit import Denoiser
from .graph import Graph
from .heads import ContinualLearner, TokenReader
from .mae import Painter
from .subject import Statistics, Subject, Wanted


class Source(NamedTuple):
    """A saved model, and what its files say of its images and classes."""

    model: Layer
    class_names: tuple[str, ...]
    statistics: Statistics
    problem_type: str  # of a classifier, in transformers' words; "" of other tasks
    threshold: float | None = None  # the least probability of a yes, of a multi-label model
    assumption: str = ""  # that no file says how images are prepared, in a sentence
    config: RunConfig | None = None  # of the run, where the task is not classification


def read_source(path: str | Path) -> Source:
    """Open any model that was saved.

    Raises:
        UserError: there is none, or it is damaged.
    """
    if config := read_task_config(path):
        file = model_folder(path) / PREPROCESSOR
        values = read_json(file)
        names = values.get("task_class_names") or values.get("class_names") or []
        check(isinstance(names, list) and all(map(is_text, names)), file, "class names must be texts", names)
        statistics = ImageProcessor.from_dict(values, in_chans=config.model.in_chans).statistics
        model = task_of(config).load(config, Path(path))
        return Source(model, tuple(names), by_channel(*statistics), "", config=config)
    checkpoint = open_checkpoint(path)
    model, found = VisionTransformer.from_checkpoint(checkpoint), read_preprocessing(checkpoint)
    meaning = problem_type(checkpoint.values, model.config.num_classes)
    threshold = found.threshold if meaning == MULTI_LABEL else None
    return Source(model, found.class_names, by_channel(found.mean, found.std), meaning, threshold, found.assumption)


def by_channel(mean: Any, std: Any) -> Statistics:
    """A number for all channels, or one for each, as (1, 1, 1) or (C, 1, 1)."""
    return Statistics(*(np.reshape(numbers, (-1, 1, 1)).astype(np.float64) for numbers in (mean, std)))


class Kind(NamedTuple):
    """A kind of model besides classifiers: its subject, and what of `Wanted` it has not got."""

    subject: Callable[[Any, Wanted, Any], Subject]
    refused: tuple[str, ...] = ("gradients",)


KINDS: dict[type[Layer], Kind] = {
    EncoderWithHead: Kind(
        lambda model, wanted, config: TokenReader(
            model, wanted, num_classes=config.model.num_classes, pixels=config.task == "segment"
        )
    ),
    Learner: Kind(lambda model, wanted, config: ContinualLearner(model, wanted)),
    MaskedAutoencoder: Kind(
        lambda model, wanted, config: Painter(model, wanted), ("attention", "hidden_states", "gradients")
    ),
    DiT: Kind(lambda model, wanted, config: Denoiser(model, wanted), Wanted._fields),
}


def subject_of(model: Any, wanted: Wanted, config: RunConfig | None = None) -> Subject:
    """The subject of an export: a model, which for a task besides classification has the `config` of its run.

    Raises:
        UserError: the model has not what is wanted of it, or is of a kind that cannot be exported.
    """
    encoder = getattr(model, "encoder", model)
    if wanted.statistics and getattr(encoder, "config", None) and encoder.config.stem == "words":
        raise UserError("words are codes, and are not normalised: leave that out")
    if type(model) is VisionTransformer:
        return Classifier(model, wanted)
    kind, task = KINDS.get(type(model)), config.task if config else type(model).__name__
    if kind is None:
        raise UserError(f"a model of the task {task} cannot be exported: give a classifier")
    for name in kind.refused:
        if getattr(wanted, name):
            what = "normalised images" if name == "statistics" else name.replace("_", " ")
            raise UserError(f"there is no export of {what} for a model of the task {task}: leave that out")
    return kind.subject(model, wanted, config)


def graph_of(subject: Subject, *, opset: int) -> Graph:
    """The finished graph of a subject, in the dtype of its model."""
    model = subject.model
    g = Graph(opset, model.dtype, model.parameters(), keeps=subject.wanted.gradients)
    subject.build(g)
    g.prune()
    return g


def metadata_of(source: Source, wanted: Wanted) -> dict[str, str]:
    """Metadata of an ONNX file: lists and numbers are JSON, as in `preprocessor_config.json`."""
    facts: dict[str, Any] = {
        "task": source.config.task if source.config else "classify",
        "class_names": list(source.class_names),
        "problem_type": source.problem_type or None,
        "threshold": source.threshold,
        "images": "pixels from 0 to 255" if wanted.statistics else "(pixels / 255 - image_mean) / image_std",
        "image_mean": source.statistics.mean.ravel().tolist(),
        "image_std": source.statistics.std.ravel().tolist(),
    }
    known = {name: fact for name, fact in facts.items() if fact is not None}
    return {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in known.items()}
