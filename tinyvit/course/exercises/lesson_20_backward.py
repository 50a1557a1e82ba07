# mypy: disable-error-code="no-untyped-def"
"""Lesson 20, the way back to the visible patches, and the loss of the hidden ones."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_20 import SIZES, orders

# --- 20.3 ---


def fill_in_backward(dy, restore, num_visible):
    return _taken_back(dy, restore, num_visible)


def _all_tokens(dy, restore):
    return np.take_along_axis(dy, restore.argsort(axis=1)[:, :, None], axis=1)


def _taken_back(dy, restore, V, *, order=lambda restore: restore.argsort(axis=1), total=lambda d: d.sum(axis=(0, 1))):
    dx = np.take_along_axis(dy, order(restore)[:, :, None], axis=1)
    return dx[:, :V], total(dx[:, V:])


def _all_places(dy, restore, V):
    return _taken_back(dy, restore, V)[0], dy.sum(axis=(0, 1))


def _other_dx(make):
    return lambda dy, restore, V: (make(dy, restore, V), _taken_back(dy, restore, V)[1])


def _other_mask(make):
    return lambda dy, restore, V: (_taken_back(dy, restore, V)[0], make(dy, restore, V))


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
        "dx has the gradients of the visible patches in the order of the patches; x has them in that of the shuffle": (
            _other_dx(lambda dy, restore, V: dy[restore < V].reshape(len(dy), V, -1))
        ),
        "dx has the first patches of each image; its visible ones stand elsewhere: shuffle dy first": (
            _other_dx(lambda dy, restore, V: dy[:, :V])
        ),
        "dmask_token has the last patches of each image; its hidden ones stand elsewhere: shuffle dy first": (
            _other_mask(lambda dy, restore, V: dy[:, V:].sum((0, 1)))
        ),
        "dmask_token has the gradients of the visible tokens; the mask token stands behind them": (
            _other_mask(lambda dy, restore, V: _taken_back(dy, restore, V)[0].sum((0, 1)))
        ),
        "the mask token's gradients add up over the images, too; a mean over them is too small": (
            _other_mask(lambda dy, restore, V: _taken_back(dy, restore, V)[1] / len(dy))
        ),
        "dx has the hidden places, too, with zeros; it belongs to x, which has the visible tokens alone": (
            _other_dx(lambda dy, restore, V: _all_tokens(dy, restore) * (np.arange(dy.shape[1]) < V)[:, None])
        ),
        "the orders of the images were sorted, and not the places of each: argsort along axis 1": (
            lambda dy, restore, V: _taken_back(dy, restore, V, order=lambda restore: restore.argsort(axis=0))
        ),
        "dy[:, order] takes the orders of all images for each: np.take_along_axis goes image by image": (
            lambda dy, restore, V: (
                dy[:, restore.argsort(axis=1)][:, :V],
                dy[:, restore.argsort(axis=1)][:, V:].sum((0, 1)),
            )
        ),
        "the first of the hidden places was left out: they begin at num_visible": (
            lambda dy, restore, V: _taken_back(dy, restore, V, total=lambda d: d[:, 1:].sum((0, 1)))
        ),
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


def _with_dy(make):
    """The right loss, with another gradient."""
    return lambda y, target, hidden: (
        _loss(y, target, hidden)[0],
        make(y, (y - target) * hidden[:, :, None], hidden),
    )


def _with_loss(make):
    """The right gradient, with another loss."""
    return lambda y, target, hidden: (
        make(y - target, (y - target) * hidden[:, :, None], hidden.sum() * y.shape[2]),
        _loss(y, target, hidden)[1],
    )


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
        "the loss is right, and dy was divided by the number of all patches; the mean is over the hidden ones": (
            _with_dy(lambda y, error, hidden: 2 * error / error.size)
        ),
        "the loss is right, and dy was divided by the hidden patches alone; the mean also goes over their numbers": (
            _with_dy(lambda y, error, hidden: 2 * error / hidden.sum())
        ),
        "dy has the hidden patches alone; it has the shape of y, with 0 where a patch is visible": (
            _with_dy(lambda y, error, hidden: 2 * error[hidden == 1] / (hidden.sum() * y.shape[2]))
        ),
        "dy is right, and the loss was divided by the number of all patches; the mean is over the hidden ones": (
            _with_loss(lambda error, weighted, n: (weighted**2).mean())
        ),
        "dy is right, and the loss counts the visible patches, too": (
            _with_loss(lambda error, weighted, n: (error**2).sum() / n)
        ),
        "the square is missing in the loss": _with_loss(lambda error, weighted, n: weighted.sum() / n),
        "each error is squared, and then they are added up; that is the square of their sum": (
            _with_loss(lambda error, weighted, n: weighted.sum() ** 2 / n)
        ),
        "that is the root of the mean; the loss is the mean of the squares": (
            _with_loss(lambda error, weighted, n: np.sqrt((weighted**2).sum() / n))
        ),
        "those are absolute values; the loss has squares": lambda y, target, hidden: (
            np.abs((y - target) * hidden[:, :, None]).sum() / (hidden.sum() * y.shape[2]),
            np.sign(y - target) * hidden[:, :, None] / (hidden.sum() * y.shape[2]),
        ),
        "hidden was multiplied with y alone; what counts is the difference, y - target": (
            lambda y, target, hidden: _loss(y * hidden[:, :, None], target, hidden, weights=np.ones_like)
        ),
        "that is a sum; the loss is a mean": (
            lambda y, target, hidden: _loss(y, target, hidden, count=lambda h, S: 1.0)
        ),
        "that is a sum over images; the mean goes over all hidden patches of all images": (
            lambda y, target, hidden: _loss(y, target, hidden, count=lambda h, S: h[0].sum() * S)
        ),
    },
)
