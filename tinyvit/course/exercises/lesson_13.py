# mypy: disable-error-code="no-untyped-def"
"""Lesson 13, looking inside."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _attention(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random weights whose rows add up to 1, each head with a sharpness of its own."""
    weights = np.exp(2 * rng.standard_normal(shape))
    return weights / weights.sum(-1, keepdims=True)


# --- 13.1 ---


def attention_rollout(attention):
    return _rollout(attention)


def _rollout(attention, *, heads=np.mean, straight=1.0, total_over=-1, axis=1, mix=np.matmul):
    identity = np.eye(attention[0].shape[-1])
    rollout = identity
    for weights in attention:
        mixing = heads(weights, axis=axis) + straight * identity
        if total_over is not None:
            mixing = mixing / mixing.sum(total_over, keepdims=True)
        rollout = mix(mixing, rollout)
    return rollout


def _rollout_cases(rng: np.random.Generator) -> Iterator[Case]:
    for depth, B, h, N in (
        (2, 1, 3, 4),
        (3, 2, 2, 5),
        (1, 2, 3, 4),
        (2, 3, 1, 4),
        (4, *(int(n) for n in rng.integers(2, 7, 3))),
    ):
        yield Case(([_attention(rng, (B, h, N, N)) for _ in range(depth)],))


add(
    "13.1",
    attention_rollout,
    _rollout_cases,
    outputs=("rollout",),
    mistakes={
        "the last block is missing: look at where your loop ends": lambda attention: (
            _rollout(attention[:-1]) if attention[1:] else np.eye(attention[0].shape[-1])
        ),
        "it returned after the first block: the return belongs behind the loop, less indented": (
            lambda attention: _rollout(attention[:1])
        ),
        "the straight road is missing: every token keeps itself, so the identity is added to each block's map": (
            lambda attention: _rollout(attention, straight=0.0)
        ),
        "the order is the wrong way round: a later block's matrix stands to the left of the earlier ones": (
            lambda attention: _rollout(attention[::-1])
        ),
        "the rows are not divided by their sum: after the identity is added, each adds up to 2": (
            lambda attention: _rollout(attention, total_over=None)
        ),
        "you divided by the sums of the columns; it is the rows that must add up to 1": (
            lambda attention: _rollout(attention, total_over=-2)
        ),
        "each image was divided by the sum of its whole matrix; every row has a sum of its own": (
            lambda attention: _rollout(attention, total_over=(-1, -2))
        ),
        "the axis of the heads is still there: take the mean over axis 1": (
            lambda attention: _rollout(attention, heads=lambda weights, axis: weights)
        ),
        "axis 0 are the images; the heads are axis 1": lambda attention: _rollout(attention, axis=0),
        "`*` multiplies number by number; one block after another is a product of matrices, `@`": (
            lambda attention: _rollout(attention, mix=np.multiply)
        ),
        "those are the rollouts after each block; return the last of them": (
            lambda attention: [_rollout(attention[: block + 1]) for block in range(len(attention))]
        ),
        "the heads were added up; take their mean": lambda attention: _rollout(attention, heads=np.sum),
        "that is the last block only; multiply the matrices of all blocks": lambda attention: _rollout(attention[-1:]),
    },
    not_to_call=("plots/",),
)

# --- 13.2 ---


def mean_attention_distance(weights, grid_size, patch_size):
    return _distance(weights, grid_size, patch_size)


def _euclidean(steps):
    return np.sqrt((steps**2).sum(-1))


