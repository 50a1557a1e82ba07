# mypy: disable-error-code="no-untyped-def"
"""Lesson 12, the training loop."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...config.presets import preset
from ...ops import cross_entropy_backward, cross_entropy_forward
from ...optim import AdamW
from ...vit import VisionTransformer
from ..exercise import Case, NotAskedFor, add

SMALL = replace(preset("tiny"), img_size=4, patch_size=2, embed_dim=8, depth=1, num_heads=2, num_classes=3)

# --- 12.3 ---


def training_loop(make_model, images, labels, batches, rates):
    return _loop(make_model, images, labels, batches, rates)


def _loop(
    make_model,
    images,
    labels,
    batches,
    rates,
    *,
    stepping=True,
    new_model=False,
    new_optimizer=False,
    everything=False,
    one_rate=False,
    wrong_start=False,
    steps=None,
):
    model = make_model()
    optimizer = AdamW(model.parameters())
    losses = []
    for chosen, lr in list(zip(batches, rates, strict=True))[:steps]:
        if new_model:
            model = make_model()
        if new_model or new_optimizer:
            optimizer = AdamW(model.parameters())
        x, y = (images, labels) if everything else (images[chosen], labels[chosen])
        logits, saved = model.forward(x)
        loss, loss_saved = cross_entropy_forward(logits, labels=y)
        _, grads = model.backward(logits if wrong_start else cross_entropy_backward(1.0, loss_saved), saved)
        if stepping:
            optimizer.step(grads, lr=rates[0] if one_rate else lr)
        losses.append(float(loss))
    return model, losses


def _trained(result):
    """The losses, and all weights in one row."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor(f"it returned {type(result).__name__}, wanted two things: model, losses")
    model, losses = result
    if not hasattr(model, "parameters"):
        raise NotAskedFor(f"first the model, then the losses; the first thing is a {type(model).__name__}")
    if np.ndim(losses) == 0:
        raise NotAskedFor(f"losses is {losses}; wanted a list of losses, one of every step")
    return np.array(losses, np.float64), np.concatenate([array.ravel() for array in model.parameters().values()])


def _loop_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, size, epochs in ((10, 4, 2), (9, 3, 1), (7, 3, 1)):
        seed = int(rng.integers(1000))

        def make_model(seed=seed):
            return VisionTransformer(SMALL, rng=np.random.default_rng(seed)).astype(np.float64)

        batches = [batch for _ in range(epochs) for batch in np.split(rng.permutation(n), range(size, n, size))]
        rates = rng.uniform(0.01, 0.05, len(batches)).tolist()
        yield Case((make_model, rng.standard_normal((n, 1, 4, 4)), rng.integers(0, 3, n), batches, rates))


def _labels_as_they_are(make_model, images, labels, batches, rates):
    for chosen in batches:
        logits, _ = make_model().forward(images[chosen])
        cross_entropy_forward(logits, labels=labels)


def _images_gradient_too(make_model, images, labels, batches, rates):
    model = make_model()
    logits, saved = model.forward(images[batches[0]])
    grads = model.backward(np.ones_like(logits), saved)
    AdamW(model.parameters()).step(grads, lr=rates[0])


add(
    "12.3",
    training_loop,
    _loop_cases,
    outputs=("losses", "weights"),
    mistakes={
        "the sign of lr: the optimizer goes down the hill by itself, with a minus of its own": (
            lambda make_model, images, labels, batches, rates: _loop(
                make_model, images, labels, batches, [-rate for rate in rates]
            )
        ),
        "the weights never move: optimizer.step(grads, lr=lr) is missing": (
            lambda *arguments: _loop(*arguments, stepping=False)
        ),
        "it returned after the first step: the return belongs behind the loop, less indented": (
            lambda *arguments: _loop(*arguments, steps=1)
        ),
        "each step has its own batch: images[chosen] and labels[chosen], not all of them": (
            lambda *arguments: _loop(*arguments, everything=True)
        ),
        "labels need [chosen] as images do": _labels_as_they_are,
        "the optimizer is new in every step, so it forgets m and v: make it once, before the loop": (
            lambda *arguments: _loop(*arguments, new_optimizer=True)
        ),
        "the model is new in every step, so it forgets what it learned: make it once, before the loop": (
            lambda *arguments: _loop(*arguments, new_model=True)
        ),
        "all steps have the first learning rate; take the rate that belongs to the batch": (
            lambda *arguments: _loop(*arguments, one_rate=True)
        ),
        "model.backward was given the logits; it takes dlogits, the gradient of the loss by the logits": (
            lambda *arguments: _loop(*arguments, wrong_start=True)
        ),
        "model.backward returns two things, the gradient of the images and `grads`": _images_gradient_too,
    },
    summary=_trained,
    not_to_call=("training/",),
)
