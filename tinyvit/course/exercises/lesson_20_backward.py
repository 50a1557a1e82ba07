# mypy: disable-error-code="no-untyped-def"
"""Lesson 20, the way back to the visible patches, and the loss of the hidden ones."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_20 import SIZES, orders

# --- 20.3 ---


def fill_in_backward(dy, restore, num_visible):
    return _taken_back(dy, restore, num_visible)


def _taken_back(dy, restore, V, *, order=lambda restore: restore.argsort(axis=1), total=lambda d: d.sum(axis=(0, 1))):
    dx = np.take_along_axis(dy, order(restore)[:, :, None], axis=1)
    return dx[:, :V], total(dx[:, V:])


def _all_places(dy, restore, V):
    return _taken_back(dy, restore, V)[0], dy.sum(axis=(0, 1))


def _dy_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, V, D in SIZES:
        yield Case((rng.standard_normal((B, L, D)), orders(rng, B, L), V))


add(
    "20.3",
    fill_in_backward,
    _dy_cases,
    outputs=("dx", "dmask_token"),
    mistakes={
        "restore leads from the shuffled order to the patches; back to the shuffle leads its inverse, its argsort": (
            lambda dy, restore, V: _taken_back(dy, restore, V, order=lambda restore: restore)
        ),
        "the first patches of each image were taken; its visible ones stand elsewhere: shuffle dy first": (
            lambda dy, restore, V: (dy[:, :V], dy[:, V:].sum(axis=(0, 1)))
        ),
        "the mask token does not stand in the visible places: of those no gradient comes to it": _all_places,
        "the gradients of the mask token's places add up; a mean is too small": (
            lambda dy, restore, V: _taken_back(dy, restore, V, total=lambda d: d.mean(axis=(0, 1)))
        ),
        "the mask token is one for all images, so its gradient adds up over them, too": (
            lambda dy, restore, V: _taken_back(dy, restore, V, total=lambda d: d.sum(axis=1))
        ),
        "one hidden place of each image alone was counted; the mask token stands in all of them": (
            lambda dy, restore, V: _taken_back(dy, restore, V, total=lambda d: d[:, 0].sum(axis=0))
        ),
    },
)

# --- 20.4 ---


def masked_loss(y, target, hidden):
    return _loss(y, target, hidden)


def _loss(y, target, hidden, *, weights=lambda hidden: hidden, count=lambda hidden, S: hidden.sum() * S, factor=2):
    error = (y - target) * weights(hidden)[:, :, None]
    n = count(hidden, y.shape[2])
    return (error * error).sum() / n, factor * error / n


def _gradient_of_all(y, target, hidden):
    loss, _ = _loss(y, target, hidden)
    return loss, 2 * (y - target) / (hidden.sum() * y.shape[2])


def _loss_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, V, S in SIZES:
        hidden = (orders(rng, B, L) >= V).astype(np.float64)
        yield Case((rng.standard_normal((B, L, S)), 0.3 + rng.standard_normal((B, L, S)), hidden))


add(
    "20.4",
    masked_loss,
    _loss_cases,
    outputs=("loss", "dy"),
    mistakes={
        "all patches were counted; the visible ones would be too easy, for the encoder has seen them": (
            lambda y, target, hidden: _loss(y, target, hidden, weights=np.ones_like, count=lambda h, S: h.size * S)
        ),
        "it was divided by the number of all patches; the mean is over the hidden ones": (
            lambda y, target, hidden: _loss(y, target, hidden, count=lambda h, S: h.size * S)
        ),
        "the mean also goes over the numbers of a patch: divide by their number, too": (
            lambda y, target, hidden: _loss(y, target, hidden, count=lambda h, S: h.sum())
        ),
        "the visible patches were counted; hidden is 1 where a patch counts": (
            lambda y, target, hidden: _loss(y, target, hidden, weights=lambda h: 1 - h)
        ),
        "visible patches have a gradient, though the loss does not look at them": _gradient_of_all,
        "the square's derivative has a factor 2": lambda y, target, hidden: _loss(y, target, hidden, factor=1),
        "dy points the wrong way: where y is too large, dy is positive": (
            lambda y, target, hidden: _loss(y, target, hidden, factor=-2)
        ),
        "the loss is right, and dy was not divided: the mean's 1 / count is a factor of the derivative": (
            lambda y, target, hidden: (_loss(y, target, hidden)[0], 2 * (y - target) * hidden[:, :, None])
        ),
        "that is a sum; the loss is a mean": (
            lambda y, target, hidden: _loss(y, target, hidden, count=lambda h, S: 1.0)
        ),
        "that is a sum over images; the mean goes over all hidden patches of all images": (
            lambda y, target, hidden: _loss(y, target, hidden, count=lambda h, S: h[0].sum() * S)
        ),
    },
)