def _distance(
    weights, grid_size, patch_size, *, length=_euclidean, shares=-1, columns=None, over=(0, 2), together=np.sum
):
    rows, columns = grid_size[0], grid_size[1] if columns is None else columns
    place = np.arange(rows * grid_size[1])
    centre = patch_size * np.stack([place // columns, place % columns], axis=-1)
    distance = length(centre[:, None] - centre)
    weights = weights[:, :, 1:, 1:]
    if shares is not None:
        weights = weights / weights.sum(shares, keepdims=True)
    return together(weights * distance, axis=-1).mean(over)


def _distance_cases(rng: np.random.Generator) -> Iterator[Case]:
    free = (int(rng.integers(2, 4)), int(rng.integers(4, 6)))
    for grid_size, patch_size, heads in (((2, 3), 4, 3), ((4, 3), 7, 2), (free, 5, 3), ((3, 1), 2, 1)):
        N = 1 + grid_size[0] * grid_size[1]
        yield Case((_attention(rng, (2, heads, N, N)), grid_size, patch_size))


add(
    "13.2",
    mean_attention_distance,
    _distance_cases,
    outputs=("distance",),
    mistakes={
        "without the class token a row no longer adds up to 1: divide it by its new sum": (
            lambda weights, grid_size, patch_size: _distance(weights, grid_size, patch_size, shares=None)
        ),
        "you divided by the sums of the columns; it is the rows that must add up to 1": (
            lambda weights, grid_size, patch_size: _distance(weights, grid_size, patch_size, shares=-2)
        ),
        "over the patches j it is a sum, not a mean: the weights of a row already add up to 1": (
            lambda weights, grid_size, patch_size: _distance(weights, grid_size, patch_size, together=np.mean)
        ),
        "that is in patches; times patch_size makes pixels of it": (
            lambda weights, grid_size, patch_size: _distance(weights, grid_size, 1)
        ),
        "the square root is missing: those are squared distances": (
            lambda weights, grid_size, patch_size: _distance(
                weights, grid_size, patch_size, length=lambda steps: (steps**2).sum(-1)
            )
        ),
        "you added up steps down and steps across; the straight line is sqrt(down² + across²)": (
            lambda weights, grid_size, patch_size: _distance(
                weights, grid_size, patch_size, length=lambda steps: np.abs(steps).sum(-1)
            )
        ),
        "patches are in reading order: place n lies in row n // columns and in column n % columns": (
            lambda weights, grid_size, patch_size: _distance(weights, grid_size, patch_size, columns=grid_size[0])
        ),
        "you took the mean over the heads too; there is one number for each head": (
            lambda weights, grid_size, patch_size: _distance(weights, grid_size, patch_size, over=(0, 1, 2))
        ),
    },
)

# --- 13.3 ---


def position_similarity(pos_embed):
    return _similarity(pos_embed)


def _similarity(pos_embed, *, first=1, last=None, over=-1, power=1):
    vectors = pos_embed[0, first:last]
    lengths = 1.0 if over is None else np.sqrt((vectors**2).sum(over, keepdims=True))
    vectors = vectors / lengths**power
    return vectors @ vectors.T


def _divided_once(pos_embed):
    vectors = pos_embed[0, 1:]
    return vectors @ vectors.T / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _of_columns(pos_embed):
    vectors = pos_embed[0, 1:]
    directions = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return directions.T @ directions


def _similarity_cases(rng: np.random.Generator) -> Iterator[Case]:
    for L, D in ((3, 5), (6, 4), tuple(int(n) for n in rng.integers(4, 9, 2)), (1, 4)):
        yield Case((rng.uniform(0.5, 3, (1, L + 1, 1)) * rng.standard_normal((1, L + 1, D)),))


add(
    "13.3",
    position_similarity,
    _similarity_cases,
    outputs=("similarity",),
    mistakes={
        "row 0 is the class token's; it has no place in the image": lambda pos_embed: _similarity(pos_embed, first=0),
        "those are dot products; divide each vector by its length": lambda pos_embed: _similarity(pos_embed, over=None),
        "the length is the square root of the sum of squares": lambda pos_embed: _similarity(pos_embed, power=2),
        "the class token's row is the first one, not the last": lambda pos_embed: _similarity(
            pos_embed, first=0, last=-1
        ),
        "a product has two vectors in it: divide by both lengths": _divided_once,
        "that compares the D columns; a position is a row: the second factor is transposed": _of_columns,
        "the lengths were taken over the wrong axis; a position is a row of D numbers": (
            lambda pos_embed: _similarity(pos_embed, over=0)
        ),
        "each row is divided by its own length, not by that of the whole table": (
            lambda pos_embed: _similarity(pos_embed, over=(0, 1))
        ),
    },
    not_to_call=("plots/",),
)
