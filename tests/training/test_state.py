"""The state of a new run: the optimizer is the one that was chosen, with every setting of the run that it has."""

import dataclasses
import inspect
import typing

import numpy as np
import pytest

from tests.support.small_run import SMALL_MODEL
from tinyvit.config.run import RunConfig, TrainConfig
from tinyvit.optim import flatten
from tinyvit.training.state import OPTIMIZERS, build_state
from tinyvit.vit import VisionTransformer

FIELDS = {field.name for field in dataclasses.fields(RunConfig)}


def test_every_choice_is_an_optimizer():
    assert set(typing.get_args(typing.get_type_hints(RunConfig)["opt"])) == OPTIMIZERS.keys()


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_no_setting_of_a_run_is_passed_over(opt):
    kind, options = OPTIMIZERS[opt]
    assert set(options) == FIELDS & inspect.signature(kind).parameters.keys()


@pytest.mark.parametrize("opt", OPTIMIZERS)
@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_the_optimizer_is_the_one_chosen_with_its_settings(opt, ema_decay):
    config = TrainConfig(opt=opt, weight_decay=0.3, momentum=0.7, nesterov=opt == "sgd", ema_decay=ema_decay)
    model = VisionTransformer(SMALL_MODEL, rng=np.random.default_rng(0))
    state = build_state(config, model, flatten(model), {"head.bias": 0.5})
    kind, options = OPTIMIZERS[opt]
    assert type(state.optimizer) is kind
    assert {name: getattr(state.optimizer, name) for name in options} == {n: getattr(config, n) for n in options}
    assert state.optimizer.lr_scales == {"head.bias": 0.5}
    assert (state.ema is not None) == bool(ema_decay)
