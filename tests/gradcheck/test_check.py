"""The checker itself: what it measures, what it says, and what it refuses."""

import re

import numpy as np
import pytest

from tests.support import others_slow
from tinyvit.errors import UserError
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import Case, all_cases
from tinyvit.layers import Linear
from tinyvit.ops import OPS


def square(factor=2.0, entry=None):
    """y = x² with the backward factor * x * dy, wrong by 1e-3 at one entry if asked for."""

    def backward(dy, saved):
        dx = factor * saved * dy
        if entry is not None:
            dx[entry] += 1e-3
        return dx

    return (lambda x: (x * x, x)), backward


# Number by number these take seconds each; the fast tests check them by dual numbers, in test_exact.py.
WHOLE = ("MaskedAutoencoder", "MAEDecoder", "EncoderWithHead", "DiT")
LAYERS = [case for case in all_cases() if case.kind == "layer" and case.name.partition(",")[0] not in WHOLE]
NETWORKS = [case for case in all_cases() if case.kind == "layer" and case.name.partition(",")[0] in WHOLE]
MODELS = [case for case in all_cases() if case.kind == "model"]


@pytest.mark.parametrize("case", LAYERS + others_slow(NETWORKS + MODELS, fast=0), ids=lambda case: case.name)
def test_every_layer_and_model_agrees_with_finite_differences(case: Case):
    report, _ = case.check()
    assert report.error < 1e-8, report


@pytest.mark.parametrize("case", others_slow(MODELS[::-1], fast=5), ids=lambda case: case.name)
def test_every_model_agrees_along_random_directions(case: Case, rng):
    model, images, options = case.build(rng)
    report = check_gradients(model, images, options=options, rng=rng, full_up_to=8)
    assert report.error < 1e-8, report


@pytest.mark.parametrize("full_up_to", [0, 1000])
def test_right_passes_and_wrong_fails_both_ways(rng, full_up_to):
    x = rng.standard_normal((4, 5))
    assert check_gradients(square(), [x], full_up_to=full_up_to).error < 1e-9
    wrong = check_gradients(square(2.001), [x], full_up_to=full_up_to)
    assert not wrong.passed
    assert wrong.error == pytest.approx(5e-4, rel=0.2)


def test_the_report_names_the_worst_entry_and_both_numbers(rng):
    x = rng.standard_normal((4, 5)) + 3
    report = check_gradients(square(entry=(2, 3)), {"x": x})
    assert report.worst.name == "x"
    assert report.worst.entry == (2, 3)
    assert report.worst.analytic - report.worst.numeric == pytest.approx(1e-3, rel=1e-4)
    text = str(report)
    assert text.startswith("FAILED (threshold 1e-06)")
    assert "dx (4, 5)" in text
    assert "at (2, 3)" in text
    assert f"{report.worst.analytic:.9g}" in text
    assert f"{report.worst.numeric:.9g}" in text


def test_one_wrong_entry_in_10000_is_found_along_directions(rng):
    x = rng.standard_normal((100, 100))
    report = check_gradients(square(entry=(70, 7)), [x])
    assert not report.passed
    assert report.worst.entry is None
    assert "along a random direction" in str(report)


def test_a_wrong_small_gradient_is_not_hidden_by_a_large_one(rng):
    def forward(x, scale):
        return 1e4 * x + 0.01 * scale, None

    report = check_gradients(
        (forward, lambda dy, saved: (1e4 * dy, 0.0101 * dy)), [rng.standard_normal(5), rng.standard_normal(5)]
    )
    assert not report.passed
    assert report.worst.name == "input1"


def test_a_gradient_that_is_rightly_zero_passes():
    report = check_gradients((lambda x, y: (x + 0 * y, None), lambda dy, saved: (dy, 0 * dy)), [np.ones(3), np.ones(3)])
    assert report.passed


