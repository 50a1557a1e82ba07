"""A config that makes no sense is refused in one sentence: what is wrong, what was received, what to do."""

import dataclasses
import json

import pytest

from tinyvit import PRESETS, UserError, ViTConfig, preset
from tinyvit.gradcheck_cases import MODELS
from tinyvit.training import RECIPES, TrainConfig, recipe


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"img_size": 0}, "img_size must be a whole number of at least 1, got 0"),
        ({"img_size": (28,)}, r"img_size must be one number or \(height, width\), got \(28,\)"),
        ({"img_size": (28, 28.0)}, "img_size must be a whole number"),
        ({"patch_size": 5}, "28x28 image does not divide into 5x5 patches: choose patch_size from 1, 2, 4, 7, 14, 28"),
        ({"img_size": (32, 48), "patch_size": 7}, "choose patch_size from 1, 2, 4, 8, 16"),
        ({"patch_size": 0}, "patch_size must be a whole number of at least 1, got 0"),
        ({"in_chans": -1}, "in_chans"),
        ({"num_classes": -1}, "num_classes"),
        ({"num_classes": True}, "num_classes must be a whole number"),
        ({"embed_dim": 64.0}, "embed_dim must be a whole number"),
        ({"num_heads": 5}, "embed_dim 64 does not divide among 5 heads: choose num_heads from 1, 2, 4, 8, 16, 32, 64"),
        ({"depth": -1}, "depth"),
        ({"mlp_ratio": 0.0}, "mlp_ratio must leave at least one hidden number, got 0.0"),
        ({"gelu": "relu"}, "gelu must be one of erf, tanh, got 'relu'"),
        ({"pool": "max"}, "pool must be one of cls, mean, got 'max'"),
        ({"pos_embed": "rope"}, "pos_embed must be one of learned, sincos2d, got 'rope'"),
        ({"pos_embed": "sincos2d", "embed_dim": 66, "num_heads": 2}, "multiple of 4, got 66"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps must be above 0"),
        ({"drop_path_rate": 1.0}, "drop_path_rate must be at least 0 and below 1, got 1.0"),
        ({"drop_rate": float("nan")}, "drop_rate must be at least 0 and below 1, got nan"),
        ({"init_std": -1.0}, "init_std must be at least 0"),
        ({"stem": "conv"}, 'stem="conv" is planned but not built yet: use stem="patch"'),
        ({"stem": "mlp"}, "stem must be one of patch, conv"),
    ],
)  # fmt: skip
def test_model_configs_that_make_no_sense(change, sentence):
    with pytest.raises(UserError, match=sentence):
        dataclasses.replace(PRESETS["tiny"], **change)


@pytest.mark.parametrize("config", [*PRESETS.values(), *MODELS.values()])
def test_a_model_config_survives_json(config):
    assert ViTConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_derived_sizes():
    config = ViTConfig(img_size=(32, 48), patch_size=8, embed_dim=12, num_heads=3, mlp_ratio=2.5, num_registers=4)
    assert config.image_shape == (32, 48)
    assert config.grid_size == (4, 6)
    assert (config.num_patches, config.num_prefix_tokens, config.num_tokens) == (24, 5, 29)
    assert (config.head_dim, config.hidden_dim) == (4, 30)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, "epochs must be a whole number, got 1.5"),
        ({"batch_size": 0}, "batch_size"),
        ({"lr": -1.0}, "lr must be at least 0, got -1.0"),
        ({"lr": float("inf")}, "lr must be at least 0, got inf"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"scale": 1.0}, "scale must be at least 0 and below 1"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"dataset": "cifar"}, "dataset must be one of mnist, fashion-mnist, got 'cifar'"),
        ({"opt": "lion"}, "opt must be one of adamw, sgd"),
        ({"augment": "cutmix"}, "augment must be one of none, shift, affine"),
        ({"checkpoint_seconds": float("nan")}, "checkpoint_seconds"),
    ],
)
def test_training_configs_that_make_no_sense(change, sentence):
    with pytest.raises(UserError, match=sentence):
        TrainConfig(**change)


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_config_survives_json(name):
    config = recipe(name)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("values", [{"speed": 1}, {"model": 3}, {"model": {"depths": 2}}])
def test_a_damaged_training_config_is_refused(values):
    with pytest.raises(UserError, match=r"damaged|unknown"):
        TrainConfig.from_dict(values)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UserError, match="choose from tiny, vit_tiny"):
        preset("vit_huge")
    with pytest.raises(UserError, match="choose from default, quick, best"):
        recipe("worst")


def test_the_recipes_keep_their_promise_of_size():
    from tinyvit.costs import model_costs

    for config in RECIPES.values():
        assert sum(cost.parameters for cost in model_costs(config.model).values()) < 210_000
    assert RECIPES["default"].epochs <= 12
