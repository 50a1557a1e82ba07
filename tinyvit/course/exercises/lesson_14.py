# mypy: disable-error-code="no-untyped-def"
"""Lesson 14, from NumPy to CuPy."""

from collections.abc import Iterator

import numpy as np

from ...backend import array_module, to_numpy
from .. import strict_cupy
from ..exercise import Case, add


def _on_both(rng: np.random.Generator, make) -> Iterator[Case]:
    """Cases on NumPy, then on the stand-in, where a read by the host is an error."""
    for size in (3, 5, int(rng.integers(4, 9)), 1):
        yield Case(make(size))
    for size in (4, 7, 1):
        with strict_cupy.no_host_reads():
            yield Case(tuple(strict_cupy.asarray(x) if isinstance(x, np.ndarray) else x for x in make(size)))


def looked_at(result):
    """What is in an array of the stand-in, past its wall."""
    return result._host if isinstance(result, strict_cupy.ndarray) else result


# --- 14.1 ---


def cross_entropy_anywhere(logits, labels):
    return _cross_entropy(logits, labels, array_module(logits))


def _cross_entropy(logits, labels, xp, *, count=None, mean=True, sign=-1):
    log_probs = logits - logits.max(axis=1, keepdims=True)
    log_probs = log_probs - xp.log(xp.exp(log_probs).sum(axis=1, keepdims=True))
    picked = log_probs[(xp if count is None else count).arange(len(labels)), labels]
    return sign * (picked.mean() if mean else picked.sum())


def _all_labels_for_all(logits, labels):
    xp = array_module(logits)
    shifted = logits - logits.max(axis=1, keepdims=True)
    return -(shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True)))[:, labels].mean()


def _each_loss(logits, labels):
    xp = array_module(logits)
    log_probs = logits - logits.max(axis=1, keepdims=True)
    log_probs = log_probs - xp.log(xp.exp(log_probs).sum(axis=1, keepdims=True))
    return -log_probs[xp.arange(len(labels)), labels]


def _logits_and_labels(rng: np.random.Generator):
    def make(size):
        logits, labels = rng.standard_normal((size, 5)), rng.integers(0, 5, size)
        if size > 4:
            logits[1, labels[1]] += 1000.0  # exp of it is inf
            logits[2, labels[2] - 1], logits[3] = 5000.0, logits[3] - 3000.0  # far from the mean, and from the others
        return logits, labels

    return make


add(
    "14.1",
    cross_entropy_anywhere,
    lambda rng: _on_both(rng, _logits_and_labels(rng)),
    outputs=("loss",),
    summary=looked_at,
    mistakes={
        "np is NumPy, whatever the array is: take xp = array_module(logits), and write xp.exp, xp.log": (
            lambda logits, labels: _cross_entropy(logits, labels, np)
        ),
        "np.arange, range and a list are on the host, and to index with them copies them over: use xp.arange": (
            lambda logits, labels: _cross_entropy(logits, labels, array_module(logits), count=np)
        ),
        "float() waits until the GPU is done: return the loss as the array without axes that it is": (
            lambda logits, labels: float(_cross_entropy(logits, labels, array_module(logits)))
        ),
        "np.asarray does not bring a GPU's array to the host, and there is no need to: compute where it lies": (
            lambda logits, labels: _cross_entropy(np.asarray(logits), np.asarray(labels), np)
        ),
        "to_numpy copies to the host, which has to wait for that: compute where the arrays lie": (
            lambda logits, labels: _cross_entropy(to_numpy(logits), to_numpy(labels), np)
        ),
        "[:, labels] takes all labels in every row; one label for each row is [xp.arange(len(labels)), labels]": (
            _all_labels_for_all
        ),
        "those are the losses of the single images; take their mean": _each_loss,
        "the losses of the images are summed up; take their mean": (
            lambda logits, labels: _cross_entropy(logits, labels, array_module(logits), mean=False)
        ),
        "the minus sign is missing: log-probabilities are negative, a loss is not": (
            lambda logits, labels: _cross_entropy(logits, labels, array_module(logits), sign=1)
        ),
    },
    not_to_call=("ops/cross_entropy",),
)

# --- 14.2 ---


def clip_without_waiting(grad, max_norm):
    xp = array_module(grad)
    return grad * xp.minimum(1.0, max_norm / xp.sqrt((grad * grad).sum()))


def _gradient_and_bound(rng: np.random.Generator):
    factors = iter([0.2, 2.0] * 5)  # the norm is above the bound, then below
    shapes = iter([(3,), (), (2, 3), (1,), (5, 1), (3,), (3,)])
    return lambda size: _bounded(rng.standard_normal((size, *next(shapes))), next(factors))


def _bounded(grad, factor):
    return grad, float(factor * np.linalg.norm(grad))


def _with_an_if(grad, max_norm):
    norm = array_module(grad).sqrt((grad * grad).sum())
    if norm > max_norm:
        return grad * (max_norm / norm)
    return grad * 1.0


def _norm_read(grad, max_norm):
    norm = float(array_module(grad).sqrt((grad * grad).sum()))
    return grad * min(1.0, max_norm / norm)


def _always(grad, max_norm):
    return grad * (max_norm / array_module(grad).sqrt((grad * grad).sum()))


def _row_by_row(grad, max_norm):
    xp = array_module(grad)
    return grad * xp.minimum(1.0, max_norm / xp.sqrt((grad * grad).sum(axis=-1, keepdims=True)))


def _of_a_mean(grad, max_norm):
    xp = array_module(grad)
    return grad * xp.minimum(1.0, max_norm / xp.sqrt((grad * grad).mean()))


def _factor_alone(grad, max_norm):
    xp = array_module(grad)
    return xp.minimum(1.0, max_norm / xp.sqrt((grad * grad).sum()))


def _min_for_minimum(grad, max_norm):
    xp = array_module(grad)
    return grad * xp.min(1.0, max_norm / xp.sqrt((grad * grad).sum()))


def _no_root(grad, max_norm):
    return grad * array_module(grad).minimum(1.0, max_norm / (grad * grad).sum())


add(
    "14.2",
    clip_without_waiting,
    lambda rng: _on_both(rng, _gradient_and_bound(rng)),
    outputs=("clipped",),
    summary=looked_at,
    mistakes={
        "`if` and Python's min need the answer on the host, and wait for the GPU: xp.minimum does not": (_with_an_if),
        "float() waits until the GPU is done: keep the norm an array, and use xp.minimum": _norm_read,
        "np is NumPy, whatever the array is: take xp = array_module(grad)": (
            lambda grad, max_norm: grad * np.minimum(1.0, max_norm / np.sqrt((grad * grad).sum()))
        ),
        "a gradient that is too long came back as it was: the factor is the smaller one of 1 and max_norm / norm": (
            lambda grad, max_norm: grad * 1.0
        ),
        "each row was clipped by itself; the length of the whole gradient is meant: a sum over all axes": _row_by_row,
        "you took the mean of the squares; the length is the square root of their sum": _of_a_mean,
        "that is the factor alone: multiply grad by it": _factor_alone,
        "xp.min looks for the smallest number of one array; xp.minimum compares two": _min_for_minimum,
        "a gradient that is short enough must stay as it is: the factor is at most 1": _always,
        "that clips every number by itself; the length of the whole gradient is meant": (
            lambda grad, max_norm: grad.clip(-max_norm, max_norm)
        ),
        "the root is missing: the length is the square root of the sum of squares": _no_root,
    },
    not_to_call=("optim/clipping",),
)
