# mypy: disable-error-code="no-untyped-def"
"""Lesson 9, tokens and positions."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 9.1 ---


def prepend_tokens_forward(x, tokens):
    return _in_front(x, tokens), tokens.shape[1]


def _in_front(x, tokens):
    return np.concatenate([np.repeat(tokens, len(x), axis=0), x], axis=1)


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, D, T in ((2, 5, 3, 1), (3, 4, 7, 2), (*rng.integers(2, 6, 3), 3), (1, 4, 5, 2), (3, 0, 4, 2)):
        yield Case((rng.standard_normal((B, L + 1, D)), rng.standard_normal((1, T, D))))


add(
    "9.1",
    prepend_tokens_forward,
    _forward_cases,
    outputs=("y", "T"),
    mistakes={
        "the new tokens stand behind the patches; they go in front": (
            lambda x, tokens: (np.concatenate([x, np.repeat(tokens, len(x), axis=0)], axis=1), tokens.shape[1])
        ),
        "the new tokens were added to the patches; they are rows of their own, so use concatenate": (
            lambda x, tokens: (x + tokens, tokens.shape[1])
        ),
        "the new tokens took the place of the first patches; all patches must stay, behind them": (
            lambda x, tokens: (_in_front(x[:, tokens.shape[1] :], tokens), tokens.shape[1])
        ),
        "the new rows are zeros; the learned tokens belong there": (
            lambda x, tokens: (_in_front(x, np.zeros_like(tokens)), tokens.shape[1])
        ),
        "np.concatenate does not stretch: tokens has one image, x has B, so repeat the tokens B times first": (
            lambda x, tokens: np.concatenate([tokens, x], axis=1)
        ),
        "the axis is missing: without axis=1, np.concatenate puts images behind images": (
            lambda x, tokens: np.concatenate([np.repeat(tokens, len(x), axis=0), x])
        ),
        "the second thing to return is their number, T, and not the tokens": (
            lambda x, tokens: (_in_front(x, tokens), tokens)
        ),
        "T is not always 1: axis 1 counts the tokens, tokens.shape[1]": lambda x, tokens: (_in_front(x, tokens), 1),
        "the second thing to return is the number of new tokens, T, and not the number of patches": (
            lambda x, tokens: (_in_front(x, tokens), x.shape[1])
        ),
        "the second thing to return is the number of new tokens, T, and not of all tokens": (
            lambda x, tokens: (_in_front(x, tokens), tokens.shape[1] + x.shape[1])
        ),
    },
)


# --- 9.2 ---


def prepend_tokens_backward(dy, T):
    return dy[:, T:].copy(), dy[:, :T].sum(0, keepdims=True)


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in _forward_cases(rng):
        y, T = prepend_tokens_forward(*case.arguments)
        yield Case((rng.standard_normal(y.shape), T))


add(
    "9.2",
    prepend_tokens_backward,
    _backward_cases,
    outputs=("dx", "dtokens"),
    mistakes={
        "dtokens is averaged over the images; gradients of what is shared add up": (
            lambda dy, T: (dy[:, T:], dy[:, :T].mean(0, keepdims=True))
        ),
        "you cut behind the first row; T rows were put in front": (
            lambda dy, T: (dy[:, 1:], dy[:, :1].sum(0, keepdims=True))
        ),
        "dtokens is not summed over the images: all of them share the same tokens": (
            lambda dy, T: (dy[:, T:], dy[:, :T])
        ),
        "dtokens is that of the first image only: all images share the tokens, so add theirs up": (
            lambda dy, T: (dy[:, T:], dy[:1, :T])
        ),
        "dtokens lost its first axis: tokens are (1, T, D), and so is their gradient; keepdims=True keeps it": (
            lambda dy, T: (dy[:, T:], dy[:, :T].sum(0))
        ),
        "the tokens were looked for behind the patches; they stand in front": (
            lambda dy, T: (dy[:, :-T], dy[:, -T:].sum(0, keepdims=True))
        ),
        "dx still has the rows of the new tokens; only the patches' rows go back to the patches": (
            lambda dy, T: (dy.copy(), dy[:, :T].sum(0, keepdims=True))
        ),
        "axis 0 counts the images; the new tokens are the first T along axis 1": (
            lambda dy, T: (dy[T:], dy[:T].sum(0, keepdims=True))
        ),
    },
)


# --- 9.3 ---


def add_position_backward(dy, saved):
    return dy.copy(), dy.sum(0, keepdims=True)


def _position_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3, 5), (3, 7, 4), tuple(rng.integers(2, 6, 3)), (1, 4, 3), (3, 1, 5), (2, 5, 1)):
        yield Case((rng.standard_normal(shape), ()))


add(
    "9.3",
    add_position_backward,
    _position_cases,
    outputs=("dx", "dpos_embed"),
    mistakes={
        "dpos_embed is averaged over the images; gradients of what is shared add up": (
            lambda dy, saved: (dy, dy.mean(0, keepdims=True))
        ),
        "dpos_embed is not summed over the images: all of them share one table": lambda dy, saved: (dy, dy),
        "dpos_embed is that of the first image only: all images share the table, so add theirs up": (
            lambda dy, saved: (dy, dy[:1])
        ),
        "dpos_embed lost its first axis: the table is (1, N, D), and so is its gradient; keepdims=True keeps it": (
            lambda dy, saved: (dy, dy.sum(0))
        ),
        "dpos_embed is summed over the places; every place has its own position, the images share it": (
            lambda dy, saved: (dy, dy.sum(1, keepdims=True))
        ),
        "dx is summed too; every image has its own tokens, so dx is dy as it is": (
            lambda dy, saved: (np.repeat(dy.sum(0, keepdims=True), len(dy), axis=0), dy.sum(0, keepdims=True))
        ),
    },
)
