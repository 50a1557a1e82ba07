# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, parameters counted."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 10.5 ---


def count_parameters(*, img_size, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim):
    return _parameters(img_size, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim)


def _parameters(
    img_size,
    patch_size,
    in_chans,
    num_classes,
    embed_dim,
    depth,
    hidden_dim,
    *,
    cls_place=1,
    qkv_bias=1,
    proj=1,
    biases=1,
    norms=2,
    last_norm=1,
    norm_numbers=2,
    channels=1,
    square=2,
    positions=1,
    qkv=3,
    head=1,
    input_biases=False,
    side=2,
):
    D, M, P, K = embed_dim, hidden_dim, patch_size, num_classes
    L = (img_size // P) ** square

    def linear(m, n, bias=1):
        return m * n + biases * bias * (m if input_biases else n)

    embedding = linear((in_chans if channels else 1) * P**side, D) + D + positions * (L + cls_place) * D
    norm = norm_numbers * D
    attention = linear(D, qkv * D, qkv_bias) + proj * linear(D, D)
    mlp = linear(D, M) + linear(M, D)
    return embedding + depth * (norms * norm + attention + mlp) + last_norm * norm + head * linear(D, K)


# Patches in a row, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim: no common factors in the first row.
SIZES = ((5, 4, 3, 7, 11, 13, 23), (3, 7, 5, 11, 16, 2, 29), (4, 3, 3, 6, 10, 2, 23), (1, 2, 1, 3, 5, 1, 7))


def _parameter_cases(rng: np.random.Generator) -> Iterator[Case]:
    for side, P, C, K, D, depth, M in (*SIZES, rng.integers(2, 9, 7)):
        P, D, depth, K = int(P), int(D), int(depth), int(K)
        yield Case(
            (),
            {
                "img_size": int(side) * P,
                "patch_size": P,
                "in_chans": int(C),
                "num_classes": K,
                "embed_dim": D,
                "depth": depth,
                "hidden_dim": int(M),
            },
        )


add(
    "10.5",
    count_parameters,
    _parameter_cases,
    outputs=("count",),
    mistakes={
        "a patch is patch_size times patch_size pixels: square it": lambda **numbers: _parameters(**numbers, side=1),
        "in_chans is not always 3": lambda **numbers: _parameters(**{**numbers, "in_chans": 3}),
        "hidden_dim is given: it is not always 4 D": (
            lambda **numbers: _parameters(**{**numbers, "hidden_dim": 4 * numbers["embed_dim"]})
        ),
        "D numbers of each block are missing: the bias of the MLP's second layer, or of attention's": (
            lambda **numbers: _parameters(**numbers) - numbers["depth"] * numbers["embed_dim"]
        ),
        "the MLP has two linear layers, D to M and M to D": (
            lambda **numbers: (
                _parameters(**numbers) - numbers["depth"] * (numbers["hidden_dim"] + 1) * numbers["embed_dim"]
            )
        ),
        "the biases are missing: every linear layer has one number for each of its outputs": (
            lambda **numbers: _parameters(**numbers, biases=0)
        ),
        "D numbers are missing: the class token, or its row 0 of the position table, or the patch embedding's bias": (
            lambda **numbers: _parameters(**numbers, cls_place=0)
        ),
        "2 D numbers of each block are missing: the second layer norm, or a bias of 3 D that has D": lambda **numbers: (
            _parameters(**numbers, norms=1)
        ),
        "2 D numbers are missing: the layer norm behind the last block, or the class token and its place": (
            lambda **numbers: _parameters(**numbers, last_norm=0)
        ),
        "a layer norm has a weight and a bias, 2 D numbers": lambda **numbers: _parameters(**numbers, norm_numbers=1),
        "attention has a second linear layer, D to D, that mixes what the heads bring": (
            lambda **numbers: _parameters(**numbers, proj=0)
        ),
        "the bias of queries, keys and values is missing: 3 D numbers a block": (
            lambda **numbers: _parameters(**numbers, qkv_bias=0)
        ),
        "a patch has in_chans numbers for each pixel": lambda **numbers: _parameters(**numbers, channels=0),
        "the parameters of a block count once for each block: times depth": (
            lambda **numbers: _parameters(**{**numbers, "depth": 1})
        ),
        "img_size // patch_size patches stand in a row; there are as many rows, so square it": (
            lambda **numbers: _parameters(**numbers, square=1)
        ),
        "the positions are missing: a row of D numbers for every token": (
            lambda **numbers: _parameters(**numbers, positions=0)
        ),
        "queries, keys and values are three: this linear layer goes from D to 3 D": (
            lambda **numbers: _parameters(**numbers, qkv=1)
        ),
        "the head of the model is missing: a linear layer from D to num_classes": (
            lambda **numbers: _parameters(**numbers, head=0)
        ),
        "D numbers too many: the class token is counted twice": (
            lambda **numbers: _parameters(**numbers) + numbers["embed_dim"]
        ),
        "the bias of the head is missing: num_classes numbers": (
            lambda **numbers: _parameters(**numbers) - numbers["num_classes"]
        ),
        "the first layer of the MLP has a bias for each of its M outputs, not for its D inputs": (
            lambda **numbers: _parameters(**numbers) + numbers["depth"] * (numbers["embed_dim"] - numbers["hidden_dim"])
        ),
        "the second layer of the MLP has a bias for each of its D outputs, not for its M inputs": (
            lambda **numbers: _parameters(**numbers) + numbers["depth"] * (numbers["hidden_dim"] - numbers["embed_dim"])
        ),
        "the last layer norm comes once, behind all blocks": (
            lambda **numbers: _parameters(**numbers) + 2 * (numbers["depth"] - 1) * numbers["embed_dim"]
        ),
        "positions come once, in front of all blocks": lambda **numbers: (
            _parameters(**numbers)
            + (numbers["depth"] - 1) * ((numbers["img_size"] // numbers["patch_size"]) ** 2 + 1) * numbers["embed_dim"]
        ),
        "all patches share one patch embedding: it counts once": lambda **numbers: (
            _parameters(**numbers)
            + ((numbers["img_size"] // numbers["patch_size"]) ** 2 - 1)
            * (numbers["in_chans"] * numbers["patch_size"] ** 2 + 1)
            * numbers["embed_dim"]
        ),
        "D² + D numbers too many: the head is one linear layer, and no tanh layer stands before it": (
            lambda **numbers: _parameters(**numbers) + numbers["embed_dim"] * (numbers["embed_dim"] + 1)
        ),
        "the layer norms of the blocks are missing": lambda **numbers: _parameters(**numbers, norms=0),
        "all layer norms are missing": lambda **numbers: _parameters(**numbers, norms=0, last_norm=0),
        "a linear layer from m to n has n biases, one for each output, not m": (
            lambda **numbers: _parameters(**numbers, input_biases=True)
        ),
    },
    not_to_call=("costs",),
)
