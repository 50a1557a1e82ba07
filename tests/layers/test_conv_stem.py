"""The convolutional stem: what it leaves as it was, what it sees, and how its weights are born."""

import dataclasses

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig, preset
from tinyvit.config.vit import STEM_CHANS
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.layers import ConvStem, PatchEmbed


def test_its_parameters_stand_in_front_of_the_patches():
    config = MODELS["conv stem"]
    shapes = {name: array.shape for name, array in VisionTransformer(config).parameters().items()}
    S, C, P, D = STEM_CHANS, config.in_chans, config.patch_size, config.embed_dim
    assert [name for name in shapes if name.startswith("patch_embed")] == [
        "patch_embed.stem.conv1.weight", "patch_embed.stem.conv1.bias",
        "patch_embed.stem.conv2.weight", "patch_embed.stem.conv2.bias",
        "patch_embed.proj.weight", "patch_embed.proj.bias",
    ]  # fmt: skip
    assert shapes["patch_embed.stem.conv1.weight"] == (9 * C, S)
    assert shapes["patch_embed.stem.conv2.weight"] == (9 * S, S)
    assert shapes["patch_embed.proj.weight"] == (S * P * P, D)


@pytest.mark.parametrize(("size", "patch"), [((28, 28), 7), ((28, 28), 4), ((32, 48), 16), ((3, 5), 1)])
def test_whatever_divides_the_image_divides_the_map(size, patch, rng):
    images = rng.standard_normal((2, 3, *size)).astype(np.float32)
    tokens, _ = PatchEmbed(patch, 3, 6, stem="conv", rng=rng).forward(images)
    assert tokens.shape == (2, ViTConfig(size, patch, stem="conv").num_patches, 6)


def test_a_place_of_the_map_sees_two_pixels_far(rng):
    stem = shaken(ConvStem(1, rng=rng), rng)
    image = rng.standard_normal((1, 1, 9, 8))
    other = image.copy()
    other[0, 0, 4, 3] += 1.0
    changed = np.abs(stem.forward(image)[0] - stem.forward(other)[0]).max(axis=(0, 1)) > 0
    wanted = np.zeros((9, 8), bool)
    wanted[2:7, 1:6] = True
    np.testing.assert_array_equal(changed, wanted)


def test_the_stem_is_two_convolutions_with_a_gate_behind_each(rng):
    """Without the second gate the stem would be linear in what comes out of the first one."""
    stem = shaken(ConvStem(2, rng=rng), rng)
    x = rng.standard_normal((1, 2, 5, 5))
    y, saved = stem.forward(x)
    np.testing.assert_allclose(saved.gelu1.x * saved.gelu1.gate, saved.conv2.x)
    np.testing.assert_allclose(saved.gelu2.x * saved.gelu2.gate, y)


@pytest.mark.parametrize("init_std", [0.02, 0.08])
def test_fresh_convolutions_keep_the_size_of_what_passes(init_std, rng):
    config = dataclasses.replace(preset("tiny"), stem="conv", init_std=init_std)
    model = VisionTransformer(config, rng=rng)
    maps, saved = model.patch_embed.stem.forward(rng.standard_normal((20, 1, 28, 28)).astype(np.float32))
    assert 0.3 < maps.std() < 1.0
    assert 0.5 < saved.gelu2.x.std() < 1.5


def test_tanh_is_tanh_in_the_stem_too(rng):
    erf, tanh = (
        shaken(PatchEmbed(2, 1, 3, stem="conv", gelu=gelu, rng=np.random.default_rng(0)), np.random.default_rng(1))
        for gelu in ("erf", "tanh")
    )
    images = rng.standard_normal((1, 1, 4, 4))
    assert 1e-6 < np.abs(erf.forward(images)[0] - tanh.forward(images)[0]).max() < 1e-1
