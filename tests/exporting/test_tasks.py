"""Models of every task as ONNX graphs answer as they do, and refuse by name what they have not got."""

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.exporting import HAS_ONNX, NEEDS_ONNX, differences
from tests.support.toy_tasks import TOYS, shaken
from tinyvit import UserError
from tinyvit.config.tasks import CONFIGS
from tinyvit.exporting.compare import TOLERANCE, TOLERANCE_FLOAT16
from tinyvit.exporting.export import KINDS, by_channel, graph_of, subject_of
from tinyvit.exporting.subject import Wanted
from tinyvit.tasks import TASKS
from tinyvit.tasks.segment import predicted_masks
from tinyvit.vit import VisionTransformer

needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason=NEEDS_ONNX)
STATISTICS = by_channel(0.3, 0.4)
ALL = Wanted(attention=True, hidden_states=True, statistics=STATISTICS)


def toy(task, dtype=np.float32):
    config = CONFIGS[task](**TOYS[task])
    return config, shaken(config).astype(dtype)


def most(config, model):
    """All that a model of this kind can give."""
    refused = {"gradients"} if type(model) is VisionTransformer else {*KINDS[type(model)].refused}
    refused |= {"statistics"} if config.model.stem == "words" else set()
    return Wanted(**{name: value for name, value in ALL._asdict().items() if name not in refused})


@needs_onnx
@pytest.mark.parametrize("task", others_slow(TASKS, fast=3))
@pytest.mark.parametrize(
    "opset", [17, pytest.param(13, marks=pytest.mark.slow), pytest.param(21, marks=pytest.mark.slow)]
)
def test_every_task(task, opset, export):
    config, model = toy(task)
    subject = subject_of(model, most(config, model), config)
    found = differences(export(subject, opset=opset), subject)
    assert max(found.values()) < TOLERANCE, found


@needs_onnx
@pytest.mark.parametrize("task", others_slow(["detect", "generate", "mae", "segment"], fast=0))
def test_half_precision(task, export):
    config, model = toy(task, np.float16)
    path = export(subject_of(model, Wanted(), config))
    found = differences(path, subject_of(model.astype(np.float32), Wanted(), config), dtype=np.float16)
    assert max(found.values()) < TOLERANCE_FLOAT16, found


def test_the_logits_of_pixels_lie_as_the_image_does():
    config, model = toy("segment")
    subject = subject_of(model, Wanted(), config)
    given = subject.inputs(np.random.default_rng(0), 2)
    logits = subject.answers(given)["logits"]
    assert logits.shape == (2, config.model.num_classes, *config.model.image_shape)
    masks = predicted_masks(config, model.forward(given["images"])[0])
    np.testing.assert_array_equal(logits.argmax(axis=1), masks)


@pytest.mark.parametrize(
    ("task", "name"),
    [("mae", "attention"), ("mae", "hidden_states"), ("mae", "gradients"), ("generate", "attention"),
     ("generate", "statistics"), ("segment", "gradients"), ("detect", "gradients"), ("tag", "gradients"),
     ("continual", "gradients"), ("read", "gradients")],
)  # fmt: skip
def test_what_a_task_has_not_got_is_refused(task, name):
    config, model = toy(task)
    with pytest.raises(UserError, match=f"model of the task {task}: leave that out"):
        subject_of(model, Wanted(**{name: STATISTICS if name == "statistics" else True}), config)


@pytest.mark.parametrize("task", ["tag", "sentiment"])
def test_words_are_not_normalised(task):
    config, model = toy(task)
    with pytest.raises(UserError, match="words are codes"):
        subject_of(model, Wanted(statistics=STATISTICS), config)


def test_a_kind_that_is_not_known_is_refused():
    config, model = toy("mae")
    with pytest.raises(UserError, match="of the task mae cannot be exported"):
        subject_of(model.decoder, Wanted(), config)


@pytest.mark.parametrize("task", TASKS)
def test_graphs_need_no_package(task):
    config, model = toy(task)
    g = graph_of(subject_of(model, Wanted(), config), opset=17)
    known = {tensor.name for tensor in g.inputs} | set(g.constants)
    for node in g.nodes:
        assert set(node.inputs) <= known, node
        known |= set(node.outputs)
