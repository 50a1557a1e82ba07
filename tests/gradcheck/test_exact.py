"""The check by dual numbers: all that is shipped passes, and what finite differences let through is caught and named."""

import re

import numpy as np
import pytest

from tests.support import others_slow
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.gradcheck import EXACT_THRESHOLD, check_exact, check_gradients
from tinyvit.gradcheck.cases import Case, all_cases, op_cases, shaken
from tinyvit.gradcheck.configs import SMALL
from tinyvit.layers import Linear
from tinyvit.ops import OPS
from tinyvit.vit import VisionTransformer

CASES = {kind: [case for case in all_cases() if case.kind == kind] for kind in ("op", "layer", "model")}


@pytest.mark.parametrize("name", OPS)
def test_every_op_agrees_to_the_last_bits(name):
    for case in op_cases(name):
        report = case.check_exact()
        assert report.passed, report
        assert report.error < 1e-14, report


@pytest.mark.parametrize("case", CASES["layer"] + others_slow(CASES["model"], fast=2), ids=lambda case: case.name)
def test_every_layer_and_model_agrees(case: Case):
    report = case.check_exact()
    assert report.passed, report
    model, inputs, _ = case.build(np.random.default_rng(0))
    assert {part.name for part in report.inputs} == {*inputs, *model.parameters()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("case", CASES["model"], ids=lambda case: case.name)
def test_every_model_agrees_for_other_numbers(case: Case, seed):
    report = case.check_exact(seed=seed)
    assert report.passed, report


def one_entry_off(grad):
    """Wrong by 1e-8 of a typical entry in one place."""
    grad = grad.copy()
    grad.reshape(-1)[grad.size // 2] += 1e-8 * np.sqrt(np.mean(grad**2))
    return grad


LITTLE = {
    "one entry off by 1e-8": one_entry_off,
    "a constant 1 + 1e-10 off": lambda grad: grad * (1 + 1e-10),
    "off by 1e-10 everywhere": lambda grad: grad + 1e-10 * np.sqrt(np.mean(grad**2)),
}


def sabotaged(name, position, change):
    """The op with one of its gradients changed."""
    forward, backward = OPS[name]

    def wrong(dy, saved):
        grads = backward(dy, saved)
        if not isinstance(grads, tuple):
            return change(grads)
        return *grads[:position], change(grads[position]), *grads[position + 1 :]

    return forward, wrong


@pytest.mark.parametrize("change", LITTLE)
@pytest.mark.parametrize("name", OPS)
def test_what_differences_let_through_is_caught_and_named(name, change):
    _, inputs, options = op_cases(name)[0].build(np.random.default_rng(0))
    for position, (input_name, x) in enumerate(inputs.items()):
        pair = sabotaged(name, position, LITTLE[change])
        report = check_exact(pair, inputs, options=options)
        assert not report.passed
        assert report.worst.name == input_name
        assert [part.name for part in report.inputs if part.error > EXACT_THRESHOLD] == [input_name]
        if change.startswith("one entry"):
            assert report.worst.entry == np.unravel_index(x.size // 2, x.shape)


@pytest.mark.parametrize("change", LITTLE)
@pytest.mark.parametrize("name", ["linear", "softmax", "gelu", "layer_norm", "mse", "modulate"])
def test_differences_let_it_through(name, change):
    _, inputs, options = op_cases(name)[0].build(np.random.default_rng(0))
    assert check_gradients(sabotaged(name, 0, LITTLE[change]), inputs, options=options).passed


class Sabotaged(VisionTransformer):
    """A model with the gradient of one parameter, deep inside, a little off."""

    def backward(self, dy, saved):
        dx, grads = super().backward(dy, saved)
        return dx, grads | {"blocks.0.attn.qkv.bias": one_entry_off(grads["blocks.0.attn.qkv.bias"])}


def test_a_whole_model_with_one_entry_off_is_caught_and_named(rng):
    model = shaken(Sabotaged(ViTConfig(**SMALL | {"depth": 1}), rng=rng), rng)
    report = check_exact(model, [rng.standard_normal((2, 2, 4, 6))])
    assert not report.passed
    assert (report.worst.name, report.worst.entry) == ("blocks.0.attn.qkv.bias", (12,))
    assert [part.error > EXACT_THRESHOLD for part in report.inputs].count(True) == 1
    text = str(report)
    assert "FAILED (threshold 1e-13)" in text
    assert f"backward says {report.worst.analytic:.16g}, dual numbers say {report.worst.numeric:.16g}" in text


def test_a_large_gradient_is_judged_along_a_direction(rng):
    report = check_exact(sabotaged("layer_scale", 0, one_entry_off), {"x": rng.standard_normal((40, 5)), "gamma": rng.standard_normal(5)}, full_up_to=100)  # fmt: skip
    assert not report.passed
    assert (report.worst.name, report.worst.entry) == ("x", None)


def test_a_wrong_small_gradient_is_not_hidden_by_a_large_one(rng):
    pair = (lambda x, c: (1e4 * x + 0.01 * c, None)), lambda dy, saved: (1e4 * dy, 0.01 * (1 + 1e-9) * dy)
    report = check_exact(pair, [rng.standard_normal(5), rng.standard_normal(5)])
    assert (report.passed, report.worst.name) == (False, "input1")


def test_a_gradient_that_is_rightly_zero_passes(rng):
    def forward(x, y):
        return x + 0 * y, None

    assert check_exact((forward, lambda dy, saved: (dy, 0 * dy)), [rng.standard_normal(3)] * 2).passed


@pytest.mark.parametrize(
    ("backward", "sentence"),
    [
        (lambda dy, saved: (), "returned no gradient"),
        (lambda dy, saved: dy[:1], r"wanted the input's \(3,\)"),
        (lambda dy, saved: dy.astype(np.float32), "is float32"),
        (lambda dy, saved: dy * np.nan, "backward says nan"),
        (lambda dy, saved: dy + np.array([0, np.inf, 0]), "backward says inf"),
    ],
)
def test_what_is_wrong_besides_the_numbers_is_said(backward, sentence):
    report = check_exact((lambda x: (x + 0, None), backward), [np.ones(3)])
    assert not report.passed
    assert report.error == np.inf
    assert re.search(sentence, str(report))


@pytest.mark.parametrize(
    ("f", "inputs", "options", "sentence"),
    [
        (OPS["softmax"], np.ones((2, 3)), {}, "a list or a dict of arrays"),
        (OPS["softmax"], [np.ones((0, 3))], {}, "at least one"),
        (Linear(4, 3, rng=np.random.default_rng(0)), [], {}, "a layer takes one input, an array, got 0"),
        (OPS["softmax"], [np.ones(3)], {"options": {"rng": np.random.default_rng(0)}}, "must be a function"),
        (np.exp, [np.ones(3)], {}, "an op, a pair"),
        ((lambda x: (np.sin(x), x), lambda dy, x: dy * np.cos(x)), [np.ones(3)], {}, r"dual numbers \(.*sin.*\): use check_gradients"),
        ((lambda x: (np.linalg.inv(x), x), lambda dy, x: dy), [np.eye(3)], {}, "cannot run on dual numbers"),
    ],
)  # fmt: skip
def test_misuse_gets_one_sentence(f, inputs, options, sentence):
    with pytest.raises(UserError, match=sentence):
        check_exact(f, inputs, **options)


def test_arrays_on_a_gpu_are_refused(strict):
    with pytest.raises(UserError, match="dual numbers are computed on the CPU"):
        check_exact(OPS["softmax"], [strict.asarray(np.ones((2, 3)))])


def test_inputs_stay_and_float32_is_checked_in_float64(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    kept = x.copy()
    assert check_exact(OPS["softmax"], [x]).passed
    np.testing.assert_array_equal(x, kept)
