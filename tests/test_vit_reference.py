"""The whole forward once more, in loops over images, heads and tokens that one can check against the papers by eye."""

import dataclasses
import math

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.gradcheck.cases import MODELS, shaken

ODD = ViTConfig(
    img_size=(6, 8), patch_size=2, in_chans=2, num_classes=5, embed_dim=8, depth=2, num_heads=2, mlp_ratio=1.5,
    layer_norm_eps=0.3,
)  # fmt: skip
CONFIGS = {
    "learned, erf, cls": ODD,
    "sincos2d, tanh, mean, registers": dataclasses.replace(ODD, pos_embed="sincos2d", gelu="tanh", pool="mean", num_registers=3),
    "layer scale, one head": dataclasses.replace(ODD, layer_scale=0.1, num_heads=1, num_registers=1, pool="mean"),
    "conv stem": dataclasses.replace(ODD, stem="conv"),
    "conv stem, tanh": dataclasses.replace(ODD, stem="conv", gelu="tanh"),
    "no class token, norm after pooling": dataclasses.replace(ODD, class_token=False, pool="mean", fc_norm=True),
    "no class token, no norm": dataclasses.replace(ODD, class_token=False, num_registers=2, pool="mean", final_norm=False),
    "distilled": dataclasses.replace(ODD, num_registers=1, pool="cls+dist"),
    "class token and mean, sincos2d": dataclasses.replace(ODD, num_registers=2, pool="cls+mean", pos_embed="sincos2d"),
    "pre-norm, quick": dataclasses.replace(ODD, pre_norm=True, gelu="quick", pool="mean"),
    "attention pooling": dataclasses.replace(ODD, class_token=False, pool="map", gelu="tanh"),
    "attention pooling, prefix": dataclasses.replace(ODD, pool="map", num_registers=1, num_heads=4),
    "no qkv bias, features": dataclasses.replace(ODD, qkv_bias=False, num_classes=0, num_heads=4),
}  # fmt: skip

GELU = {
    "erf": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "tanh": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "quick": lambda x: x / (1 + math.exp(-1.702 * x)),
}


def norm(rows, p, name, eps):
    mean, variance = rows.mean(1, keepdims=True), rows.var(1, keepdims=True)
    return (rows - mean) / np.sqrt(variance + eps) * p[f"{name}.weight"] + p[f"{name}.bias"]


def linear(rows, p, name):
    return rows @ p[f"{name}.weight"] + p.get(f"{name}.bias", 0.0)


def convolution(maps, p, name):
    """(C, H, W) -> (S, H, W): each pixel and its eight neighbours, beyond the edge zeros."""
    _, H, W = maps.shape
    framed = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    places = [[linear(framed[:, i : i + 3, j : j + 3].ravel(), p, name) for j in range(W)] for i in range(H)]
    return np.moveaxis(np.array(places), -1, 0)


def attention(rows, p, name, num_heads):
    q, k, v = np.split(linear(rows, p, f"{name}.qkv"), 3, axis=1)
    outputs, maps = [], []
    for head in np.split(np.arange(q.shape[1]), num_heads):
        scores = np.exp(q[:, head] @ k[:, head].T / math.sqrt(len(head)))
        maps.append(scores / scores.sum(1, keepdims=True))
        outputs.append(maps[-1] @ v[:, head])
    return linear(np.concatenate(outputs, axis=1), p, f"{name}.proj"), maps


