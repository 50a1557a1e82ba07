# mypy: disable-error-code="no-untyped-def"
"""Lesson 2, linear layers."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _inputs(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The first weight is square: a forgotten transpose fits there, and is told by its numbers and not by a crash."""
    square = int(rng.integers(3, 6))
    shapes = ((2, 3, square), square), ((3, 5), 2), ((2, 1, 3, 4), 6), (tuple(rng.integers(2, 6, 3)), 7)
    for shape, out in (*shapes, ((5,), 3), ((1, 4), 1), ((4, 1), 3)):
        yield rng.standard_normal(shape), rng.standard_normal((shape[-1], out)), rng.standard_normal(out)


# --- 2.1 ---


def linear_forward(x, weight, bias):
    return np.einsum("...i,ij->...j", x, weight) + bias, (x, weight)


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for inputs in _inputs(rng):
        yield Case(inputs)


def _rows_only(x, weight, bias):
    return x.reshape(-1, x.shape[-1]) @ weight + bias, (x, weight)


def _keeps_y(x, weight, bias):
    y = x @ weight + bias
    return y, (y, weight)


add(
    "2.1",
    linear_forward,
    _forward_cases,
    outputs=("y", "x", "weight"),
    mistakes={
        "weight was transposed; it is (in, out), which fits as it is: x @ weight": (
            lambda x, weight, bias: (x @ weight.T + bias, (x, weight))
        ),
        "the factors stand the other way round: x @ weight, the last axis of x meets the first axis of weight": (
            lambda x, weight, bias: (weight @ x + bias, (x, weight))
        ),
        "bias is missing at the end": lambda x, weight, bias: (x @ weight, (x, weight)),
        "bias was added to every product, before the sum; each output gets it once": (
            lambda x, weight, bias: (x @ weight + x.shape[-1] * bias, (x, weight))
        ),
        "bias was added to x; it belongs to the outputs, after the product": (
            lambda x, weight, bias: ((x + bias) @ weight, (x, weight))
        ),
        "the products were averaged; a neuron adds them up": (
            lambda x, weight, bias: (x @ weight / x.shape[-1] + bias, (x, weight))
        ),
        "the leading axes are gone; y has the axes of x, and only the last one changes its length": _rows_only,
        "saved holds y; the backward needs what came in: (x, weight)": _keeps_y,
        "what the backward will need is missing: return y, (x, weight)": lambda x, weight, bias: x @ weight + bias,
        "saved is (x, weight), in this order": lambda x, weight, bias: (x @ weight + bias, (weight, x)),
        "bias was added to the weights; it belongs to the outputs, after the product": (
            lambda x, weight, bias: (x @ (weight + bias), (x, weight))
        ),
    },
)


# --- 2.2 ---


def linear_backward(dy, saved):
    return _backward(dy, saved)


def _backward(dy, saved, *, dx=None, dweight=None, dbias=None):
    """The three gradients; one that is given takes the place of the right one."""
    x, weight = saved
    return (
        np.einsum("...j,ij->...i", dy, weight) if dx is None else dx,
        np.einsum("ri,rj->ij", _rows(x), _rows(dy)) if dweight is None else dweight,
        _rows(dy).sum(0) if dbias is None else dbias,
    )


def _rows(x):
    return x.reshape(-1, x.shape[-1])


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for x, weight, bias in _inputs(rng):
        yield Case((rng.standard_normal((*x.shape[:-1], len(bias))), (x, weight)))


def _averaged(dy, saved):
    dx, dweight, dbias = _backward(dy, saved)
    rows = dy.size // dy.shape[-1]
    return dx, dweight / rows, dbias / rows


def _over_the_batch_only(dy, saved):
    dx, _, _ = _backward(dy, saved)
    return dx, np.einsum("b...i,b...j->...ij", saved[0], dy), dy.sum(0)


def _one_table_per_image(dy, saved):
    x, dy_rows = (one.reshape(len(one), -1, one.shape[-1]) for one in (saved[0], dy))
    return _backward(dy, saved, dweight=x.swapaxes(1, 2) @ dy_rows)


def _in_order(first, second, third, dy, saved):
    gradients = _backward(dy, saved)
    return gradients[first], gradients[second], gradients[third]


def _without_dy(dy, saved):
    return _backward(dy, saved, dweight=_rows(saved[0]).T @ np.ones_like(_rows(dy)))


add(
    "2.2",
    linear_backward,
    _backward_cases,
    outputs=("dx", "dweight", "dbias"),
    mistakes={
        "weight is not transposed in dx; on the way back outputs become inputs: dy @ weight.T": (
            lambda dy, saved: _backward(dy, saved, dx=dy @ saved[1])
        ),
        "dweight came out as (out, in); it has the shape of weight: (in, out)": (
            lambda dy, saved: _backward(dy, saved, dweight=_rows(dy).T @ _rows(saved[0]))
        ),
        ".T turns round all the axes of x; first make one list of rows of x, and one of dy, with reshape": (
            lambda dy, saved: _backward(dy, saved, dweight=saved[0].T @ dy)
        ),
        "dweight and dbias were averaged over the rows; all rows share them, and their gradients add up": _averaged,
        "you summed over the batch only; the tokens share weight and bias too: sum over every axis but the last": (
            _over_the_batch_only
        ),
        "each image has its own dweight; all images share the weight: sum over the batch too": _one_table_per_image,
        "dbias has one axis too many; it has the shape of bias: (out,)": (
            lambda dy, saved: _backward(dy, saved, dbias=_rows(dy).sum(0, keepdims=True))
        ),
        "dbias was averaged over the rows; its gradients add up": (
            lambda dy, saved: _backward(dy, saved, dbias=_rows(dy).mean(0))
        ),
        "dbias was summed over the axes 0 and 1, which fits three axes only: sum over all but the last": (
            lambda dy, saved: _backward(dy, saved, dbias=dy.sum((0, 1)))
        ),
        "dbias was summed over the outputs too; every output has its own bias": (
            lambda dy, saved: _backward(dy, saved, dbias=dy.sum())
        ),
        "dx is a list of rows; give it back the axes of x: reshape it to x.shape": (
            lambda dy, saved: _backward(dy, saved, dx=_rows(dy) @ saved[1].T)
        ),
        "the order is dx, dweight, dbias": lambda dy, saved: _in_order(1, 2, 0, dy, saved),
        "the order is dx, dweight, dbias, as that of the inputs": lambda dy, saved: _in_order(1, 0, 2, dy, saved),
        "the order is dx, dweight, dbias, and not the other way round": (lambda dy, saved: _backward(dy, saved)[::-1]),
        "dy is missing in dweight: x says how y moves, and dy how the loss moves with y": _without_dy,
        "dbias was summed over the outputs; every output has its own bias, and the rows share it": (
            lambda dy, saved: _backward(dy, saved, dbias=_rows(dy).sum(-1))
        ),
        "x.swapaxes(-1, -2) @ dy is a dweight for each image; all rows share the weight: make one list of rows first": (
            lambda dy, saved: _backward(dy, saved, dweight=saved[0].swapaxes(-1, -2) @ dy)
        ),
    },
)
