"""Continual learning: what is remembered, the terms against forgetting by finite differences, and streams in a run."""

import dataclasses

import numpy as np
import pytest

from tests.support.notes import Notes
from tests.support.small_run import SMALL_MODEL
from tinyvit.config.digit_tasks import ContinualConfig
from tinyvit.errors import UserError
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward, softmax_forward
from tinyvit.tasks import ALL, TASKS
from tinyvit.tasks.continual import task_in
from tinyvit.tasks.remembering import Learner, consolidate, fisher, old_answers, penalty
from tinyvit.training import start, train

TASK = TASKS["continual"]
MODEL = dataclasses.replace(SMALL_MODEL, drop_path_rate=0.0, depth=1)


def learner(method, rng, tasks=5):
    model = Learner(MODEL, tasks=tasks, method=method, rng=rng).astype(np.float64)
    for name, array in model.parameters().items():
        if not name.startswith("memory."):
            array += 0.1 * rng.standard_normal(array.shape)
    return model


def remembered(method, rng):
    """A learner that has moved since the first task, and images."""
    model = learner(method, rng)
    model.memory.seen[:2] = 1
    model.memory.fisher[:] = rng.random(model.memory.fisher.shape)
    model.memory.anchor[:] = np.concatenate([array.ravel() for array in model.learned().values()])
    for array in model.learned().values():
        array += 0.05 * rng.standard_normal(array.shape)
    return model, rng.standard_normal((5, 1, 28, 28)), rng.integers(2, 4, 5)


@pytest.mark.parametrize("method", ["ewc", "lwf"])
def test_the_whole_loss_by_finite_differences(method, rng):
    model, images, labels = remembered(method, rng)
    config = ContinualConfig(model=MODEL, method=method, ewc_lambda=3.0, lwf_lambda=2.0)

    def loss():
        return float(TASK.loss_and_gradients(config, model, (images, labels))[0])

    plain = float(TASK.loss_and_gradients(dataclasses.replace(config, method="naive"), model, (images, labels))[0])
    assert loss() > plain + 1e-3
    _, grads = TASK.loss_and_gradients(config, model, (images, labels))
    assert grads.keys() == model.parameters().keys()
    for name, array in model.learned().items():
        direction = rng.standard_normal(array.shape)
        kept = array.copy()
        array[...] = kept + 1e-5 * direction
        above = loss()
        array[...] = kept - 1e-5 * direction
        below = loss()
        array[...] = kept
        assert (grads[name] * direction).sum() == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-7), name
    assert not any(grads[f"memory.{name}"].any() for name in model.memory.parameters())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("method", ["ewc", "lwf"])
def test_pieces_add_up(method, weighted, rng):
    model, images, labels = remembered(method, rng)
    config = ContinualConfig(model=MODEL, method=method)
    weights = rng.dirichlet(np.ones(5)) if weighted else np.full(5, 0.2)
    whole = TASK.loss_and_gradients(config, model, (images, labels), weights=weights if weighted else None)
    total, loss = {}, 0.0
    for rows in (slice(0, 2), slice(2, 5)):
        share = weights[rows].sum()
        piece = (images[rows], labels[rows])
        one, grads = TASK.loss_and_gradients(
            config, model, piece, share=share, weights=weights[rows] / share if weighted else None
        )
        loss += share * float(one)
        total = {name: total.get(name, 0) + grad for name, grad in grads.items()}
    assert loss == pytest.approx(float(whole[0]), rel=1e-12)
    for name, grad in whole[1].items():
        np.testing.assert_allclose(total[name], grad, atol=1e-12 + 1e-9 * np.abs(grad).max(), err_msg=name)


def test_before_the_first_task_ends_nothing_is_held(rng):
    images, labels = rng.standard_normal((4, 1, 28, 28)), rng.integers(0, 2, 4)
    losses = []
    for method in ("naive", "ewc", "lwf"):
        model = learner(method, np.random.default_rng(3))
        config = ContinualConfig(model=MODEL, method=method)
        losses.append(float(TASK.loss_and_gradients(config, model, (images, labels))[0]))
    assert losses[0] == losses[1] == losses[2]


def test_the_penalty_is_a_sum_of_squares(rng):
    model, *_ = remembered("ewc", rng)
    flat = np.concatenate([array.ravel() for array in model.learned().values()])
    total, grads = penalty(model)
    moved = flat - model.memory.anchor
    assert float(total) == pytest.approx(0.5 * (model.memory.fisher * moved**2).sum(), rel=1e-12)
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in grads.values()]), model.memory.fisher * moved)


