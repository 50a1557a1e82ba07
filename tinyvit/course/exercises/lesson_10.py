# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, the whole ViT."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 10.1 ---


def block_backward(dy, attn_backward, mlp_backward):
    return _both(dy, attn_backward, mlp_backward)


def _both(dy, first, second, *, first_road=1.0, second_road=1.0):
    """`second` is the branch nearest to the output: the backward meets it first."""
    dx = second_road * dy + second(dy)
    return first_road * dx + first(dx)


def _block_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3, 5), (1, 4, 7), tuple(rng.integers(2, 6, 3)), (3, 1, 4), (2, 5, 1)):
        branches = [_branch(matrix) for matrix in rng.standard_normal((2, shape[-1], shape[-1]))]
        yield Case((rng.standard_normal(shape), *branches))


def _branch(matrix):
    return lambda dy: dy @ matrix


add(
    "10.1",
    block_backward,
    _block_cases,
    outputs=("dx",),
    mistakes={
        "both straight roads are missing: y = x + branch(x), so the gradient also goes past each branch": (
            lambda dy, attn, mlp: _both(dy, attn, mlp, first_road=0.0, second_road=0.0)
        ),
        "the straight road past the MLP branch is missing": lambda dy, attn, mlp: _both(dy, attn, mlp, second_road=0.0),
        "the straight road past the attention branch is missing": (
            lambda dy, attn, mlp: _both(dy, attn, mlp, first_road=0.0)
        ),
        "the attention branch came first; backward begins at the end of the block, so the MLP branch comes first": (
            lambda dy, attn, mlp: _both(dy, mlp, attn)
        ),
        "the attention branch was given dy; it gets du, what the MLP step hands back: dy + mlp_backward(dy)": (
            lambda dy, attn, mlp: dy + mlp(dy) + attn(dy)
        ),
        "past the attention branch goes du, what the MLP step hands back, and not dy once more": (
            lambda dy, attn, mlp: dy + attn(dy + mlp(dy))
        ),
        "the straight roads are missing inside: attn_backward gets du = dy + mlp_backward(dy), and past it goes du": (
            lambda dy, attn, mlp: dy + attn(mlp(dy))
        ),
        "a road is missing inside: attn_backward gets all of du = dy + mlp_backward(dy), not its second half": (
            lambda dy, attn, mlp: dy + mlp(dy) + attn(mlp(dy))
        ),
        "only the straight roads are there; the gradient goes through the branches too": lambda dy, attn, mlp: (
            dy.copy()
        ),
        "the attention branch is missing": lambda dy, attn, mlp: dy + mlp(dy),
        "the MLP branch is missing": lambda dy, attn, mlp: dy + attn(dy),
        "the two roads are averaged; gradients of two roads add up": lambda dy, attn, mlp: _both(dy, attn, mlp) / 4,
    },
)