def sincos(config, row, column):
    """Half of the numbers say the column, half the row: first all sines, then all cosines of each."""
    clocks = [10000 ** (-i / (config.embed_dim // 4)) for i in range(config.embed_dim // 4)]
    return [f(place * clock) for place in (column, row) for f in (math.sin, math.cos) for clock in clocks]


def reference(config, p, image):
    """(C, H, W) -> logits (K,), or features (D,), and the attention maps (h, N, N) of each block."""
    P, (rows, columns) = config.patch_size, config.grid_size
    if config.stem == "conv":
        for name in ("patch_embed.stem.conv1", "patch_embed.stem.conv2"):
            image = np.vectorize(GELU[config.gelu])(convolution(image, p, name))
    places = [(row, column) for row in range(rows) for column in range(columns)]
    patches = [image[:, row * P : (row + 1) * P, column * P : (column + 1) * P].ravel() for row, column in places]
    prefix = [p[name][0] for name in ("cls_token", "reg_token") if name in p]
    first = len(np.concatenate(prefix)) if prefix else 0  # row of the first patch
    x = np.concatenate([*prefix, linear(np.array(patches), p, "patch_embed.proj")])
    if config.pos_embed == "learned":
        x = x + p["pos_embed"][0]
    else:
        x[first:] += [sincos(config, *place) for place in places]
    if config.pre_norm:
        x = norm(x, p, "norm_pre", config.layer_norm_eps)
    all_maps = []
    for b in (f"blocks.{index}" for index in range(config.depth)):
        branch, maps = attention(norm(x, p, f"{b}.norm1", config.layer_norm_eps), p, f"{b}.attn", config.num_heads)
        x = x + branch * p.get(f"{b}.ls1.gamma", 1.0)
        hidden = linear(norm(x, p, f"{b}.norm2", config.layer_norm_eps), p, f"{b}.mlp.fc1")
        x = x + linear(np.vectorize(GELU[config.gelu])(hidden), p, f"{b}.mlp.fc2") * p.get(f"{b}.ls2.gamma", 1.0)
        all_maps.append(np.array(maps))
    x = norm(x, p, "norm", config.layer_norm_eps) if "norm.weight" in p else x
    if config.pool == "cls+dist":
        return (linear(x[0], p, "head.cls") + linear(x[1], p, "head.dist")) / 2, all_maps
    pooled = {"cls": x[0], "mean": x[first:].mean(0), "cls+mean": np.concatenate([x[0], x[first:].mean(0)])}
    pooled = attention_pool(x[first:], config, p) if config.pool == "map" else pooled[config.pool]
    pooled = norm(pooled[None], p, "fc_norm", config.layer_norm_eps)[0] if config.fc_norm else pooled
    return (linear(pooled, p, "head") if config.num_classes else pooled), all_maps


def attention_pool(patches, config, p):
    """(L, D) -> (D,): the latent asks with its own query, the patches answer."""
    D = config.embed_dim
    query = p["pool.latent"][0] @ p["pool.qkv.weight"][:, :D] + p["pool.qkv.bias"][:D]
    key, value = np.split(patches @ p["pool.qkv.weight"][:, D:] + p["pool.qkv.bias"][D:], 2, axis=1)
    answers = []
    for head in np.split(np.arange(D), config.num_heads):
        scores = np.exp(query[:, head] @ key[:, head].T / math.sqrt(len(head)))
        answers.append(scores / scores.sum() @ value[:, head])
    answer = linear(np.concatenate(answers, axis=1), p, "pool.proj")
    hidden = linear(norm(answer, p, "pool.norm", config.layer_norm_eps), p, "pool.mlp.fc1")
    return (answer + linear(np.vectorize(GELU[config.gelu])(hidden), p, "pool.mlp.fc2"))[0]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_model_is_the_reference(name, rng):
    config = CONFIGS[name]
    model = shaken(VisionTransformer(config, rng=rng), rng)
    images = rng.standard_normal((3, config.in_chans, *config.image_shape))
    wanted = [reference(config, model.parameters(), image) for image in images]
    logits, saved = model.forward(images)
    for method in (logits, model.predict(images)):
        np.testing.assert_allclose(method, [logits for logits, _ in wanted], atol=1e-12, rtol=1e-11)
    for index, weights in enumerate(model.attention(images)):
        np.testing.assert_allclose(weights, [maps[index] for _, maps in wanted], atol=1e-13, rtol=1e-11)
        kept = saved.features.blocks[index].attention_weights  # the last block's may be the class token's row alone
        np.testing.assert_allclose(weights[:, :, : kept.shape[2]], kept, atol=1e-13, rtol=1e-11)


CHANGES = {"gelu": "tanh", "layer_norm_eps": 0.5, "num_heads": 4, "pool": "mean"}


@pytest.mark.parametrize("name", CHANGES)
def test_the_reference_tells_models_apart(name, rng):
    """Each of these leaves the parameters as they are, and must change the logits for the test above to be one."""
    model = shaken(VisionTransformer(ODD, rng=rng), rng)
    image = rng.standard_normal((2, 6, 8))
    one, other = (reference(config, model.parameters(), image)[0] for config in (ODD, dataclasses.replace(ODD, **{name: CHANGES[name]})))  # fmt: skip
    assert np.abs(one - other).max() > 1e-5


@pytest.mark.parametrize("name", MODELS)
def test_attention_shows_what_the_forward_used(name, rng):
    model = shaken(VisionTransformer(MODELS[name], rng=rng), rng)
    images = rng.standard_normal((2, model.config.in_chans, *model.config.image_shape))
    maps, (_, saved) = model.attention(images), model.forward(images)
    assert len(maps) == model.config.depth
    for weights, block in zip(maps, saved.features.blocks, strict=True):
        kept = block.attention_weights
        np.testing.assert_allclose(weights[:, :, : kept.shape[2]], kept, atol=1e-13, rtol=1e-11)
    assert not np.allclose(maps[0], maps[1])
