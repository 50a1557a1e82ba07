# mypy: disable-error-code="no-untyped-def"
"""Lesson 17, a tape."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..exercise import Case, add

# --- 17.1 ---


def unbroadcast(grad, shape):
    return _fold(grad, shape)


def _fold(grad, shape, *, together=np.sum, lead=True, ones=True, keep=True, left=False):
    extra = grad.ndim - len(shape)
    if lead:
        grad = together(grad, axis=tuple(range(len(shape), grad.ndim) if left else range(extra)))
    if ones:
        stretched = tuple(axis for axis, n in enumerate(shape) if n == 1)
        grad = together(grad, axis=stretched, keepdims=keep)
    return grad


def _fold_cases(rng: np.random.Generator) -> Iterator[Case]:
    for _ in range(2):
        a, b, c, d = (int(n) for n in rng.permutation([2, 3, 4, 5]))
        for full, shape in (
            ((a, b), (b,)),
            ((a, b), (a, 1)),
            ((a, b, c), (b, 1)),
            ((a, b, c, d), (1, c, 1)),
            ((a, b), (a, b)),
            ((a, b), ()),
            ((a, b), (1, 1)),
            ((a, b, c), (1, b, 1)),
            ((1, b), (b,)),
            ((a, 1, c), (1, c)),
        ):
            yield Case((rng.standard_normal(full), shape))


def _one_in_front(grad, shape):
    return _fold(grad.sum(0) if grad.ndim > len(shape) else grad, shape, lead=False)


def _ones_first(grad, shape):
    return _fold(_fold(grad, shape, lead=False), shape, ones=False)


def _first(grad, axis, keepdims=False):
    for one in sorted(axis, reverse=True):
        grad = grad.take([0] if keepdims else 0, axis=one)
    return grad


add(
    "17.1",
    unbroadcast,
    _fold_cases,
    outputs=("grad",),
    mistakes={
        "the copies were averaged; each of them has a share in the loss, so their gradients add up": (
            lambda grad, shape: _fold(grad, shape, together=np.mean)
        ),
        "only the first copy was taken; all copies are the same number, so their gradients add up": (
            lambda grad, shape: _fold(grad, shape, together=_first)
        ),
        "axes of length 1 are still stretched: sum over them too, with keepdims=True": (
            lambda grad, shape: _fold(grad, shape, ones=False)
        ),
        "the new axes in front are still there: sum over the first grad.ndim - len(shape) axes": (
            lambda grad, shape: _fold(grad, shape, lead=False)
        ),
        "only one axis in front was summed away: there are grad.ndim - len(shape) of them": _one_in_front,
        "first the axes in front, then those of length 1: their numbers in `shape` fit only after that": _ones_first,
        "the axes of length 1 were lost: keepdims=True keeps them": lambda grad, shape: _fold(grad, shape, keep=False),
        "you took the extra axes from the end; NumPy lines up shapes at the right, so they are in front": (
            lambda grad, shape: _fold(grad, shape, left=True)
        ),
    },
)


# --- 17.2 ---


def walk_backwards(values, records, dy):
    grads = [np.zeros_like(value) for value in values]
    grads[-1] = dy
    for output, inputs, backward in reversed(records):
        for number, grad in zip(inputs, backward(grads[output]), strict=True):
            grads[number] = grads[number] + grad
    return grads


def _product(values, i, j):
    a, b = values[i], values[j]
    return a * b, lambda dy: (dy * b, dy * a)


def _total(values, i, j):
    return values[i] + values[j], lambda dy: (dy, dy)


def _difference(values, i, j):
    return values[i] - values[j], lambda dy: (dy, -dy)


def _tanh(values, i):
    y = np.tanh(values[i])
    return y, lambda dy: (dy * (1 - y * y),)


def _walk_cases(rng: np.random.Generator) -> Iterator[Case]:
    for _ in range(3):
        values = list(rng.uniform(0.5, 1.5, (3, int(rng.integers(2, 6)))))
        records = []
        plan: list[tuple[Any, ...]] = [(_product, 0, 1), (_total, 3, 2), (_tanh, 4), (_product, 5, 3), (_total, 6, 4)]
        for _ in range(int(rng.integers(1, 4))):
            plan.append((_difference, len(plan) + 2, int(rng.integers(3))))
        plan += [(_product, 0, 2), (_product, len(plan) + 2, len(plan) + 2)]  # one that nobody uses; a square
        for op, *inputs in plan:
            value, backward = op(values, *inputs)
            records.append((len(values), tuple(inputs), backward))
            values.append(value)
        yield Case((values, records, rng.standard_normal(values[0].shape)))


def _walk(values, records, dy, *, turn=reversed, ones=False, overwrite=False, first=False, once=False):
    grads = [np.zeros_like(value) for value in values]
    grads[-1] = np.ones_like(dy) if ones else dy
    for output, inputs, backward in turn(records):
        pairs = list(zip(inputs, backward(grads[output]), strict=True))[: 1 if first else None]
        for number, grad in dict(pairs).items() if once else pairs:
            grads[number] = grad if overwrite else grads[number] + grad
    return grads


def _given_dy(values, records, dy):
    grads = [np.zeros_like(value) for value in values]
    grads[-1] = dy
    for _, inputs, backward in reversed(records):
        for number, grad in zip(inputs, backward(dy), strict=True):
            grads[number] = grads[number] + grad
    return grads


def _one_array_of_zeros(values, records, dy):
    grads = [np.zeros_like(dy)] * len(values)
    grads[-1] = dy
    for output, inputs, backward in reversed(records):
        for number, grad in zip(inputs, backward(grads[output]), strict=True):
            grads[number] += grad
    return grads


def _shared(values, records, dy):
    grads = [None for _ in values]
    grads[-1] = dy
    for output, inputs, backward in reversed(records):
        if grads[output] is None:
            continue
        for number, grad in zip(inputs, backward(grads[output]), strict=True):
            if grads[number] is None:
                grads[number] = grad
            else:
                grads[number] += grad
    return [np.zeros_like(dy) if grad is None else grad for grad in grads]


add(
    "17.2",
    walk_backwards,
    _walk_cases,
    outputs=("grads",),
    mistakes={
        "a gradient was overwritten: a value that is used twice gets two gradients, and they add up": (
            lambda values, records, dy: _walk(values, records, dy, overwrite=True)
        ),
        "a record that uses one value twice, as x * x does, has two gradients for it, and both add up": (
            lambda values, records, dy: _walk(values, records, dy, once=True)
        ),
        "you walked forwards: the last record comes first, use reversed(records)": (
            lambda values, records, dy: _walk(values, records, dy, turn=list)
        ),
        "you started with ones; the gradient of the last value is dy": (
            lambda values, records, dy: _walk(values, records, dy, ones=True)
        ),
        "every backward was given dy; a record's backward needs the gradient of its own output, grads[output]": (
            _given_dy
        ),
        "the gradient of the last value was never set: it is dy, and the walk begins with it": (
            lambda values, records, dy: _walk(values, records, 0 * dy)
        ),
        "[zeros] * n is n times the same array, and `+=` changes all at once: make new zeros for each value": (
            _one_array_of_zeros
        ),
        "the gradients are in the order of the walk; return them in the order of values": (
            lambda values, records, dy: _walk(values, records, dy)[::-1]
        ),
        "only the first input of each record got a gradient": (
            lambda values, records, dy: _walk(values, records, dy, first=True)
        ),
        "`+=` changed an array that two values share (the sum's backward returns dy twice): write a = a + b": _shared,
    },
)
