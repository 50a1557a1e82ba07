"""Every kind of model as an ONNX graph answers as the model does, forward and backward, by both engines."""

import dataclasses

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.exporting import HAS_ONNX, KINDS, NEEDS_ONNX, everything, model_of, worst
from tinyvit import VisionTransformer
from tinyvit.exporting.compare import TOLERANCE, TOLERANCE_FLOAT16
from tinyvit.exporting.export import subject_of
from tinyvit.exporting.subject import Statistics, Wanted

pytestmark = pytest.mark.skipif(not HAS_ONNX, reason=NEEDS_ONNX)

CLASSIFIERS = [name for name, config in KINDS.items() if everything(config).gradients]


def opsets():
    import onnx

    return [13, 16, 17, 18, 20, 21, onnx.defs.onnx_opset_version()]


@pytest.mark.parametrize("name", others_slow(KINDS, fast=3))
def test_everything_that_a_kind_can_give(name, export):
    model = model_of(name)
    wanted = everything(model.config)
    assert worst(export(subject_of(model, wanted)), model, wanted) < TOLERANCE


@pytest.mark.parametrize("name", others_slow(KINDS, fast=2))
def test_the_plain_forward(name, export):
    """Of the last block, only the tokens that the pool reads."""
    model = model_of(name)
    assert worst(export(subject_of(model, Wanted())), model, Wanted()) < TOLERANCE


@pytest.mark.parametrize("place", others_slow(range(7), fast=0))
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(gradients=True, attention=True)], ids=["forward", "backward"])
def test_every_opset(place, wanted, export):
    for name in ("everything", "conv stem", "pre-norm, quick", "attention pooling, prefix", "cls+mean"):
        model = model_of(name)
        assert worst(export(subject_of(model, wanted), opset=opsets()[place]), model, wanted) < TOLERANCE


@pytest.mark.parametrize("name", others_slow(CLASSIFIERS))
def test_half_precision(name, export):
    model, wanted = model_of(name, np.float16), Wanted(gradients=True)
    for opset in (13, 17, 20):
        path = export(subject_of(model, wanted), opset=opset)
        assert worst(path, model.astype(np.float32), wanted, dtype=np.float16) < TOLERANCE_FLOAT16


@pytest.mark.parametrize("name", ["conv stem", "mean pooling"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_pixels_are_normalised_within(name, per_channel, export):
    model = model_of(name)
    statistics = Statistics(np.reshape([0.2, 0.6], (-1, 1, 1)), np.reshape([0.3, 0.25], (-1, 1, 1)))
    if not per_channel:
        statistics = Statistics(*(value[:1] for value in statistics))
    wanted = Wanted(gradients=True, statistics=statistics)
    assert worst(export(subject_of(model, wanted)), model, wanted) < TOLERANCE


def test_any_batch_size(export):
    import onnxruntime

    model = model_of("registers")
    subject = subject_of(model, Wanted(attention=True))
    session = onnxruntime.InferenceSession(export(subject), providers=["CPUExecutionProvider"])
    for count in (1, 3, 7, 0):
        images = np.random.default_rng(count).standard_normal((count, *model.config.input_shape)).astype(np.float32)
        logits, *maps = session.run(None, {"images": images})
        np.testing.assert_allclose(logits, model.predict(images), atol=1e-5)
        assert [array.shape for array in maps] == [(count, 2, 9, 9)] * 2


def test_without_blocks(export):
    config = dataclasses.replace(KINDS["registers"], depth=0)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    wanted = everything(config)
    assert worst(export(subject_of(model, wanted)), model, wanted) < TOLERANCE
