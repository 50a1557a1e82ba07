# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, the backward of a branch with adaLN-Zero."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 22.4 ---


def branch_backward(dy, saved):
    return _backward(dy, saved)


def branch_forward(h, shift, scale, gate, weight):
    u = h * (1 + scale[:, None]) + shift[:, None]
    v = u @ weight
    return v * gate[:, None], (h, scale, u, weight, v, gate)


def _backward(dy, saved, *, one=1, gated=True, turned=True, together=lambda x: x.sum(1)):
    h, scale, u, weight, v, gate = saved
    D = h.shape[-1]
    dv = dy * gate[:, None] if gated else dy
    du = dv @ (weight.T if turned else weight)
    dweight = u.reshape(-1, D).T @ dv.reshape(-1, D)
    return du * (one + scale[:, None]), together(du), together(du * h), together(dy * v), dweight


def _with(number, value):
    """The right backward, with another gradient in one place."""

    def backward(dy, saved):
        grads = list(_backward(dy, saved))
        grads[number] = value(dy, saved)
        return tuple(grads)

    return backward


def _dv(dy, saved):
    return dy * saved[5][:, None]


def _du(dy, saved):
    return _dv(dy, saved) @ saved[3].T


def _gated_twice(dy, saved):
    h, scale, *_, gate = saved
    du = _du(dy, saved) * gate[:, None]
    return du * (1 + scale[:, None]), du.sum(1), (du * h).sum(1)


def _outer(u, dv):
    return u.reshape(-1, u.shape[-1]).T @ dv.reshape(-1, u.shape[-1])


def _branch_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, N, D in ((2, 3, 4), (1, 5, 3), (3, 1, 2), (4, 4, 4), (2, 7, 1)):
        h, (shift, scale, gate) = rng.standard_normal((B, N, D)), rng.uniform(0.3, 1.7, (3, B, D))
        y, saved = branch_forward(h, shift, scale, gate, rng.standard_normal((D, D)))
        yield Case((rng.standard_normal(y.shape), saved))


add(
    "22.4",
    branch_backward,
    _branch_cases,
    outputs=("dh", "dshift", "dscale", "dgate", "dweight"),
    mistakes={
        "dh is du times 1 + scale; the 1 is missing": lambda dy, saved: _backward(dy, saved, one=0),
        "dh is du itself; in the forward h was multiplied by 1 + scale": _with(0, _du),
        "the gate is missing on the way down: dv = dy * gate": lambda dy, saved: _backward(dy, saved, gated=False),
        "the weight must be transposed on the way back: du = dv @ weight.T": (
            lambda dy, saved: _backward(dy, saved, turned=False)
        ),
        "shift, scale and gate are averaged over the tokens; gradients of what is shared add up": (
            lambda dy, saved: _backward(dy, saved, together=lambda x: x.mean(1))
        ),
        "shift, scale and gate belong to one image each, for all of its tokens: sum over axis 1, and keep the images "
        "apart": lambda dy, saved: _backward(dy, saved, together=lambda x: x.sum(0)),
        "shift, scale and gate were summed over the images, too; each image has its own: sum over axis 1 alone": (
            lambda dy, saved: _backward(dy, saved, together=lambda x: x.sum((0, 1)))
        ),
        "shift, scale and gate still have one row a token; all tokens of an image share them: sum over axis 1": (
            lambda dy, saved: _backward(dy, saved, together=lambda x: x)
        ),
        "dgate is the sum of dy * v: what the gate multiplied is v, not u": _with(
            3, lambda dy, saved: (dy * saved[2]).sum(1)
        ),
        "dgate has the gate in it; dy comes from above the gate, so it is the sum of dy * v": _with(
            3, lambda dy, saved: (_dv(dy, saved) * saved[4]).sum(1)
        ),
        "dscale is the sum of du * h: what 1 + scale multiplied is h, not u": _with(
            2, lambda dy, saved: (_du(dy, saved) * saved[2]).sum(1)
        ),
        "dshift is the sum of du, of the gradient below the linear layer": _with(
            1, lambda dy, saved: _dv(dy, saved).sum(1)
        ),
        "dscale was made with the gradient above the linear layer; scale stands below it: du * h": _with(
            2, lambda dy, saved: (_dv(dy, saved) * saved[0]).sum(1)
        ),
        "dscale is the sum of du * h over the tokens, and not the product of two sums": _with(
            2, lambda dy, saved: _du(dy, saved).sum(1) * saved[0].sum(1)
        ),
        "dscale has 1 + scale, which belongs to dh; what 1 + scale multiplied is h: du * h": _with(
            2, lambda dy, saved: (_du(dy, saved) * (1 + saved[1][:, None])).sum(1)
        ),
        "dgate is the sum of dy alone; what the gate multiplied is v": _with(3, lambda dy, saved: dy.sum(1)),
        "dshift was made with dh; shift was added to u, so it gets du": _with(
            1, lambda dy, saved: _backward(dy, saved)[0].sum(1)
        ),
        "dshift and dscale were made with dh; both stand in u, so they get du": lambda dy, saved: (
            (dh := _backward(dy, saved)[0]),
            dh.sum(1),
            (dh * saved[0]).sum(1),
            *_backward(dy, saved)[3:],
        ),
        "du was made with dy; what comes to the linear layer is dv, after the gate": lambda dy, saved: (
            *_backward(dy, saved, gated=False)[:3],
            *_backward(dy, saved)[3:],
        ),
        "the gate is in dv, and was multiplied once more below the linear layer": lambda dy, saved: (
            *_gated_twice(dy, saved),
            *_backward(dy, saved)[3:],
        ),
        "shift, scale and gate were summed over their features; all tokens of an image share them: sum over axis 1": (
            lambda dy, saved: _backward(dy, saved, together=lambda x: x.sum(2))
        ),
        "dh has dy in it; the residual connection is outside of the branch": _with(
            0, lambda dy, saved: dy + _backward(dy, saved)[0]
        ),
        "dweight was averaged over the images; gradients of what is shared add up": _with(
            4, lambda dy, saved: _backward(dy, saved)[4] / len(dy)
        ),
        "dweight was made with h; what goes into the linear layer is u": _with(
            4, lambda dy, saved: _outer(saved[0], _dv(dy, saved))
        ),
        "dweight was made with dy; the linear layer gets dv, after the gate": _with(
            4, lambda dy, saved: _outer(saved[2], dy)
        ),
        "dweight is transposed: u.T @ dv has the inputs in rows": _with(
            4, lambda dy, saved: _outer(saved[2], _dv(dy, saved)).T
        ),
        "dweight is one matrix for each image; all images share the weight: add them up": _with(
            4, lambda dy, saved: saved[2].swapaxes(1, 2) @ _dv(dy, saved)
        ),
    },
)
