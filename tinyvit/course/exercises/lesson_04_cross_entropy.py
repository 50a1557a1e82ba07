# mypy: disable-error-code="no-untyped-def"
"""Lesson 4, cross-entropy."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_04 import _row_max, _row_sum, _shares, softmax_backward

# --- 4.3 ---


def cross_entropy_forward(logits, labels):
    return _surprise(logits, labels)


def _surprise(logits, labels, *, offset=_row_max, pick=None, together=np.mean, log_probs=None):
    with np.errstate(all="ignore"):  # some mistakes overflow
        if log_probs is None:
            log_probs = logits - offset(logits)
            log_probs = log_probs - np.log(_row_sum(np.exp(log_probs)))
        picked = pick(log_probs) if pick else log_probs[np.arange(len(labels)), labels]
        return -together(picked), (np.exp(log_probs), labels)


def _two_steps(logits, labels):
    with np.errstate(all="ignore"):
        probs = _shares(logits)
        return -np.log(probs[np.arange(len(labels)), labels]).mean(), (probs, labels)


def _a_little_more(tiny):
    def mistake(logits, labels):
        probs = _shares(logits)
        return -np.log(probs[np.arange(len(labels)), labels] + tiny).mean(), (probs, labels)

    return mistake


def _two_steps_that_overflow(logits, labels):
    with np.errstate(all="ignore"):
        probs = _shares(logits, offset=lambda logits: 0.0)
        return -np.log(probs[np.arange(len(labels)), labels]).mean(), (probs, labels)


def _no_logarithm(logits, labels):
    probs = _shares(logits)
    return -probs[np.arange(len(labels)), labels].mean(), (probs, labels)


def _positive(logits, labels):
    loss, saved = _surprise(logits, labels)
    return -loss, saved


def _saves_logarithms(logits, labels):
    loss, (probs, labels) = _surprise(logits, labels)
    return loss, (np.log(probs), labels)


def _logit_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, K in ((4, 3), (5, 7), tuple(rng.integers(3, 7, 2))):
        yield Case((2 * rng.standard_normal((B, K)), rng.integers(0, K, B)))
    logits, labels = 2 * rng.standard_normal((4, 5)), rng.integers(0, 5, 4)
    logits[1, (labels[1] + 1) % 5] = 1000.0  # very sure, and wrong
    yield Case((logits, labels))
    logits = logits.copy()
    logits[2, (labels[2] + 1) % 5] = 5000.0
    yield Case((logits, labels))
    yield Case((2 * rng.standard_normal((1, 4)), rng.integers(0, 4, 1)))


add(
    "4.3",
    cross_entropy_forward,
    _logit_cases,
    outputs=("loss", "probs", "labels"),
    mistakes={
        **{
            f"p + {tiny} hides the inf, and gives a wrong loss. Take the logarithm in one piece: x - max - log(sum)": (
                _a_little_more(tiny)
            )
            for tiny in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8)
        },
        "a share was rounded to 0, and its logarithm is -inf. Take the logarithm in one piece: x - max - log(sum)": (
            _two_steps
        ),
        "exp overflows at a logit of 1000. Take off each row's maximum before exp": (
            lambda logits, labels: _surprise(logits, labels, offset=lambda logits: 0.0)
        ),
        "exp overflows at a logit of 1000, and log meets a 0. Take z = x - max, and then z - log(sum of exp(z))": (
            _two_steps_that_overflow
        ),
        "you took off the maximum of the whole array; a row far below it comes to log(0). Every row has its own one": (
            lambda logits, labels: _surprise(logits, labels, offset=np.max)
        ),
        "you added up over the batch; the loss is the mean over the images": (
            lambda logits, labels: _surprise(logits, labels, together=np.sum)
        ),
        "you picked the columns of all labels for every image; it is [np.arange(B), labels], one number for each": (
            lambda logits, labels: _surprise(logits, labels, pick=lambda log_probs: log_probs[:, labels])
        ),
        "log_probs[labels] picks whole rows; it is [np.arange(B), labels], one number in each row": (
            lambda logits, labels: _surprise(logits, labels, pick=lambda log_probs: log_probs[labels])
        ),
        "you divided by B and by K; the mean is over the B images only": (
            lambda logits, labels: _surprise(logits, labels, together=lambda x: x.mean() / logits.shape[1])
        ),
        "the labels were not used: only the share of the right class counts": (
            lambda logits, labels: _surprise(logits, labels, pick=lambda log_probs: log_probs)
        ),
        "the logarithm is missing: the surprise is -log(p), not -p": _no_logarithm,
        "the minus is missing: the logarithm of a share is negative, and a loss is not": _positive,
        "softmax is missing: you took the mean of the right logits": (
            lambda logits, labels: (
                _surprise(logits, labels, log_probs=logits)[0],
                _surprise(logits, labels)[1],
            )
        ),
        "what the backward will need is missing: return loss, (probs, labels)": (
            lambda logits, labels: _surprise(logits, labels)[0]
        ),
        "saved must hold the shares, exp(log_probs), and not their logarithms": _saves_logarithms,
    },
)


# --- 4.4 ---


def cross_entropy_backward(dloss, saved):
    return _difference(dloss, saved)


def _difference(dloss, saved, *, divisor=len):
    probs = saved[0]
    return (probs - _onehot(saved)) * dloss / divisor(probs)


def _onehot(saved):
    probs, labels = saved
    return (labels[:, None] == np.arange(probs.shape[1])).astype(probs.dtype)


def _every_row(dloss, saved):
    probs, labels = saved
    dlogits = probs.copy()
    dlogits[:, labels] -= 1
    return dlogits * dloss / len(probs)


def _whole_rows(dloss, saved):
    probs, labels = saved
    dlogits = probs.copy()
    dlogits[labels] -= 1
    return dlogits * dloss / len(probs)


def _of_the_probabilities(dloss, saved):
    with np.errstate(all="ignore"):
        return -_onehot(saved) / saved[0] * dloss / len(saved[0])


def _surprise_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in _logit_cases(rng):
        yield Case((rng.uniform(1.5, 3), cross_entropy_forward(*case.arguments)[1]))


add(
    "4.4",
    cross_entropy_backward,
    _surprise_cases,
    outputs=("dlogits",),
    mistakes={
        "the truth is missing: take 1 off the share of the right class": (
            lambda dloss, saved: saved[0] * dloss / len(saved[0])
        ),
        "the sign is turned: it is p - t, what the model said minus the truth": (
            lambda dloss, saved: -_difference(dloss, saved)
        ),
        "the division by B is missing: the loss is a mean over the batch": (
            lambda dloss, saved: _difference(dloss, saved, divisor=lambda probs: 1)
        ),
        "you divided by B and by K; the loss is a mean over the B images only": (
            lambda dloss, saved: _difference(dloss, saved, divisor=np.size)
        ),
        "you divided by K, the number of classes; it is B, the number of images": (
            lambda dloss, saved: _difference(dloss, saved, divisor=lambda probs: probs.shape[1])
        ),
        "both dloss and the division by B are missing": lambda dloss, saved: saved[0] - _onehot(saved),
        "dloss is missing: multiply by it at the end": lambda dloss, saved: _difference(1.0, saved),
        "you took 1 off the columns of all labels in every row; it is [np.arange(B), labels], one for each row": (
            _every_row
        ),
        "d[labels] takes 1 off whole rows; it is [np.arange(B), labels], one number in each row": _whole_rows,
        "labels are numbers of classes; take 1 off at [np.arange(B), labels], and nothing elsewhere": (
            lambda dloss, saved: saved[0] - saved[1]
        ),
        "-1/p is the slope with respect to the probability; one step further, through softmax, it becomes p - t": (
            _of_the_probabilities
        ),
        "only the right class got a gradient; the other logits are pushed down, each by its share": (
            lambda dloss, saved: _difference(dloss, saved) * _onehot(saved)
        ),
        "you went back through softmax once more; p - t is the gradient of the logits already": (
            lambda dloss, saved: softmax_backward(_difference(dloss, saved), saved[:1])
        ),
    },
)
