"""What an optimizer cannot use gets one sentence, before any weight has moved."""

import functools
import math

import numpy as np
import pytest

from tests.support.optimizers import MAKERS, every_optimizer
from tinyvit.errors import UserError
from tinyvit.layers import Mlp
from tinyvit.optim import EMA, SGD, AdamW, FlatArrays, clip_by_global_norm, flatten

SHAPES = {"weight": (3, 2), "bias": (4,), "scale": (1, 5)}


def arrays(rng, **changes):
    return {name: rng.standard_normal(shape) for name, shape in SHAPES.items()} | changes


GRADS = {
    "too few": (lambda g: {n: g[n] for n in ("weight", "bias")}, "gradients .* got nothing for scale"),
    "none": (lambda g: {}, "got nothing for bias, scale, weight"),
    "too many": (lambda g: g | {"other.weight": np.ones(3)}, "got the unknown other.weight: give one for each"),
    "another name": (lambda g: {"Weight" if n == "weight" else n: x for n, x in g.items()}, "got nothing for weight"),
    "a list of them": (lambda g: list(g.values()), "must be a dict by the parameters' names, got list"),
    "one that broadcasts": (lambda g: g | {"bias": np.ones(1)}, r"gradient of bias .* shape \(4,\), got \(1,\)"),
    "a row": (lambda g: g | {"weight": np.ones(2)}, r"gradient of weight .* shape \(3, 2\), got \(2,\)"),
    "transposed": (lambda g: g | {"weight": g["weight"].T}, r"shape \(3, 2\), got \(2, 3\)"),
    "an axis too many": (lambda g: g | {"scale": g["scale"][None]}, r"shape \(1, 5\), got \(1, 1, 5\)"),
    "masked": (lambda g: g | {"bias": np.ma.masked_array(g["bias"], [1, 0, 0, 0])}, "masked array was given"),
}


@every_optimizer
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("kind", GRADS)
def test_gradients_that_do_not_fit_move_nothing(make, flat, kind, rng):
    start = arrays(rng)
    parameters = {name: array.copy() for name, array in start.items()}
    if flat:
        parameters = FlatArrays(start)
        parameters.add(start)
    optimizer = make(parameters)
    change, sentence = GRADS[kind]
    with pytest.raises(UserError, match=sentence):
        optimizer.step(change(arrays(rng)), lr=0.1)
    assert optimizer.steps == 0
    for name, array in start.items():
        np.testing.assert_array_equal(parameters[name], array)
    assert not any(array.any() for array in optimizer.state_arrays().values())
    optimizer.step(arrays(rng), lr=0.1)
    assert optimizer.steps == 1


@every_optimizer
def test_flat_gradients_of_another_model_are_refused(make, rng):
    """One vector as long as the other: taken as it is, it would move the wrong weights."""
    parameters = FlatArrays({"a.weight": np.ones((2, 3)), "b.weight": np.ones((3, 2))})
    optimizer = make(parameters)
    with pytest.raises(UserError, match=r"got nothing for a\.weight"):
        optimizer.step(FlatArrays({"c.weight": np.ones((4, 3))}), lr=0.1)


@every_optimizer
def test_a_negative_learning_rate_goes_up_the_gradient(make, rng):
    down, up, grads = ({"a.bias": np.ones(3)} for _ in range(3))
    for parameters, lr in ((down, 0.1), (up, -0.1)):
        make(parameters, weight_decay=0.0).step(grads, lr=lr)
    np.testing.assert_allclose(down["a.bias"] + up["a.bias"], 2.0)
    assert (up["a.bias"] > 1).all()


@every_optimizer
@pytest.mark.parametrize("lr", [math.nan, math.inf, -math.inf, "0.1", None, [0.1], 1j])
def test_learning_rates_that_are_none(make, lr, rng):
    parameters = arrays(rng)
    before = {name: array.copy() for name, array in parameters.items()}
    with pytest.raises(UserError, match="lr must be a number that is finite, got"):
        make(parameters).step(arrays(rng), lr=lr)
    for name, array in before.items():
        np.testing.assert_array_equal(parameters[name], array)


@pytest.mark.parametrize(
    ("make", "options", "sentence"),
    [
        (AdamW, {"betas": (1.0, 0.999)}, "beta1 must be a number of at least 0 and below 1, got 1.0"),
        (AdamW, {"betas": (0.9, -0.1)}, "beta2 .*got -0.1"),
        (AdamW, {"betas": (0.9, math.nan)}, "beta2 .*got nan"),
        (AdamW, {"betas": 0.9}, "betas must be two numbers"),
        (AdamW, {"betas": (0.9,)}, "betas must be two numbers"),
        (AdamW, {"betas": ("0.9", 0.9)}, "beta1 .*got '0.9'"),
        (AdamW, {"eps": 0.0}, "eps must be above 0"),
        (AdamW, {"eps": -1e-8}, "eps must be a number of at least 0"),
        (AdamW, {"eps": math.nan}, "eps .*got nan"),
        (AdamW, {"weight_decay": -0.1}, "weight_decay .*got -0.1"),
        (AdamW, {"weight_decay": math.inf}, "weight_decay .*finite, got inf"),
        (SGD, {"weight_decay": math.nan}, "weight_decay .*got nan"),
        (SGD, {"momentum": 1.0}, "momentum .* below 1, got 1.0"),
        (SGD, {"momentum": -0.5}, "momentum .*got -0.5"),
        (SGD, {"momentum": math.nan}, "momentum .*got nan"),
        (SGD, {"momentum": None}, "momentum .*got None"),
        (AdamW, {"lr_scales": {"nobody": 0.5}}, "lr_scales must be named as the parameters are, got the unknown nobody"),
        (SGD, {"lr_scales": {"bias": -1.0}}, "the lr_scale of bias .*got -1.0"),
        (SGD, {"lr_scales": {"bias": math.nan}}, "the lr_scale of bias .*got nan"),
        (EMA, {"decay": 1.0}, "decay .*below 1, got 1.0"),
        (EMA, {"decay": -0.1}, "decay .*got -0.1"),
        (EMA, {"decay": math.nan}, "decay .*got nan"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(make, options, sentence, rng):
    with pytest.raises(UserError, match=sentence):
        make(arrays(rng), **options)


@pytest.mark.parametrize("make", [*MAKERS.values(), functools.partial(EMA, decay=0.9)])
def test_no_parameters_are_a_mistake(make):
    with pytest.raises(UserError, match=r"no parameters to .*, got an empty dict: give those of a model"):
        make({})


@pytest.mark.parametrize("max_norm", [0.0, -1.0, math.nan])
def test_nothing_can_be_as_short_as_that(max_norm, rng):
    grads = arrays(rng)
    before = grads["bias"].copy()
    with pytest.raises(UserError, match="max_norm must be above 0"):
        clip_by_global_norm(grads, max_norm)
    np.testing.assert_array_equal(grads["bias"], before)


@pytest.mark.parametrize("lr", [0, 0.0, np.float32(0.1), np.float64(0.2), np.array(0.1)])
def test_learning_rates_of_any_kind_of_number(lr, rng):
    layer = Mlp(3, 4, rng=rng)
    parameters = flatten(layer)
    AdamW(parameters).step({name: rng.standard_normal(a.shape) for name, a in parameters.items()}, lr=lr)
    assert np.isfinite(parameters.vector).all()
