# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, importance of heads, and the backward of rollout."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 27.4 ---


def head_importance(mixed, dmixed, num_heads):
    return _importance(mixed, dmixed, num_heads)


def _apart(products, num_heads):
    B, N, D = products.shape
    return products.reshape(B, N, num_heads, D // num_heads)


def _importance(mixed, dmixed, num_heads, *, apart=_apart, gates=lambda x: x.sum(axis=(1, 3)), end=None):
    dgates = gates(apart(mixed * dmixed, num_heads))
    return np.abs(dgates).mean(axis=0) if end is None else end(dgates)


def _apart_wrongly(products, num_heads):
    B, N, D = products.shape
    return products.reshape(B, N, D // num_heads, num_heads).swapaxes(2, 3)


def _outputs(rng: np.random.Generator) -> Iterator[Case]:
    for B, N, h, d in ((3, 4, 2, 5), (1, 3, 3, 2), (4, 1, 5, 3), (2, 5, int(rng.integers(2, 5)), 7), (3, 2, 1, 4)):
        yield Case((*rng.standard_normal((2, B, N, h * d)), h))


add(
    "27.4",
    head_importance,
    _outputs,
    outputs=("importance",),
    mistakes={
        "the absolute value is missing": lambda m, d, h: _importance(m, d, h, end=lambda g: g.mean(axis=0)),
        "the absolute value of the mean lets images cancel: first abs, then the mean": (
            lambda m, d, h: _importance(m, d, h, end=lambda g: np.abs(g.mean(axis=0)))
        ),
        "the absolute value came too early: within one image, tokens and features are added with their signs": (
            lambda m, d, h: _importance(m, d, h, gates=lambda x: np.abs(x).sum(axis=(1, 3)))
        ),
        "within one image the tokens are added with their signs; abs comes after that": (
            lambda m, d, h: _importance(m, d, h, gates=lambda x: np.abs(x.sum(axis=3)).sum(axis=1))
        ),
        "over the images it is a mean, not a sum": (
            lambda m, d, h: _importance(m, d, h, end=lambda g: np.abs(g).sum(axis=0))
        ),
        "over tokens and features it is a sum, not a mean": (
            lambda m, d, h: _importance(m, d, h, gates=lambda x: x.mean(axis=(1, 3)))
        ),
        "over the tokens it is a sum, not a mean": (
            lambda m, d, h: _importance(m, d, h, gates=lambda x: x.sum(axis=3).mean(axis=1))
        ),
        "a head's features stand side by side: reshape to (B, N, num_heads, d), not (B, N, d, num_heads)": (
            lambda m, d, h: _importance(m, d, h, apart=_apart_wrongly)
        ),
        "mixed is missing: that is the gradient alone": lambda m, d, h: _importance(np.ones_like(m), d, h),
        "the gradient is missing: that is the size of the outputs alone": (
            lambda m, d, h: _importance(m, np.ones_like(d), h)
        ),
        "the mean over the images is missing: return one number a head": (
            lambda m, d, h: _importance(m, d, h, end=np.abs)
        ),
        "squares were taken in place of absolute values": (
            lambda m, d, h: _importance(m, d, h, end=lambda g: (g * g).mean(axis=0))
        ),
        "only the class token was counted; the gate stands before all tokens": (
            lambda m, d, h: _importance(m[:, :1], d[:, :1], h)
        ),
    },
)

# --- 27.5 ---


def rollout_backward(drollout, attention):
    return _grads(drollout, attention)


def _turned(x):
    return x.swapaxes(-1, -2)


def _grads(
    drollout, attention, *, identity=1.0, half=2.0, heads=True, back=_turned, inner=_turned, upward=True, share=True
):
    eye = np.eye(drollout.shape[-1])
    mixings = [(weights.mean(axis=1) + identity * eye) / half for weights in attention]
    inputs = [np.broadcast_to(eye, drollout.shape)]
    for mixing in mixings[:-1]:
        inputs.append(mixing @ inputs[-1] if upward else inputs[-1] @ mixing)
    grads = []
    for weights, mixing, x in zip(attention[::-1], mixings[::-1], inputs[::-1], strict=True):
        h = weights.shape[1]
        dmixing = drollout @ inner(x) / half / (h if share else 1)
        grads.append(np.repeat(dmixing[:, None], h if heads else 1, axis=1))
        drollout = back(mixing) @ drollout
    return grads[::-1]


def _one_step(drollout, attention):
    """The gradient of every block as if it were the last one."""
    return [_grads(drollout, attention[: block + 1])[-1] for block in range(len(attention))]


def _first_only(drollout, attention):
    """What each block got is left out."""
    return _grads(drollout, attention, inner=lambda x: np.eye(x.shape[-1]))


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
        "the last half is missing: M is half of the mean map, so the map's gradient is half of M's": (
            lambda d, a: [2 * grad for grad in _grads(d, a)]
        ),
    },
)
