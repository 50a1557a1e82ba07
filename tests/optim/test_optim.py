"""Optimizers, schedule, clipping and averaging against numbers worked out by hand; parity has PyTorch's word too."""

import math

import numpy as np
import pytest

from tests.support.optimizers import every_optimizer
from tinyvit.errors import UserError
from tinyvit.gradcheck.cases import MODELS
from tinyvit.optim import EMA, SGD, AdamW, FlatArrays, clip_by_global_norm, decays, global_norm, warmup_cosine
from tinyvit.vit import VisionTransformer


def weights(**arrays):
    return {name: np.array(value, float) for name, value in arrays.items()}


def test_the_first_step_of_adamw_is_the_sign_of_the_gradient():
    parameters = weights(bias=[1.0, -2.0, 3.0])
    AdamW(parameters, weight_decay=0.5).step(weights(bias=[0.3, -4.0, 0.0]), lr=0.1)
    np.testing.assert_allclose(parameters["bias"], [0.9, -1.9, 3.0], rtol=1e-7)  # no decay on a bias


def test_two_steps_of_adamw_by_hand():
    parameters = weights(weight=[[2.0]])
    optimizer = AdamW(parameters, betas=(0.5, 0.75), eps=0.1, weight_decay=0.2)
    optimizer.step(weights(weight=[[1.0]]), lr=0.1)
    first = 2.0 * (1 - 0.1 * 0.2) - 0.1 * 1.0 / (1.0 + 0.1)
    assert parameters["weight"][0, 0] == pytest.approx(first)
    optimizer.step(weights(weight=[[3.0]]), lr=0.1)
    m, v = 0.5 * 0.5 + 0.5 * 3, 0.75 * 0.25 + 0.25 * 9
    second = first * (1 - 0.1 * 0.2) - 0.1 * (m / (1 - 0.25)) / (math.sqrt(v / (1 - 0.75**2)) + 0.1)
    assert parameters["weight"][0, 0] == pytest.approx(second)


@pytest.mark.parametrize("nesterov", [False, True])
def test_two_steps_of_sgd_by_hand(nesterov):
    parameters = weights(weight=[[2.0]])
    optimizer = SGD(parameters, momentum=0.5, nesterov=nesterov, weight_decay=0.1)
    wanted, velocity = 2.0, 0.0
    for grad in (1.0, 3.0):
        optimizer.step(weights(weight=[[grad]]), lr=0.1)
        total = grad + 0.1 * wanted
        velocity = 0.5 * velocity + total
        wanted -= 0.1 * (total + 0.5 * velocity if nesterov else velocity)
        assert parameters["weight"][0, 0] == pytest.approx(wanted)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(UserError, match="needs a momentum above 0"):
        SGD(weights(weight=[[1.0]]), momentum=0.0, nesterov=True)


def test_only_weight_matrices_decay():
    parameters = VisionTransformer(MODELS["everything"]).parameters()
    decaying = {name for name, array in parameters.items() if decays(name, array)}
    matrices = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
    assert decaying == {"patch_embed.proj.weight", "head.weight"} | {
        f"blocks.{block}.{matrix}.weight" for block in (0, 1) for matrix in matrices
    }


@every_optimizer
def test_steps_are_in_place_and_leave_gradients_alone(make, rng):
    parameters = weights(weight=rng.standard_normal((2, 3)), bias=rng.standard_normal(3))
    grads = {name: rng.standard_normal(array.shape) for name, array in parameters.items()}
    kept, held = {name: grad.copy() for name, grad in grads.items()}, dict(parameters)
    before = parameters["weight"].copy()
    make(parameters, weight_decay=0.1).step(grads, lr=0.1)
    assert parameters["weight"] is held["weight"]
    assert not np.allclose(held["weight"], before)
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, kept[name])


@every_optimizer
def test_state_moves_to_a_new_optimizer_bit_for_bit(make, rng):
    one = weights(weight=rng.standard_normal((2, 3)))
    first = make(one)
    first.step({"weight": rng.standard_normal((2, 3))}, lr=0.1)
    two = {"weight": one["weight"].copy()}
    second = make(two)
    second.load_state({name: array.copy() for name, array in first.state_arrays().items()}, steps=first.steps)
    for _ in range(3):
        grads = {"weight": rng.standard_normal((2, 3))}
        first.step(grads, lr=0.1)
        second.step(grads, lr=0.1)
    np.testing.assert_array_equal(one["weight"], two["weight"])


