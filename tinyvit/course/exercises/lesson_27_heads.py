# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, importance of heads."""

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


def _sums_first(mixed, dmixed, num_heads, axes):
    """Products of sums, in place of sums of products."""
    mixed, dmixed = (_apart(x, num_heads).sum(axis=axes, keepdims=True) for x in (mixed, dmixed))
    return np.abs((mixed * dmixed).sum(axis=(1, 3))).mean(axis=0)


def _abs_per_feature(mixed, dmixed, num_heads):
    return _importance(np.abs((mixed * dmixed).sum(axis=1, keepdims=True)), 1.0, num_heads)


def _heads_before_tokens(products, num_heads):
    B, N, D = products.shape
    return products.reshape(B, num_heads, N, D // num_heads).swapaxes(1, 2)


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
        "the importances were divided by their sum; they are asked for as they are": (
            lambda m, d, h: _importance(m, d, h) / _importance(m, d, h).sum()
        ),
        "the importances were divided by their length, as the paper does block by block; here they are asked for as "
        "they are": lambda m, d, h: _importance(m, d, h) / np.linalg.norm(_importance(m, d, h)),
        "the heads lie within each token: (B, N, num_heads, d), not (B, num_heads, N, d)": (
            lambda m, d, h: _importance(m, d, h, apart=_heads_before_tokens)
        ),
        "within one image the features are added with their signs, too; abs comes after that": _abs_per_feature,
        "products of sums; multiply number by number first, then add up": (
            lambda m, d, h: _sums_first(m, d, h, (1, 3))
        ),
        "within a token, too, multiply number by number first, then add up": lambda m, d, h: _sums_first(m, d, h, 3),
        "the mean over images came before the product; each image has a gradient of its own": (
            lambda m, d, h: _importance(m.mean(axis=0, keepdims=True), d.mean(axis=0, keepdims=True), h)
        ),
        "that is the root of a mean of squares; take the mean of absolute values": (
            lambda m, d, h: _importance(m, d, h, end=lambda g: np.sqrt((g * g).mean(axis=0)))
        ),
        "that is how much the gradient varies over the images; take the mean of absolute values": (
            lambda m, d, h: _importance(m, d, h, end=lambda g: g.std(axis=0))
        ),
        "the class token's row is missing; the gate stands before all tokens": (
            lambda m, d, h: _importance(m[:, 1:], d[:, 1:], h)
        ),
        "only the class token was counted; the gate stands before all tokens": (
            lambda m, d, h: _importance(m[:, :1], d[:, :1], h)
        ),
    },
)