def test_the_old_model_agrees_with_itself(rng):
    model, images, _ = remembered("lwf", rng)
    logits, _ = model.forward(images)
    far, dlogits = old_answers(model, images, logits, None)
    assert far > 0
    assert not dlogits[:, 2:].any()  # classes that are new
    for name, array in model.learned().items():
        array[...] = model.by_name(model.memory.anchor)[name]
    near, dlogits = old_answers(model, images, model.forward(images)[0], None)
    assert near == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(dlogits, 0, atol=1e-12)


def test_fisher_is_the_mean_of_squares_image_by_image(rng):
    model = learner("ewc", rng)
    images = rng.standard_normal((3, 1, 28, 28))
    found = fisher(model, images, np.random.default_rng(5))
    again, wanted = np.random.default_rng(5), 0
    for image in images:
        logits, saved = model.forward(image[None])
        probs = softmax_forward(logits)[0][0]
        label = np.array([again.choice(10, p=probs / probs.sum())])
        _, loss_saved = cross_entropy_forward(logits, labels=label)
        _, grads = model.backward(cross_entropy_backward(1.0, loss_saved), saved)
        wanted = wanted + np.concatenate([grads[name].ravel() for name in model.learned()]) ** 2 / 3
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("method", ["naive", "replay", "ewc", "lwf"])
def test_what_is_remembered_of_a_task(method, rng, small_dataset):
    model = Learner(MODEL, tasks=5, method=method, rng=rng)
    config = ContinualConfig(model=MODEL, method=method)
    consolidate(model, config, small_dataset, 1, (2, 3), np.arange(50), np.array([0.5, 0.9, 0, 0, 0]))
    np.testing.assert_array_equal(np.flatnonzero(model.memory.seen), [2, 3])
    np.testing.assert_allclose(model.memory.matrix.reshape(5, 5)[1], [0.5, 0.9, 0, 0, 0])
    assert not model.memory.matrix.reshape(5, 5)[[0, 2, 3, 4]].any()
    if method in ("ewc", "lwf"):
        for name, array in model.learned().items():
            np.testing.assert_array_equal(model.by_name(model.memory.anchor)[name], array)
    assert bool(model.memory.fisher.any()) == (method == "ewc")


@pytest.mark.parametrize(("epochs", "wanted"), [(1, [0]), (5, [0, 1, 2, 3, 4]), (7, [0, 0, 1, 2, 2, 3, 4])])
def test_epochs_are_shared(epochs, wanted):
    assert [task_in(ContinualConfig(epochs=epochs), epoch) for epoch in range(epochs)] == wanted


def test_an_average_of_what_is_remembered_is_refused(small_dataset):
    with pytest.raises(UserError, match="no average over time, got ema_decay"):
        TASK.check(ContinualConfig(ema_decay=0.9), small_dataset)


@pytest.fixture
def run(tmp_path, monkeypatch, small_dataset):
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: small_dataset)

    def of(method, **changes):
        config = ContinualConfig(
            model=MODEL, method=method, epochs=2, classes_per_task=5, batch_size=16, workers=1,
            output=str(tmp_path / f"{method}{len(changes)}"), **changes,
        )  # fmt: skip
        return train(config, progress=Notes())

    return of


def test_a_memory_of_no_images_is_naive(run):
    naive, none = run("naive").best.model, run("replay", replay=0).best.model
    for name, array in naive.parameters().items():
        np.testing.assert_array_equal(none.parameters()[name], array)


def test_the_matrix_of_a_run(run, small_dataset):
    history = run("replay", replay=20)
    memory = history.best.model.memory
    matrix = memory.matrix.reshape(2, 2)
    assert memory.seen.all()
    for row, epoch in zip(matrix, history.epochs, strict=True):
        np.testing.assert_allclose(row, [epoch["dev_task_1"], epoch["dev_task_2"]], rtol=1e-6)
    assert matrix[0, 1] < 0.1  # a task that has not come yet
    result = TASK.judge(
        history.best.config,
        TASK.answers(history.best.config, history.best.model, small_dataset, "test", ALL),
        small_dataset,
        "test",
    )
    np.testing.assert_allclose(result.matrix, matrix)
    assert history.best_epoch == 2


def test_no_optimizer_moves_the_memory(run):
    """Weight decay and moments leave alone what has no gradient: the anchor is the model at the end, bit by bit."""
    model = run("lwf").best.model
    for name, array in model.learned().items():
        np.testing.assert_array_equal(model.by_name(model.memory.anchor)[name], array)
