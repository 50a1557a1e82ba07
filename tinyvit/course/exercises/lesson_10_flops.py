# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, FLOPs counted."""

from ..exercise import add
from .lesson_10_counting import _parameter_cases

# --- 10.6 ---


def count_flops(*, img_size, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim):
    return _flops(img_size, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim)


def _flops(
    img_size,
    patch_size,
    in_chans,
    num_classes,
    embed_dim,
    depth,
    hidden_dim,
    *,
    factor=2,
    cls=1,
    products=2,
    qkv=3,
    proj=1,
    layers=2,
    head_rows=0,
    patch_cls=0,
    square=2,
    embedding=1,
    heads=1,
    rest=None,
):
    """`rest`: the factor of what is in no block."""
    D, M, P, K = embed_dim, hidden_dim, patch_size, num_classes
    L = (img_size // P) ** square
    N = L + cls
    attention = N * D * qkv * D + products * N * N * D + proj * N * D * D
    mlp = layers * N * D * M
    head = heads * (N if head_rows else 1) * D * K
    outside = embedding * (L + patch_cls) * in_chans * P * P * D + head
    return (factor if rest is None else rest) * outside + factor * depth * (attention + mlp)


def _spared(*, embed_dim, hidden_dim, img_size, patch_size, **_):
    """FLOPs of the last block that are not needed for one token of N."""
    N = (img_size // patch_size) ** 2 + 1
    return 2 * (N - 1) * (2 * N * embed_dim + embed_dim**2 + 2 * embed_dim * hidden_dim)


def _results(*, img_size, patch_size, num_classes, embed_dim, depth, hidden_dim, **_):
    """How many numbers all the products give."""
    L = (img_size // patch_size) ** 2
    N = L + 1
    return L * embed_dim + num_classes + depth * N * (6 * embed_dim + N + hidden_dim)


def _biases(*, img_size, patch_size, num_classes, embed_dim, depth, hidden_dim, **_):
    L = (img_size // patch_size) ** 2
    return L * embed_dim + num_classes + depth * (L + 1) * (5 * embed_dim + hidden_dim)


add(
    "10.6",
    count_flops,
    _parameter_cases,
    outputs=("count",),
    mistakes={
        "these are multiplications; each comes with an addition, so that is 2 FLOPs each": (
            lambda **numbers: _flops(**numbers, factor=1)
        ),
        "the class token is missing: the blocks work on N = L + 1 tokens": lambda **numbers: _flops(**numbers, cls=0),
        "the two products between tokens are missing: queries with keys, and weights with values": (
            lambda **numbers: _flops(**numbers, products=0)
        ),
        "attention has two products between tokens: queries with keys, and weights with values": (
            lambda **numbers: _flops(**numbers, products=1)
        ),
        "queries, keys and values are three: the first linear layer of attention goes from D to 3 D": (
            lambda **numbers: _flops(**numbers, qkv=1)
        ),
        "attention has a second linear layer, D to D, that mixes what the heads bring": (
            lambda **numbers: _flops(**numbers, proj=0)
        ),
        "the MLP has two linear layers, D to M and M to D": lambda **numbers: _flops(**numbers, layers=1),
        "the head sees the class token's row only, not all tokens": lambda **numbers: _flops(**numbers, head_rows=1),
        "the class token is no patch: the first linear layer works on L patches, not on L + 1": (
            lambda **numbers: _flops(**numbers, patch_cls=1)
        ),
        "the work of a block counts once for each block: times depth": (
            lambda **numbers: _flops(**{**numbers, "depth": 1})
        ),
        "img_size // patch_size patches stand in a row; there are as many rows, so square it": (
            lambda **numbers: _flops(**numbers, square=1)
        ),
        "the patch embedding is missing: L patches of in_chans * patch_size**2 numbers become D numbers each": (
            lambda **numbers: _flops(**numbers, embedding=0)
        ),
        "that is a forward and a backward, three times the work of a forward alone": lambda **numbers: (
            3 * _flops(**numbers)
        ),
        "hidden_dim is given: it is not always 4 D": (
            lambda **numbers: _flops(**{**numbers, "hidden_dim": 4 * numbers["embed_dim"]})
        ),
        "a patch has in_chans numbers for each pixel": lambda **numbers: _flops(**{**numbers, "in_chans": 1}),
        "a patch is patch_size times patch_size pixels: square it": (
            lambda **numbers: int(_flops(**numbers, embedding=1 / numbers["patch_size"]))
        ),
        "the last block brings all its N tokens here; that one is enough is what the library spares": (
            lambda **numbers: _flops(**numbers) - _spared(**numbers)
        ),
        "a sum of b products was counted with b - 1 additions; here each MAC is 2 FLOPs": (
            lambda **numbers: _flops(**numbers) - _results(**numbers)
        ),
        "biases are not counted, only products": lambda **numbers: _flops(**numbers) + _biases(**numbers),
        "the patch embedding and the head have two FLOPs for each MAC, too": lambda **numbers: _flops(
            **numbers, rest=1
        ),
        "the class token takes part in the products between tokens: N², not L²": lambda **numbers: (
            _flops(**numbers)
            - 4
            * numbers["depth"]
            * numbers["embed_dim"]
            * (2 * (numbers["img_size"] // numbers["patch_size"]) ** 2 + 1)
        ),
        "the products between tokens are N² D multiplications each, not N D²": lambda **numbers: _flops(
            **numbers, products=0, qkv=5
        ),
        "the head of the model is missing: one token of D numbers becomes num_classes logits": (
            lambda **numbers: _flops(**numbers, heads=0)
        ),
    },
    not_to_call=("costs",),
)
