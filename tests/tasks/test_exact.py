"""Every task's whole loss by dual numbers, with its heads, targets and weights: its slope is that of its gradients."""

import numpy as np
import pytest

from tests.support.toy_tasks import shaken
from tinyvit.backend import generator
from tinyvit.backend.random import BatchRows
from tinyvit.gradcheck.exact import EXACT_THRESHOLD, Dual, duals
from tinyvit.ops import floats
from tinyvit.tasks import task_of

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def weights_may_be_objects(monkeypatch):
    """Tasks cast weights to the dtype of the logits: here to objects, all of them plain floats, which ops refuse else."""
    monkeypatch.setattr(floats, "is_exact", lambda x: getattr(x, "dtype", None) == np.dtype(object))


def in_dtype(batch, dtype, task):
    """A batch for a model of `dtype`; what only a teacher sees stays in float64."""
    images, *others = (x.astype(np.float64) if x.dtype == np.float32 else x for x in batch)
    if images.dtype.kind == "f" and dtype.kind == "O":
        images = duals(images, np.zeros(images.shape))
        others = [x.astype(dtype) if x.dtype.kind == "f" and task != "distill" else x for x in others]
    return [images, *others]


def test_the_slope_of_the_loss_is_that_of_the_gradients(config, dataset):
    task, model, chosen = task_of(config), shaken(config), np.arange(3)

    def loss_and_gradients(model):
        rng = BatchRows(generator(config.seed, "step", 6), len(chosen), slice(0, len(chosen)))
        batch = in_dtype(task.batch(config, dataset, chosen, rng), model.dtype, config.task)
        return task.loss_and_gradients(config, model, batch, rng=rng)

    _, grads = loss_and_gradients(model)
    rng, twin, terms = np.random.default_rng(7), model.astype(object), []
    for name, array in twin.parameters().items():
        v = rng.standard_normal(array.shape) * (not name.startswith("memory."))  # what is remembered is not learned
        array[...] = duals(model.parameters()[name], v)
        terms.append((grads[name] * v).reshape(-1))
    loss, _ = loss_and_gradients(twin)
    terms = np.concatenate(terms)
    assert isinstance(loss, Dual)
    size = np.linalg.norm(terms)
    assert abs(loss.derivative - terms.sum()) <= EXACT_THRESHOLD * size
    assert abs(loss.derivative - terms.sum() * (1 + 1e-10)) > EXACT_THRESHOLD * size  # the check can fail