def test_inputs_stay_and_float32_is_checked_in_float64(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    kept = x.copy()
    assert check_gradients(OPS["softmax"], [x]).error < 1e-8
    np.testing.assert_array_equal(x, kept)


def test_a_layer_is_checked_in_a_copy_with_its_parameters(rng):
    layer = Linear(4, 3, rng=rng)
    report = check_gradients(layer, {"x": rng.standard_normal((2, 4))})
    assert [part.name for part in report.inputs] == ["x", "weight", "bias"]
    assert report.passed
    assert layer.weight.dtype == np.float32


def test_randomness_is_drawn_anew_for_each_forward():
    def forward(x, *, rng):
        mask = rng.random(x.shape) > 0.5
        return x * mask, mask

    options = {"rng": lambda: np.random.default_rng(3)}
    assert check_gradients((forward, lambda dy, mask: dy * mask), [np.ones((3, 4))], options=options).passed


@pytest.mark.parametrize(
    ("backward", "sentence"),
    [
        (lambda dy, saved: (), "returned no gradient"),
        (lambda dy, saved: dy[:1], r"shape \(1,\), wanted the input's \(3,\)"),
        (lambda dy, saved: dy.astype(np.float32), "is float32, wanted the input's float64"),
        (lambda dy, saved: dy * np.nan, "backward says nan"),
    ],
)
def test_what_is_wrong_besides_the_numbers_is_said(backward, sentence):
    report = check_gradients((lambda x: (x + 0, None), backward), [np.ones(3)])
    assert not report.passed
    assert report.error == np.inf
    assert re.search(sentence, str(report))


def test_the_threshold_is_the_callers(rng):
    x = rng.standard_normal(6)
    assert check_gradients(square(2.0001), [x], threshold=1e-3).passed
    assert not check_gradients(square(2.0001), [x], threshold=1e-5).passed


@pytest.mark.parametrize("thing", [np.exp, 3, (1, 2, 3), (1, 2), "ab"])
def test_what_is_neither_op_nor_pair_nor_layer_is_refused(thing):
    with pytest.raises(UserError, match=r"an op, a pair .* or a layer"):
        check_gradients(thing, [np.ones(2)])


def test_nothing_to_check_is_refused():
    with pytest.raises(UserError, match="nothing to check"):
        check_gradients(OPS["softmax"], [])


@pytest.mark.parametrize(
    ("f", "inputs", "options", "sentence"),
    [
        (OPS["softmax"], np.ones((2, 3)), {}, r"a list or a dict of arrays, got one ndarray: write \[x\]"),
        (OPS["softmax"], [np.ones((0, 3))], {}, r"input0 must be .* at least one, got float64 \(0, 3\)"),
        (OPS["softmax"], [[1.0, 2.0]], {}, "input0 must be an array of real numbers, .* got list"),
        (OPS["softmax"], {"x": np.ones(3, complex)}, {}, r"x must be .* got complex128 \(3,\)"),
        (Linear(4, 3, rng=np.random.default_rng(0)), [], {}, "a layer takes one input, an array, got 0"),
        (Linear(4, 3, rng=np.random.default_rng(0)), [None], {}, "a layer takes one input, an array, got 0"),
        (Linear(4, 3, rng=np.random.default_rng(0)), [np.ones((2, 4))] * 2, {}, "a layer takes one input, an array, got 2"),
        (OPS["softmax"], [np.ones(3)], {"options": {"rng": np.random.default_rng(0)}}, r"must be a function .* lambda"),
        (OPS["softmax"], [np.ones(3)], {"step": 0}, "step must be above 0 and finite, got 0"),
        (OPS["softmax"], [np.ones(3)], {"step": np.nan}, "step must be above 0 and finite, got nan"),
    ],
)  # fmt: skip
def test_misuse_gets_one_sentence(f, inputs, options, sentence):
    with pytest.raises(UserError, match=sentence):
        check_gradients(f, inputs, **options)
