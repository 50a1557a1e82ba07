# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, equations 1 to 4 of the ViT paper."""

from collections.abc import Iterator

import numpy as np

from ... import ops
from ..exercise import Case, add

# --- 27.1 ---


def class_representation(patches, p, blocks, num_heads):
    return _y(patches, p, blocks, num_heads)


def _norm(x, pair):
    return ops.layer_norm_forward(x, *pair)[0]


def _linear(x, pair):
    return ops.linear_forward(x, *pair)[0]


def _attention(x, block, num_heads):
    return _linear(ops.attention_forward(_linear(x, block["qkv"]), num_heads=num_heads)[0], block["proj"])


def _gelu(x):
    return ops.gelu_forward(x)[0]


def _mlp(x, block, bend=_gelu):
    return _linear(bend(_linear(x, block["fc1"])), block["fc2"])


def _tokens(patches, p, *, bias=True, position=True, class_position=True, first=True):
    x = _linear(patches, p["E"]) - (0.0 if bias else p["E"][1])
    x_class = np.broadcast_to(p["x_class"], (len(x), 1, x.shape[2]))
    E_pos = p["E_pos"] * position
    if not class_position:
        return np.concatenate([x_class, x + E_pos[:, 1:]], axis=1)
    return np.concatenate([x_class, x] if first else [x, x_class], axis=1) + E_pos


def _block(
    z, block, num_heads, *, bend=_gelu, norms=(True, True), skips=(True, True), order="pre", names=("norm1", "norm2")
):
    block = block | {"norm1": block[names[0]], "norm2": block[names[1]]}
    a = _norm(z, block["norm1"]) if norms[0] else z
    middle = _attention(a, block, num_heads) + (z if skips[0] else 0.0)
    if order == "past both":
        return _mlp(_norm(middle, block["norm2"]), block) + z
    if order == "bend behind":
        return _gelu(_mlp(_norm(middle, block["norm2"]), block, lambda x: x)) + middle
    if order == "side by side":
        return middle + _mlp(_norm(z, block["norm2"]), block)
    if order == "swapped":
        middle = _mlp(_norm(z, block["norm2"]), block) + z
        return _attention(_norm(middle, block["norm1"]), block, num_heads) + middle
    if order == "post":
        middle = _norm(_attention(z, block, num_heads) + z, block["norm1"])
        return _norm(_mlp(middle, block) + middle, block["norm2"])
    if order == "skip the input":
        middle = middle - z + a
        return middle + _mlp(_norm(middle, block["norm2"]), block)
    m = _norm(middle, block["norm2"]) if norms[1] else middle
    return _mlp(m, block, bend) + (middle if skips[1] else 0.0)


def _y(patches, p, blocks, num_heads, *, embed=None, norm=True, row=0, pool=None, **changes):
    z = _tokens(patches, p, **(embed or {}))
    for block in blocks:
        z = _block(z, block, num_heads, **changes)
    z = z[:, row] if pool is None else pool(z)
    return _norm(z, p["norm"]) if norm else z


def _normed_in_each(patches, p, blocks, num_heads):
    z = _tokens(patches, p)
    for block in blocks:
        z = _norm(_block(z, block, num_heads), p["norm"])
    return z[:, 0]


def _placed_in_each(patches, p, blocks, num_heads):
    z = _tokens(patches, p, position=False)
    for block in blocks:
        z = _block(z + p["E_pos"], block, num_heads)
    return _norm(z[:, 0], p["norm"])


def _shifted(patches, p, blocks, num_heads):
    """The patches have the rows of E_pos from row 0 on, the class token has none."""
    moved = np.concatenate([0 * p["E_pos"][:, :1], p["E_pos"][:, :-1]], axis=1)
    return _y(patches, p | {"E_pos": moved}, blocks, num_heads)


def _tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _no_projection(patches, p, blocks, num_heads):
    plain = (np.eye(p["x_class"].shape[2]), np.zeros(p["x_class"].shape[2]))
    return _y(patches, p, [block | {"proj": plain} for block in blocks], num_heads)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, S, d, h, M, depth in ((2, 3, 5, 2, 2, 7, 2), (1, 4, 3, 3, 2, 5, 1), (3, 2, 4, 2, 3, 4, 3)):
        yield Case(_drawn(rng, B, L, S, d * h, h, M, depth))
    yield Case(_drawn(rng, 2, int(rng.integers(2, 6)), 6, 4, 2, 9, 2))


