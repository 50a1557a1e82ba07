"""A saved model as the subject of an export, its graph, and what is known of its images and classes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from ..evaluation.preprocessing import Preprocessing, read_preprocessing
from ..layers import Layer
from ..pretrained import open_checkpoint, problem_type
from ..tasks.model_files import read_task_config
from ..vit import VisionTransformer
from .classifier import Classifier
from .graph import Graph
from .subject import Statistics, Subject, Wanted


class Source(NamedTuple):
    """A saved model, its preprocessing, and its problem type in transformers' words."""

    model: Layer
    preprocessing: Preprocessing
    problem_type: str

    @property
    def statistics(self) -> Statistics:
        """Mean and standard deviation of pixels in 0..1, by channel."""
        numbers = self.preprocessing.mean, self.preprocessing.std
        return Statistics(*(np.reshape(number, (-1, 1, 1)).astype(np.float64) for number in numbers))


def read_source(path: str | Path) -> Source:
    """
    Raises:
        UserError: there is no model, it is damaged, or its task cannot be exported.
    """
    if config := read_task_config(path):
        raise UserError(f"{path} is a model of the task {config.task}, which cannot be exported: give a classifier")
    checkpoint = open_checkpoint(path)
    model = VisionTransformer.from_checkpoint(checkpoint)
    meaning = problem_type(checkpoint.values, model.config.num_classes)
    return Source(model, read_preprocessing(checkpoint), meaning)


def subject_of(model: Any, wanted: Wanted) -> Subject:
    """
    Raises:
        UserError: the model has not what is wanted of it.
    """
    return Classifier(model, wanted)


def graph_of(subject: Subject, *, opset: int) -> Graph:
    """The finished graph of a subject, in the dtype of its model."""
    model = subject.model
    g = Graph(opset, model.dtype, model.parameters(), keeps=subject.wanted.gradients)
    subject.build(g)
    g.prune()
    return g


def metadata_of(source: Source, wanted: Wanted) -> dict[str, str]:
    """Metadata of an ONNX file: lists and numbers are JSON, as in `preprocessor_config.json`."""
    preprocessing, statistics = source.preprocessing, source.statistics
    facts: dict[str, Any] = {
        "class_names": list(preprocessing.class_names),
        "problem_type": source.problem_type,
        "images": "pixels from 0 to 255" if wanted.statistics else "(pixels / 255 - image_mean) / image_std",
        "image_mean": statistics.mean.ravel().tolist(),
        "image_std": statistics.std.ravel().tolist(),
    }
    if preprocessing.multi_label:
        facts["threshold"] = preprocessing.threshold
    return {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in facts.items()}
