"""Fresh weights: what is random has the right spread, what is not changes nothing."""

import dataclasses

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.config.vit import STEM_CHANS
from tinyvit.layers import INIT_STD, Conv2d, LayerScale

CONFIG = ViTConfig(
    img_size=32, patch_size=8, in_chans=3, num_classes=10, embed_dim=256, depth=2, num_heads=4, mlp_ratio=2.0,
    num_registers=4, layer_scale=0.05,
)  # fmt: skip
CUT = 0.8796  # cut at two standard deviations, a normal's spread is so much of what it was


def spread(array):
    """Standard deviation, and the largest number, of a fresh array whose mean is next to nothing."""
    assert abs(array.mean()) < 4 * array.std() / np.sqrt(array.size)
    return array.std(), np.abs(array).max()


@pytest.mark.parametrize("init_std", [0.02, 0.07])
def test_what_is_random_has_the_right_spread(init_std):
    model = VisionTransformer(dataclasses.replace(CONFIG, init_std=init_std), rng=np.random.default_rng(1))
    drawn = {name: array for name, array in model.parameters().items() if array.ndim > 1}
    assert {"cls_token", "reg_token", "pos_embed", "patch_embed.proj.weight", "head.weight"} < set(drawn)
    assert len(drawn) == 5 + 2 * 4
    for name, array in drawn.items():
        std, largest = spread(array)
        wanted = init_std if array.ndim == 2 else INIT_STD  # tokens and positions keep theirs
        assert std == pytest.approx(CUT * wanted, rel=4 / np.sqrt(array.size)), name
        assert largest <= 2 * wanted * (1 + 1e-6), name
        assert len(np.unique(array)) > 0.95 * array.size, name


@pytest.mark.parametrize("init_std", [0.02, 0.07])
def test_convolutions_are_drawn_by_what_they_add_up(init_std):
    """Whatever init_std says of the other matrices: so many numbers in, so much smaller the weights."""
    config = dataclasses.replace(CONFIG, stem="conv", init_std=init_std)
    stem = VisionTransformer(config, rng=np.random.default_rng(1)).patch_embed.stem
    for layer, fan_in in (
        (stem.conv1, 9 * 3),
        (stem.conv2, 9 * STEM_CHANS),
        (Conv2d(64, 50, 1, rng=np.random.default_rng(1)), 64),
    ):
        std, largest = spread(layer.weight)
        assert std == pytest.approx(CUT * np.sqrt(2 / fan_in), rel=3 / np.sqrt(layer.weight.size))
        assert largest <= 2 * np.sqrt(2 / fan_in) * (1 + 1e-6)
        assert not layer.bias.any()


def test_no_two_arrays_are_drawn_alike():
    parameters = VisionTransformer(CONFIG, rng=np.random.default_rng(1)).parameters()
    starts = [tuple(array.ravel()[:3]) for array in parameters.values() if array.ndim > 1]
    assert len(set(starts)) == len(starts)


def test_what_is_not_random_changes_nothing():
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(1))
    fresh = {"weight": 1.0, "bias": 0.0, "gamma": 0.05}
    flat = {name: array for name, array in model.parameters().items() if array.ndim == 1}
    assert len(flat) == 2 * 10 + 2 + 2  # in each block two norms, two gammas and four biases
    for name, array in flat.items():
        assert (array == np.float32(fresh[name.rpartition(".")[2]])).all(), name


def test_layer_scale_starts_at_its_value(rng):
    layer = LayerScale(5, init_value=0.25)
    x = rng.standard_normal((2, 3, 5)).astype(np.float32)
    np.testing.assert_array_equal(layer.forward(x)[0], np.float32(0.25) * x)


def test_the_standard_deviation_is_the_papers():
    assert INIT_STD == ViTConfig().init_std == 0.02
    assert ViTConfig().layer_norm_eps == 1e-6