def _drawn(rng, B, L, S, D, h, M, depth):
    def pair(*shape):
        return rng.standard_normal(shape) / shape[0] ** 0.5, 0.3 * rng.standard_normal(shape[-1])

    def norm():
        return rng.uniform(0.5, 1.5, D), 0.3 * rng.standard_normal(D)

    blocks = [
        {"norm1": norm(), "qkv": pair(D, 3 * D), "proj": pair(D, D)}
        | {"norm2": norm(), "fc1": pair(D, M), "fc2": pair(M, D)}
        for _ in range(depth)
    ]
    p = {"E": pair(S, D), "x_class": rng.standard_normal((1, 1, D)), "norm": norm()}
    return rng.standard_normal((B, L, S)), p | {"E_pos": rng.standard_normal((1, L + 1, D))}, blocks, h


add(
    "27.1",
    class_representation,
    _cases,
    outputs=("y",),
    not_to_call=("vit.py", "layers/"),
    mistakes={
        "(1): the positions are not added": lambda *given: _y(*given, embed={"position": False}),
        "(1): the class token gets a position, too: E_pos has a row for it, the first one": (
            lambda *given: _y(*given, embed={"class_position": False})
        ),
        "(1): the bias of E is missing: the paper writes none, our model has one": (
            lambda *given: _y(*given, embed={"bias": False})
        ),
        "(1): the class token stands in front of the patches, and not behind them": (
            lambda *given: _y(*given, embed={"first": False})
        ),
        "(2): + z is missing: attention is added to the tokens": lambda *given: _y(*given, skips=(False, True)),
        "(3): + z is missing: the MLP is added to the tokens": lambda *given: _y(*given, skips=(True, False)),
        "(2) and (3): + z is missing in both": lambda *given: _y(*given, skips=(False, False)),
        "(2): the layer norm in front of attention is missing": lambda *given: _y(*given, norms=(False, True)),
        "(3): the layer norm in front of the MLP is missing": lambda *given: _y(*given, norms=(True, False)),
        "(2) and (3): the layer norms stand in front, inside the branch, and not behind the sum": (
            lambda *given: _y(*given, order="post")
        ),
        "(2): what is added is z itself, and not LN(z)": lambda *given: _y(*given, order="skip the input"),
        "(3): the MLP takes what (2) has made, and not what (2) began with": (
            lambda *given: _y(*given, order="side by side")
        ),
        "attention comes first, then the MLP": lambda *given: _y(*given, order="swapped"),
        "(3): the GELU between the two layers is missing": lambda *given: _y(*given, bend=lambda x: x),
        "(2) has norm1 and (3) has norm2: they have changed places": (
            lambda *given: _y(*given, names=("norm2", "norm1"))
        ),
        "(3): its layer norm has numbers of its own, norm2": lambda *given: _y(*given, names=("norm1", "norm1")),
        "(3): past the MLP goes what (2) has made, and not what (2) began with": (
            lambda *given: _y(*given, order="past both")
        ),
        "(3): GELU stands between the two layers, and not behind them": (
            lambda *given: _y(*given, order="bend behind")
        ),
        "(3): that is GELU's tanh approximation; ops.gelu_forward has the exact one": (
            lambda *given: _y(*given, bend=_tanh_gelu)
        ),
        "(1): row 0 of E_pos is the class token's, and the patches have the rows behind it": _shifted,
        "(1): E_pos is added once, before the first block": _placed_in_each,
        "(4): that layer norm comes once, behind the last block": _normed_in_each,
        "(4): y is the class token's row, and not the mean of the patches": (
            lambda *given: _y(*given, pool=lambda z: z[:, 1:].mean(1))
        ),
        "(4): y is the class token's row; the mean of the patches' rows is another way to pool": (
            lambda *given: _y(*given, pool=lambda z: z)[:, 1:].mean(1)
        ),
        "(3): that is a ReLU; the paper has GELU": lambda *given: _y(*given, bend=lambda x: np.maximum(x, 0)),
        "(2): U_msa is missing: `proj` mixes the heads' outputs": _no_projection,
        "(4): the last layer norm is missing": lambda *given: _y(*given, norm=False),
        "(4): y is the class token's row, number 0, and not the last one": lambda *given: _y(*given, row=-1),
        "(4): y is the class token's row, number 0; row 1 is the first patch": lambda *given: _y(*given, row=1),
        "(4): y is the class token's row, and not the mean of all": lambda *given: _y(*given, pool=lambda z: z.mean(1)),
        "(4): y is one row of each image; those are all of them": lambda *given: _y(*given, pool=lambda z: z),
        "the last block is missing": lambda patches, p, blocks, h: _y(patches, p, blocks[:-1], h),
        "only the first block was used": lambda patches, p, blocks, h: _y(patches, p, blocks[:1], h),
        "the blocks came in the wrong order": lambda patches, p, blocks, h: _y(patches, p, blocks[::-1], h),
        "there are num_heads heads, and not one": lambda patches, p, blocks, h: _y(patches, p, blocks, 1),
    },
)
