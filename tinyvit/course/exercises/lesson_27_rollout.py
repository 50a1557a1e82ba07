# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, the backward of rollout."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 27.5 ---


def rollout_backward(drollout, attention):
    return _grads(drollout, attention)


def _turned(x):
    return x.swapaxes(-1, -2)


def _grads(
    drollout,
    attention,
    *,
    identity=1.0,
    half=2.0,
    heads=True,
    back=_turned,
    inner=_turned,
    upward=True,
    share=True,
    early=0,
    late=False,
    right=False,
):
    """`early`: 1 if what a block gave is taken for what it got; `late`: dM is taken below M; `right`: sides changed."""
    eye = np.eye(drollout.shape[-1])
    mixings = [(weights.mean(axis=1) + identity * eye) / half for weights in attention]
    inputs = [np.broadcast_to(eye, drollout.shape)]
    for mixing in mixings:
        inputs.append(mixing @ inputs[-1] if upward else inputs[-1] @ mixing)
    grads = []
    for weights, mixing, x in zip(attention[::-1], mixings[::-1], inputs[early:][: len(mixings)][::-1], strict=True):
        h = weights.shape[1]
        below = drollout @ back(mixing) if right else back(mixing) @ drollout
        drollout, above = below, below if late else drollout
        dmixing = (inner(x) @ above if right else above @ inner(x)) / half / (h if share else 1)
        grads.append(np.repeat(dmixing[:, None], h if heads else 1, axis=1))
    return grads[::-1]


def _one_step(drollout, attention):
    """The gradient of every block as if it were the last one."""
    return [_grads(drollout, attention[: block + 1])[-1] for block in range(len(attention))]


def _first_only(drollout, attention):
    """What each block got is left out."""
    return _grads(drollout, attention, inner=lambda x: np.eye(x.shape[-1]))


def _through_sums(drollout, attention):
    """The sums of the rows move with their numbers."""
    grads = _grads(drollout, attention)
    mixings = [(weights.mean(axis=1) + np.eye(drollout.shape[-1])) / 2 for weights in attention]
    return [
        grad - (grad * mixing[:, None]).sum(axis=-1, keepdims=True) for grad, mixing in zip(grads, mixings, strict=True)
    ]


def _blocks(rng: np.random.Generator) -> Iterator[Case]:
    for B, N, heads in ((2, 4, (3, 2, 2)), (1, 3, (2, 3)), (3, 5, (2,)), (2, 3, (1, 4, 2, 3)), (1, 4, (3, 3))):
        attention = [np.exp(rng.standard_normal((B, h, N, N))) for h in heads]
        attention = [weights / weights.sum(axis=-1, keepdims=True) for weights in attention]
        yield Case((rng.standard_normal((B, N, N)), attention))


add(
    "27.5",
    rollout_backward,
    _blocks,
    outputs=("dattention",),
    mistakes={
        "the order: the list begins with the first block": lambda d, a: _grads(d, a)[::-1],
        "the identity is missing in the blocks: M is half of the mean and the identity together": (
            lambda d, a: _grads(d, a, identity=0.0)
        ),
        "the half is missing": lambda d, a: _grads(d, a, half=1.0),
        "each head has a share of 1/h in the mean, so its gradient is divided by h": (
            lambda d, a: _grads(d, a, share=False)
        ),
        "going down, M must be transposed": lambda d, a: _grads(d, a, back=lambda x: x),
        "what the block got must be transposed": lambda d, a: _grads(d, a, inner=lambda x: x),
        "going down, the gradient must be multiplied by each block's M": _one_step,
        "each dM is a product with what the block got": _first_only,
        "going up, the later block stands to the left": lambda d, a: _grads(d, a, upward=False),
        "every head gets a gradient: that is one for each block": lambda d, a: _grads(d, a, heads=False),
        "dM takes the gradient from above the block; yours has gone down through its M already": (
            lambda d, a: _grads(d, a, late=True)
        ),
        "the sides: Y = M X gives dM = dY Xᵀ and dX = Mᵀ dY": lambda d, a: _grads(d, a, right=True),
        "dM takes what the block got, and not what it gave": lambda d, a: _grads(d, a, early=1),
        "the 2 is a number that does not change; you let the rows' sums move with the scores": _through_sums,
        "each block has its own number of heads: divide by that": lambda d, a: [
            grad * grad.shape[1] / a[0].shape[1] for grad in _grads(d, a)
        ],
        "all heads of a block get the same: how much each looks has no part in it": lambda d, a: [
            grad * weights for grad, weights in zip(_grads(d, a), a, strict=True)
        ],
        "each image has a rollout of its own; nothing is averaged over the images": lambda d, a: [
            grad / len(d) for grad in _grads(d, a)
        ],
        "the last half is missing: M is half of the mean map, so the map's gradient is half of M's": (
            lambda d, a: [2 * grad for grad in _grads(d, a)]
        ),
    },
)
