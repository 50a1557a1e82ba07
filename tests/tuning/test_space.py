"""Ranges and choices on the command line: what they mean, and what is refused in one sentence."""

import pytest

from tinyvit.config.mae import MAEConfig
from tinyvit.config.run import TrainConfig
from tinyvit.errors import UserError
from tinyvit.tuning.space import Choices, Range, parse_space


@pytest.mark.parametrize(
    ("name", "text", "dimension"),
    [
        ("lr", "1e-4..1e-2:log", Range(1e-4, 1e-2, False, True)),
        ("weight_decay", "0..0.3", Range(0.0, 0.3, False, False)),
        ("depth", "2..6", Range(2, 6, True, False)),
        ("batch_size", "16..256:log", Range(16, 256, True, True)),
        ("patch_size", "4, 7,14", Choices({"4": 4, "7": 7, "14": 14})),
        ("opt", "adamw,sgd", Choices({"adamw": "adamw", "sgd": "sgd"})),
        ("qkv_bias", "true,false", Choices({"true": True, "false": False})),
        ("layer_scale", "none,1e-5", Choices({"none": None, "1e-5": 1e-5})),
        ("img_size", "28,32x48", Choices({"28": 28, "32x48": (32, 48)})),
        ("lr", "1e-3,3e-3", Choices({"1e-3": 1e-3, "3e-3": 3e-3})),
    ],
)
def test_texts_are_understood(name, text, dimension):
    assert parse_space({name: text}, TrainConfig) == {name: dimension}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("lr", "-1..1", "at least 0 and below 1,000,000, got -1.0"),
        ("label_smoothing", "0..1", "below 1, got 1.0"),
        ("momentum", "0.5,1.5", "below 1, got 1.5"),
        ("depth", "2..2.5", "LOW..HIGH:log, whole ones"),
        ("patch_size", "0,7", "at least 1"),
        ("patch_size", "four,7", "whole number"),
        ("lr", "1e-2..1e-4", "must end above"),
        ("lr", "1e-2..1e-2", "must end above"),
        ("lr", "nan..1", "got nan"),
        ("lr", "0..inf", "got inf"),
        ("weight_decay", "0..0.3:log", "begins above 0"),
        ("lr", "1e-4..1e-2:cubic", "LOW..HIGH:log"),
        ("lr", "1e-4..1e-3..1e-2", "LOW..HIGH"),
        ("lr", "1e-3", "two different values or more"),
        ("lr", "1e-3,1e-3", "two different values or more"),
        ("lr", "1e-3,0.001", "two different values or more"),
        ("img_size", "28,028", "two different values or more"),
        ("lr", "1e-3,,1e-2", "two different values or more"),
        ("opt", "adamw..sgd", "choices with commas between"),
        ("opt", "adam,sgd", "one of adamw"),
        ("learning_rate", "1e-4..1e-2", "no option learning_rate"),
        ("mask_ratio", "0.5,0.75", "no option mask_ratio"),  # of another task
        ("seed", "0,1,2", "not tuned"),
        ("output", "a,b", "not tuned"),
        ("dataset", "mnist,kmnist", "not tuned"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(name, text, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        parse_space({name: text}, TrainConfig)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_of_a_task_are_its_own():
    (name,) = [name for name in MAEConfig.__dataclass_fields__ if "ratio" in name]
    assert parse_space({name: "0.5..0.9"}, MAEConfig)[name].high == 0.9
    with pytest.raises(UserError, match="at least one"):
        parse_space({}, TrainConfig)