@pytest.mark.parametrize(
    "arrays", [{}, {"m.weight": np.zeros((2, 3))}, {"m.weight": np.zeros(2), "v.weight": np.zeros(2)}]
)
def test_anothers_state_is_refused(arrays):
    with pytest.raises(UserError, match="does not belong to this model"):
        AdamW(weights(weight=np.zeros((2, 3)))).load_state(arrays, steps=1)


def test_the_learning_rate_warms_up_and_falls_as_a_cosine():
    def lr(step):
        return warmup_cosine(step, lr=1.0, total_steps=110, warmup_steps=10, min_lr=0.1)

    np.testing.assert_allclose([lr(step) for step in range(10)], np.arange(1, 11) / 10)
    assert lr(10) == 1.0
    assert lr(60) == pytest.approx(0.55)  # half way down
    assert lr(35) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert 0.1 < lr(109) < 0.101
    assert lr(110) == lr(1000) == 0.1
    assert warmup_cosine(0, lr=1.0, total_steps=10) == 1.0
    assert warmup_cosine(0, lr=1.0, total_steps=0) == 0.0
    assert warmup_cosine(3, lr=1.0, total_steps=2, warmup_steps=8) == 0.5  # stopped while warming up


def test_clipping_shortens_what_is_too_long_and_leaves_the_rest():
    grads = weights(a=[3.0], b=[[0.0, 4.0]])
    assert float(global_norm(grads)) == 5.0
    assert float(clip_by_global_norm(grads, 10.0)) == 5.0
    np.testing.assert_array_equal(grads["b"], [[0.0, 4.0]])
    assert float(clip_by_global_norm(grads, 1.0)) == 5.0
    np.testing.assert_allclose(grads["a"], [0.6], rtol=1e-6)
    assert float(global_norm(grads)) == pytest.approx(1.0, rel=1e-6)
    nothing = weights(a=[0.0])
    clip_by_global_norm(nothing, 1.0)
    assert nothing["a"] == [0.0]


def test_clipping_nothing_is_no_mistake():
    assert clip_by_global_norm({}, 1.0) == 0


def test_the_average_forgets_its_start_and_follows_slowly():
    parameters = weights(weight=[[100.0]])
    ema = EMA(parameters, decay=0.9)
    parameters["weight"][...] = 1.0
    ema.update(1)
    assert ema.average["weight"][0, 0] == pytest.approx(100 * 2 / 11 + 9 / 11)
    ema.average["weight"][...] = 0.0
    ema.update(1000)
    assert ema.average["weight"][0, 0] == pytest.approx(0.1)
    assert parameters["weight"][0, 0] == 1.0


@every_optimizer
@pytest.mark.parametrize("is_flat", [True, False])
def test_a_scaled_learning_rate_is_of_those_parameters(make, is_flat):
    rng = np.random.default_rng(0)
    start = {name: rng.standard_normal((2, 3)) for name in ("a.weight", "b.weight")} | {
        "b.bias": rng.standard_normal(3)
    }
    grads = {name: rng.standard_normal(array.shape) for name, array in start.items()}

    def stepped(lr, scales):
        parameters = {name: array.copy() for name, array in start.items()}
        given = grads
        if is_flat:
            parameters, given = FlatArrays(parameters), FlatArrays(grads)
            parameters.add(start)
            given.add(grads)
        one = make(parameters, weight_decay=0.3, lr_scales=scales)
        for _ in range(3):
            one.step(given, lr=lr)
        return one.parameters

    scaled = stepped(0.1, {"b.weight": 0.25, "b.bias": 0.5})
    for name, lr in (("a.weight", 0.1), ("b.weight", 0.025), ("b.bias", 0.05)):
        np.testing.assert_allclose(scaled[name], stepped(lr, None)[name], rtol=1e-12)
