# mypy: disable-error-code="no-untyped-def"
"""Lesson 14, from NumPy to CuPy."""

from collections.abc import Iterator

import numpy as np

from ...backend import array_module
from .. import strict_cupy
from ..exercise import Case, add


def _on_both(rng: np.random.Generator, make) -> Iterator[Case]:
    """Cases on NumPy, then on the stand-in, where a read by the host is an error."""
    for size in (3, 5, int(rng.integers(4, 9))):
        yield Case(make(size))
    for size in (4, 7):
        with strict_cupy.no_host_reads():
            yield Case(tuple(strict_cupy.asarray(x) if isinstance(x, np.ndarray) else x for x in make(size)))


def _looked_at(result):
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


def _logits_and_labels(rng: np.random.Generator):
    return lambda size: (rng.standard_normal((size, 5)), rng.integers(0, 5, size))


add(
    "14.1",
    cross_entropy_anywhere,
    lambda rng: _on_both(rng, _logits_and_labels(rng)),
    outputs=("loss",),
    summary=_looked_at,
    mistakes={
        "np is NumPy, whatever the array is: take xp = array_module(logits), and write xp.exp, xp.log": (
            lambda logits, labels: _cross_entropy(logits, labels, np)
        ),
        "np.arange makes an array on the host, and to index with it copies it over each time: use xp.arange": (
            lambda logits, labels: _cross_entropy(logits, labels, array_module(logits), count=np)
        ),
        "float() waits until the GPU is done: return the loss as the array without axes that it is": (
            lambda logits, labels: float(_cross_entropy(logits, labels, array_module(logits)))
        ),
        "np.asarray does not bring a GPU's array to the host, and there is no need to: compute where it lies": (
            lambda logits, labels: _cross_entropy(np.asarray(logits), np.asarray(labels), np)
        ),
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
    return lambda size: _bounded(rng.standard_normal((size, 3)), next(factors))


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


def _no_root(grad, max_norm):
    return grad * array_module(grad).minimum(1.0, max_norm / (grad * grad).sum())


add(
    "14.2",
    clip_without_waiting,
    lambda rng: _on_both(rng, _gradient_and_bound(rng)),
    outputs=("clipped",),
    summary=_looked_at,
    mistakes={
        "`if` and Python's min need the answer on the host, and wait for the GPU: xp.minimum does not": (_with_an_if),
        "float() waits until the GPU is done: keep the norm an array, and use xp.minimum": _norm_read,
        "np is NumPy, whatever the array is: take xp = array_module(grad)": (
            lambda grad, max_norm: grad * np.minimum(1.0, max_norm / np.sqrt((grad * grad).sum()))
        ),
        "a gradient that is short enough must stay as it is: the factor is at most 1": _always,
        "that clips every number by itself; the length of the whole gradient is meant": (
            lambda grad, max_norm: grad.clip(-max_norm, max_norm)
        ),
        "the root is missing: the length is the square root of the sum of squares": _no_root,
    },
    not_to_call=("optim/clipping",),
)

# --- 14.3 ---


def log_means(step, steps, every):
    return _log(step, steps, every)


def _log(step, steps, every, *, read=lambda loss: loss, report=float, keep=False, divide=True, first=0):
    means, total = [], 0.0
    for i in range(steps):
        total = total + read(step(i))
        if (i + 1) % every == first % every:
            means.append(report(total / every if divide else total))
            total = total if keep else 0.0
    return means


def _last_only(step, steps, every):
    losses = [step(i) for i in range(steps)]
    return [float(loss) for loss in losses[every - 1 :: every]]


def _at_the_end(step, steps, every):
    losses = strict_cupy.stack([step(i) for i in range(steps)])
    return list(losses.reshape(-1, every).mean(axis=1).get())


def _training(losses):
    def step(i):
        if i == 0:
            strict_cupy.host_reads().clear()  # a new run begins
        return strict_cupy.asarray(losses[i])

    return step


def _log_cases(rng: np.random.Generator) -> Iterator[Case]:
    for groups, every in ((3, 4), (4, 3), (int(rng.integers(3, 6)), 5)):
        yield Case((_training(rng.uniform(0.5, 2, groups * every)), groups * every, every))


def _means_and_reads(means):
    return np.array([_looked_at(mean) for mean in means]), len(strict_cupy.host_reads())


add(
    "14.3",
    log_means,
    _log_cases,
    outputs=("means", "host reads"),
    summary=_means_and_reads,
    mistakes={
        "you read the loss of every step: add up on the GPU, and read the sum once in `every` steps": (
            lambda step, steps, every: _log(step, steps, every, read=float)
        ),
        "the means are still on the GPU: float() brings each to the host, once in `every` steps": (
            lambda step, steps, every: _log(step, steps, every, report=lambda total: total)
        ),
        "the sum goes on from group to group: begin again at 0 after each read": (
            lambda step, steps, every: _log(step, steps, every, keep=True)
        ),
        "these are sums; the mean of a group is its sum divided by `every`": (
            lambda step, steps, every: _log(step, steps, every, divide=False)
        ),
        "you read at the very end: a log is for those who watch, so read after each group": _at_the_end,
        "that is the last loss of each group; the mean of the whole group is asked for": _last_only,
        "you read after the first step of a group, not after its last: (i + 1) % every == 0": (
            lambda step, steps, every: _log(step, steps, every, first=1)
        ),
    },
)
