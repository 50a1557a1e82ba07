"""Loss and accuracy of a model on a split, against the op itself on the whole split at once."""

import numpy as np
import pytest

from tests.support import small_run
from tinyvit.datasets import normalize
from tinyvit.evaluation import predict
from tinyvit.evaluation.evaluate import evaluate
from tinyvit.evaluation.predict import predict_probs
from tinyvit.ops import cross_entropy_forward, softmax_forward
from tinyvit.vit import VisionTransformer


@pytest.fixture
def model():
    return VisionTransformer(small_run.SMALL_MODEL, rng=np.random.default_rng(0))


def test_evaluation_is_that_of_the_whole_split(model, small_dataset):
    split = small_dataset.dev
    logits = model.predict(normalize(split.images, small_dataset.mean, small_dataset.std))
    loss, _ = cross_entropy_forward(logits, labels=split.labels)
    result = evaluate(model, split, small_dataset)
    assert result.loss == pytest.approx(float(loss), rel=1e-5)
    assert result.accuracy == (logits.argmax(1) == split.labels).mean()
    probs = softmax_forward(logits)[0]
    np.testing.assert_allclose(result.of_label, probs[np.arange(len(probs)), split.labels], atol=1e-6)
    np.testing.assert_allclose(result.confidence, probs.max(axis=1), atol=1e-6)
    np.testing.assert_array_equal(result.predictions, logits.argmax(1))


def test_batches_do_not_show(model, small_dataset, monkeypatch):
    whole = predict_probs(model, small_dataset.dev.images, 0.1, 0.3)
    monkeypatch.setattr(predict, "BATCH_SIZE", 7)
    np.testing.assert_allclose(predict_probs(model, small_dataset.dev.images, 0.1, 0.3), whole, atol=1e-6)


def test_a_float64_model_is_evaluated_in_float64(model, small_dataset):
    assert evaluate(model.astype(np.float64), small_dataset.dev, small_dataset).of_label.dtype == np.float64
