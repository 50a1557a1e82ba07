"""A config that makes no sense is refused in one sentence: what is wrong, what was received, what to do."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tinyvit import PRESETS, UserError, VisionTransformer, ViTConfig, preset
from tinyvit.gradcheck.cases import MODELS
from tinyvit.training import RECIPES, TrainConfig, recipe


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"img_size": 0}, "img_size must be a whole number of at least 1 and below 1,000,000 .*, got 0: choose"),
        ({"img_size": (28,)}, r"img_size must be a whole number .* or 2 such numbers, got \(28,\)"),
        ({"img_size": (28, 28.0)}, "img_size must be a whole number"),
        ({"patch_size": 5}, "28x28 image does not divide into 5x5 patches: choose patch_size from 1, 2, 4, 7, 14, 28, or img_size 25 or 30"),
        ({"img_size": (32, 48), "patch_size": 7}, "choose patch_size from 1, 2, 4, 8, 16, or img_size 28x42 or 35x49"),
        ({"img_size": 3, "patch_size": 7}, "choose patch_size from 1, 3, or img_size 7$"),
        ({"patch_size": 0}, "patch_size must be a whole number of at least 1 and .*, got 0"),
        ({"in_chans": -1}, "in_chans"),
        ({"num_classes": -1}, "num_classes"),
        ({"num_classes": True}, "num_classes must be a whole number"),
        ({"embed_dim": 64.0}, "embed_dim must be a whole number"),
        ({"num_heads": 5}, "embed_dim 64 does not divide among 5 heads: choose num_heads from 1, 2, 4, 8, 16, 32, 64"),
        ({"depth": -1}, "depth"),
        ({"mlp_ratio": 0.0}, "mlp_ratio must leave at least one hidden feature, got 0.0"),
        ({"gelu": "relu"}, "gelu must be one of erf, tanh, quick, got 'relu'"),
        ({"pool": "max"}, r"pool must be one of cls, mean, cls\+mean, cls\+dist, map, got 'max'"),
        ({"pos_embed": "rope"}, "pos_embed must be one of learned, sincos2d, got 'rope'"),
        ({"pos_embed": "sincos2d", "embed_dim": 66, "num_heads": 2}, "multiple of 4, got 66"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps must be a number of at least 1e-30"),
        ({"drop_path_rate": 1.0}, "drop_path_rate must be a number of at least 0 and below 1, got 1.0"),
        ({"drop_rate": float("nan")}, "drop_rate must be a number of at least 0 and below 1, got nan"),
        ({"init_std": -1.0}, "init_std must be a number of at least 0"),
        ({"stem": "mlp"}, "stem must be one of patch, conv"),
        ({"class_token": False}, "pools the class token, and there is none"),
        ({"class_token": False, "pool": "cls+mean"}, "pools the class token, and there is none"),
        ({"pool": "cls+dist"}, "set num_registers to 1"),
        ({"fc_norm": True, "pool": "cls+mean"}, "leave out fc_norm"),
        ({"fc_norm": True, "pool": "mean", "final_norm": False}, "leave out fc_norm"),
        ({"gelu": ["erf"]}, "gelu must be one of erf, tanh"),
        ({"img_size": None}, "img_size must be a whole number"),
        ({"img_size": 28.0}, "img_size must be a whole number"),
        ({"img_size": "28"}, "img_size must be a whole number"),
        ({"depth": 10**400}, r"depth must be a whole number .* below 1,000,000, got 10+\.\.\.0+: choose"),
        ({"depth": np.True_}, "depth must be a whole number"),
        ({"mlp_ratio": float("nan")}, "mlp_ratio must be a number of at least 0 and below 1,000,000, got nan: choose"),
        ({"mlp_ratio": float("inf")}, "mlp_ratio must be a number .*, got inf"),
        ({"mlp_ratio": 1e300}, "mlp_ratio must be a number"),
        ({"mlp_ratio": "2"}, "mlp_ratio must be a number .*, got '2'"),
        ({"mlp_ratio": True}, "mlp_ratio must be a number"),
        ({"mlp_ratio": 4j}, "mlp_ratio must be a number"),
        ({"drop_rate": "0.1"}, "drop_rate must be a number"),
        ({"init_std": float("inf")}, "init_std must be a number"),
        ({"layer_norm_eps": float("inf")}, "layer_norm_eps must be a number"),
        ({"layer_scale": "x"}, "layer_scale must be a number .* or None, got 'x'"),
        ({"layer_scale": float("nan")}, "layer_scale must be a number"),
        ({"qkv_bias": "false"}, "qkv_bias must be true or false, got 'false'"),
        ({"qkv_bias": 1}, "qkv_bias must be true or false, got 1"),
    ],
)  # fmt: skip
def test_model_configs_that_make_no_sense(change, sentence):
    with pytest.raises(UserError, match=sentence):
        dataclasses.replace(PRESETS["tiny"], **change)
    with pytest.raises(UserError, match=sentence):
        ViTConfig.from_dict(PRESETS["tiny"].to_dict() | change)


def test_numpys_numbers_and_jsons_lists_become_pythons_own():
    given = {
        "img_size": [np.int64(28), 28],
        "depth": np.uint8(3),
        "drop_rate": np.float64(0.1),
        "layer_norm_eps": np.float32(0.25),
        "layer_scale": np.float16(0.5),
        "mlp_ratio": 2,
        "qkv_bias": np.False_,
        "gelu": np.str_("tanh"),
    }
    config = dataclasses.replace(PRESETS["tiny"], **given)
    values = [getattr(config, name) for name in given]
    assert values == [(28, 28), 3, 0.1, 0.25, 0.5, 2.0, False, "tanh"]
    assert [type(value) for value in values] == [tuple, int, float, float, float, float, bool, str]
    assert type(config.img_size[0]) is int
    assert json.loads(json.dumps(config.to_dict()))["layer_scale"] == 0.5
    assert dataclasses.replace(config, img_size=np.int64(28)).image_shape == (28, 28)
    assert "drop.drop_prob" not in VisionTransformer(config).parameters()


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
        ({"epochs": 0}, "epochs must be a whole number of at least 1 and below 1,000,000, got 0: choose"),
        ({"epochs": 1.5}, "epochs must be a whole number .*, got 1.5"),
        ({"batch_size": 0}, "batch_size"),
        ({"lr": -1.0}, "lr must be a number of at least 0 and below 1,000,000, got -1.0"),
        ({"lr": float("inf")}, "lr must be a number of at least 0 and below 1,000,000, got inf: choose another value"),
        ({"momentum": 1.0}, "momentum must be a number of at least 0 and below 1"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"scale": 1.0}, "scale must be a number of at least 0 and below 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0 .*, got -1"),
        ({"dataset": "cifar"}, "dataset must be one of auto, mnist, fashion-mnist, kmnist, .*, idx, folder, got 'cifar'"),
        ({"opt": "lion"}, "opt must be one of adamw, muon, sgd"),
        ({"augment": "cutmix"}, "augment must be one of none, shift, affine"),
        ({"checkpoint_seconds": float("nan")}, "checkpoint_seconds"),
        ({"warmup_epochs": 1e308}, r"warmup_epochs must be a number .* below 1,000,000, got 1e\+308"),
        ({"shift": int("9" * 400)}, r"shift must be a whole number .*, got 9+\.\.\.9+: choose"),
        ({"workers": 0}, "workers must be auto or a whole number of at least 1 .*, got 0"),
        ({"workers": "many"}, "workers must be auto or a whole number .*, got 'many'"),
        ({"workers": True}, "workers must be auto or a whole number"),
        ({"distributed": "no"}, "distributed must be true or false, got 'no'"),
        ({"data_dir": 5}, "data_dir must be text or None, got 5"),
        ({"data_dir": ["a"]}, r"data_dir must be text or None, got \['a'\]"),
        ({"output": ""}, "output must be text or None, got ''"),
        ({"device": None}, "device must be text, got None"),
    ],
)  # fmt: skip
def test_training_configs_that_make_no_sense(change, sentence):
    with pytest.raises(UserError, match=sentence):
        TrainConfig(**change)
    with pytest.raises(UserError, match=sentence):
        TrainConfig.from_dict(change)


def test_a_training_config_holds_plain_values():
    config = TrainConfig(output=Path("x"), epochs=np.int64(3), lr=np.float32(0.5), workers=np.int32(2), seed=2**63)
    assert config == TrainConfig(output="x", epochs=3, lr=0.5, workers=2, seed=2**63)
    assert [type(value) for value in (config.output, config.epochs, config.lr, config.workers)] == [
        str,
        int,
        float,
        int,
    ]
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_config_survives_json(name):
    config = recipe(name)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("values", [{"speed": 1}, {"model": 3}, {"model": {"depths": 2}}, [1, 2], {3: 4}])
def test_a_damaged_training_config_is_refused(values):
    with pytest.raises(UserError, match=r"unknown|must be a config of type ViTConfig, got 3|must map names to values"):
        TrainConfig.from_dict(values)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UserError, match="choose from tiny, vit_tiny"):
        preset("vit_huge")
    with pytest.raises(UserError, match="choose from default, quick, fast, best"):
        recipe("worst")


def test_the_recipes_keep_their_promise_of_size():
    from tinyvit.config.costs import model_costs

    for config in RECIPES.values():
        assert sum(cost.parameters for cost in model_costs(config.model).values()) < 210_000
    assert RECIPES["default"].epochs <= 12
