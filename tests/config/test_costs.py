"""The cost table says what a model really has and really keeps."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tinyvit.config.costs import model_costs, numbers_held
from tinyvit.config.presets import PRESETS
from tinyvit.gradcheck.cases import MODELS, WORD_MODELS
from tinyvit.vit import VisionTransformer


@pytest.mark.parametrize("name", {**MODELS, **WORD_MODELS})
def test_parameters_are_those_of_the_model(name):
    config = (MODELS | WORD_MODELS)[name]
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    assert sum(cost.parameters for cost in model_costs(config).values()) == model.num_parameters()
    assert numbers_held(config) == model.num_parameters() + (model.sincos.size if hasattr(model, "sincos") else 0)


NO_BLOCKS = dataclasses.replace(MODELS["cls token, erf"], depth=0)


@pytest.mark.parametrize(
    "name",
    [
        *("cls token, erf", "registers", "layer scale", "mean pooling", "conv stem", "no blocks"),
        *("no class token, fc_norm", "no class token, registers, no final norm", "distilled", "cls+mean"),
        *("pre-norm, quick", "attention pooling"),
    ],
)
def test_saved_numbers_are_those_that_the_forward_keeps(name):
    config = NO_BLOCKS if name == "no blocks" else MODELS[name]
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    weights = {id(array) for array in model.parameters().values()}
    _, saved = model.forward(np.ones((3, config.in_chans, *config.image_shape), np.float32))
    kept: dict[int, np.ndarray] = {}

    def collect(value: Any) -> None:
        if isinstance(value, np.ndarray):
            whole = value if value.base is None else value.base  # several views of one array are kept once
            if id(whole) not in weights:
                kept[id(whole)] = whole
        elif isinstance(value, tuple | list):
            for part in value:
                collect(part)

    collect(saved)
    assert sum(array.size for array in kept.values()) == 3 * sum(cost.saved for cost in model_costs(config).values())


def test_flops_of_vit_base_are_those_of_the_literature():
    """17.56 billion multiply-adds for ViT-B/16 at 224 pixels (timm's table), where every block brings every token."""
    config = dataclasses.replace(PRESETS["vit_base_patch16_224"], pool="mean")
    flops = sum(cost.flops for cost in model_costs(config).values())
    assert flops / 2 == pytest.approx(17.56e9, rel=0.002)


def test_the_class_token_alone_is_cheaper():
    """In the last of 12 blocks 196 of 197 tokens need nothing but their keys and values."""
    config = PRESETS["vit_base_patch16_224"]
    cls, mean = (
        sum(cost.flops for cost in model_costs(dataclasses.replace(config, pool=pool)).values())
        for pool in ("cls", "mean")
    )
    N, D = config.num_tokens, config.embed_dim
    assert mean - cls == 2 * (N - 1) * (2 * N * D + D * D + 2 * D * 4 * D)  # attention, proj, MLP
