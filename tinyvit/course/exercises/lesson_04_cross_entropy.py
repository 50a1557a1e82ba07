# mypy: disable-error-code="no-untyped-def"
"""Lesson 4, cross-entropy."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_04 import _row_max, _row_sum, _shares

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


def _cut_off(tiny):
    def mistake(logits, labels):
        probs = _shares(logits)
        return -np.log(np.maximum(probs[np.arange(len(labels)), labels], tiny)).mean(), (probs, labels)

    return mistake


def _times(factor):
    def mistake(logits, labels):
        loss, saved = _surprise(logits, labels)
        return factor * loss, saved

    return mistake


def _sum_of_logarithms(logits, labels):
    z = logits - _row_max(logits)
    with np.errstate(all="ignore"):
        return _surprise(logits, labels, log_probs=z - _row_sum(np.log(np.exp(z))))


def _mean_of_all(logits, labels):
    with np.errstate(all="ignore"):
        probs = _shares(logits)
        return -np.log(probs).mean(), (probs, labels)


def _saves_exp(logits, labels):
    loss, (_, labels) = _surprise(logits, labels)
    return loss, (np.exp(logits - _row_max(logits)), labels)


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
    yield Case((np.array([[0.0, 20.0, 1.0], [3.0, 2.0, 1.0]]), np.array([0, 1])))  # a share of 2e-9


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
        **{
            f"a share cut off at {tiny} gives a wrong loss. Take the logarithm in one piece: x - max - log(sum)": (
                _cut_off(tiny)
            )
            for tiny in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7)
        },
        "the logarithm has the base 2; np.log is the natural one": _times(1 / np.log(2)),
        "the logarithm has the base 10; np.log is the natural one": _times(1 / np.log(10)),
        "you added up logarithms; it is the logarithm of a sum, np.log(np.exp(...).sum(...))": _sum_of_logarithms,
        "you took the mean over all classes; only the share of the right class counts": _mean_of_all,
        "you took each row's largest share; it is the label that says which one counts": (
            lambda logits, labels: _surprise(logits, labels, pick=lambda log_probs: log_probs.max(1))
        ),
        "saved must hold shares, which add up to 1 in each row: exp(log_probs), and not exp(x - max)": _saves_exp,
    },
)
