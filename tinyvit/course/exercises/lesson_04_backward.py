# mypy: disable-error-code="no-untyped-def"
"""Lesson 4, cross-entropy backward."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_04 import softmax_backward
from .lesson_04_cross_entropy import _logit_cases, cross_entropy_forward

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


def _from_the_right_class(change):
    """dlogits from shares with another number in the place of the right class."""

    def mistake(dloss, saved):
        probs, truth = saved[0], _onehot(saved)
        return (probs * (1 - truth) + change(probs) * truth) * dloss / len(probs)

    return mistake


def _logarithms(probs):
    with np.errstate(divide="ignore"):
        return np.log(probs)


def _once_for_each_label(dloss, saved):
    return (saved[0] - _onehot(saved).sum(0)) * dloss / len(saved[0])


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
        "the share of the right class was replaced by -1; 1 is to be taken off it: -= 1": (
            _from_the_right_class(lambda probs: -1.0)
        ),
        "the sign is turned: 1 is taken off the share of the right class, not added": (
            _from_the_right_class(lambda probs: probs + 1)
        ),
        "1 was taken off all shares; the truth is 1 for the right class alone, and 0 for all others": (
            lambda dloss, saved: (saved[0] - 1) * dloss / len(saved[0])
        ),
        "each label took 1 off its column in every row; it is [np.arange(B), labels], one for each row": (
            _once_for_each_label
        ),
        "labels are numbers of classes, not the truth; take 1 off at [np.arange(B), labels], and nothing elsewhere": (
            lambda dloss, saved: (saved[0] - saved[1][:, None]) * dloss / len(saved[0])
        ),
        "dloss multiplies, it does not divide": lambda dloss, saved: _difference(1 / dloss, saved),
        "the factor p (1 - p) is too much: p - t is the gradient of the logits already": (
            lambda dloss, saved: _difference(dloss, saved) * saved[0] * (1 - saved[0])
        ),
        "saved has the shares already; no logarithm is needed": (
            lambda dloss, saved: (_logarithms(saved[0]) - _onehot(saved)) * dloss / len(saved[0])
        ),
    },
)
