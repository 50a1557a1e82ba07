"""Dropout and drop path: where they are at work in a model, how strongly, and that each tosses its own coins."""

import dataclasses

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.layers import Block, LayerNorm

CONFIG = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=4, num_heads=2)


def forward(rng, **rates):
    model = shaken(VisionTransformer(dataclasses.replace(CONFIG, **rates), rng=rng), rng)
    images = rng.standard_normal((16, 1, 8, 8))
    logits, saved = model.forward(images, rng=np.random.default_rng(7))
    assert np.abs(logits - model.predict(images)).max() > 1e-3
    return saved, [branch for block in saved.features.blocks for branch in (block.attn, block.mlp)]


def test_dropout_is_at_work_in_the_embedding_and_every_branch(rng):
    saved, branches = forward(rng, drop_rate=0.25, pool="mean")  # all tokens to the end
    masks = [saved.features.embed.drop, *(branch.drop for branch in branches)]
    assert len(masks) == 9
    for mask in masks:
        assert mask.scale.shape == (16, 5, 8)
        assert (mask.scale == 0).mean() == pytest.approx(0.25, abs=0.08)
        np.testing.assert_allclose(mask.scale[mask.scale > 0], 1 / 0.75)
    assert len({mask.scale.tobytes() for mask in masks}) == 9
    assert all(branch.drop_path is None for branch in branches)


def test_drop_path_is_at_work_in_all_but_the_first_block(rng):
    saved, branches = forward(rng, drop_path_rate=0.6)
    assert saved.features.embed.drop is None
    assert all(branch.drop is None for branch in branches)
    assert [branch.drop_path is None for branch in branches] == [True] * 2 + [False] * 6
    for block, rate in zip(saved.features.blocks[1:], (0.2, 0.4, 0.6), strict=True):
        scales = [branch.drop_path.scale.reshape(16) for branch in (block.attn, block.mlp)]
        assert not np.array_equal(*scales)
        for scale in scales:
            np.testing.assert_allclose(scale[scale > 0], 1 / (1 - rate))


@pytest.mark.parametrize(
    ("depth", "rates"), [(1, [0.0]), (2, [0.0, 0.3]), (4, [0.0, 0.1, 0.2, 0.3]), (7, [i / 20 for i in range(7)])]
)
def test_drop_path_rises_in_a_line_from_nothing(depth, rates):
    model = VisionTransformer(dataclasses.replace(CONFIG, depth=depth, drop_path_rate=0.3))
    assert [getattr(block.drop_path, "drop_prob", 0.0) for block in model.blocks] == pytest.approx(rates)


def test_without_an_rng_nothing_is_dropped(rng):
    model = VisionTransformer(dataclasses.replace(CONFIG, drop_rate=0.5, drop_path_rate=0.5), rng=rng)
    _, saved = model.forward(rng.standard_normal((2, 1, 8, 8)).astype(np.float32))
    assert saved.features.embed.drop is None
    assert all(
        branch.drop is branch.drop_path is None for block in saved.features.blocks for branch in (block.attn, block.mlp)
    )


def test_a_dropped_branch_leaves_the_tokens_as_they_were(rng):
    """And the kept ones are made larger, so that the mean stays."""
    block = shaken(Block(8, 2, 12, drop_path_rate=0.5, layer_scale=0.5, rng=rng), rng)
    x = rng.standard_normal((16, 5, 8))
    y, saved = block.forward(x, rng=np.random.default_rng(3))
    keeps = [(branch.drop_path.scale > 0).reshape(16) for branch in (saved.attn, saved.mlp)]
    neither = ~keeps[0] & ~keeps[1]
    assert neither.any()
    np.testing.assert_array_equal(y[neither], x[neither])
    branch = block.attn.forward(block.norm1.forward(x)[0])[0] * block.ls1.gamma
    only_first = keeps[0] & ~keeps[1]
    np.testing.assert_allclose(y[only_first], (x + 2 * branch)[only_first], rtol=1e-12)


def test_every_norm_of_a_model_has_the_configs_eps():
    model = VisionTransformer(MODELS["everything"])
    norms = [model.norm, *(norm for block in model.blocks for norm in (block.norm1, block.norm2))]
    assert [norm.eps for norm in norms] == [1e-4] * 5


@pytest.mark.parametrize("options", [{}, {"eps": 1e-2}])
def test_eps_keeps_a_norm_from_blowing_small_numbers_up(options):
    x = np.array([[1e-3, -1e-3, 2e-3, -2e-3]])
    y, _ = LayerNorm(4, **options).astype(np.float64).forward(x)
    np.testing.assert_allclose(y, x / np.sqrt(2.5e-6 + options.get("eps", 1e-6)), rtol=1e-12)
