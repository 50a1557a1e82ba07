"""float16 in, float16 out, and float32 in between: every op, over the whole range; and what is no float is refused."""

import numpy as np
import pytest

from tinyvit import ops
from tinyvit.backend import to_numpy
from tinyvit.gradcheck.cases import op_cases
from tinyvit.ops import OPS
from tinyvit.ops.floats import is_narrow, takes_floats

CASES = [case for name in OPS for case in op_cases(name)]
EVERY_NUMBER = np.arange(2**16, dtype=np.uint16).view(np.float16)
FINITE = EVERY_NUMBER[np.isfinite(EVERY_NUMBER)]


def half(x):
    return None if x is None else x.astype(np.float16)


def double(x):
    return None if x is None else x.astype(np.float64)


def as_tuple(grads):
    return grads if isinstance(grads, tuple) else (grads,)


def assert_rounded_once(got, exact, what):
    """Within one unit in float16's last place of the exact value, float32's noise among larger numbers aside."""
    assert got.dtype == np.float16, what
    unit = np.spacing(np.abs(exact).astype(np.float16)).astype(np.float64) + 2e-6 * np.abs(exact).max(initial=0)
    with np.errstate(invalid="ignore"):
        assert (np.abs(to_numpy(got) - exact) <= unit).all(), what


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_op_rounds_float16_once(case, rng):
    op, inputs, options = case.build(rng)
    inputs = {name: half(x) for name, x in inputs.items()}
    y, saved = op.forward(*inputs.values(), **options)
    exact, exact_saved = op.forward(*map(double, inputs.values()), **options)
    assert_rounded_once(y, exact, "y")
    dy = np.asarray(rng.standard_normal(y.shape)).astype(np.float16)
    if "y" in saved._fields:  # the output is saved as it was given away
        exact_saved = exact_saved._replace(y=double(saved.y))
    pairs = zip(inputs, as_tuple(op.backward(dy, saved)), as_tuple(op.backward(double(dy), exact_saved)), strict=True)
    for name, grad, exact_grad in pairs:
        assert (grad is None) == (inputs[name] is None)
        if grad is not None:
            assert grad.shape == inputs[name].shape
            assert_rounded_once(grad, exact_grad, f"d{name}")


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "gelu_quick", "silu"])
def test_gelu_of_each_of_float16s_numbers(name):
    y, saved = OPS[name].forward(EVERY_NUMBER)
    with np.errstate(invalid="ignore"):
        exact, exact_saved = OPS[name].forward(EVERY_NUMBER.astype(np.float64))
    np.testing.assert_array_equal(y, exact.astype(np.float16))
    finite = np.isfinite(EVERY_NUMBER)
    with np.errstate(all="ignore"):
        dx = OPS[name].backward(np.full_like(y, 1.37), saved)[finite].astype(float)
        exact = OPS[name].backward(np.full_like(exact, np.float16(1.37)), exact_saved)[finite]
    assert (np.abs(dx - exact) <= np.spacing(np.abs(exact).astype(np.float16))).all()


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "gelu_quick", "silu"])
def test_gelu_takes_any_layout_of_float16(name, rng):
    x = half(rng.standard_normal((6, 4)))
    y, saved = OPS[name].forward(x.T[::2])
    np.testing.assert_array_equal(y, OPS[name].forward(np.ascontiguousarray(x.T[::2]))[0])
    assert saved.x.shape == y.shape == (2, 6)


def scores_of_attention(size, rng):
    qkv = rng.standard_normal((2, 7, 24)) * np.repeat([size, size, 1.0], 8)
    return ops.attention_forward, qkv, {"num_heads": 2}


@pytest.mark.parametrize(
    ("forward", "x", "options"),
    [
        (ops.softmax_forward, np.full((1, 300), 5.4), {}),  # the sum of the exps is 66,000
        (ops.softmax_forward, np.linspace(-60000, 60000, 4001)[None], {}),
        (ops.softmax_forward, np.linspace(-11, 0, 3000)[None], {}),
        (ops.mean_pool_forward, np.full((1, 50, 3), 60000.0), {"num_prefix": 1}),
        (ops.mean_pool_forward, np.tile([60000.0, -59000.0], 99).reshape(1, 198, 1), {"num_prefix": 0}),
        (ops.cross_entropy_forward, np.zeros((70, 3000)), {"labels": np.arange(70)}),
        (ops.cross_entropy_forward, np.tile([60000.0, -60000.0], (90, 1)), {"labels": np.arange(90) % 2}),
        scores_of_attention(300.0, np.random.default_rng(1)),
        scores_of_attention(30.0, np.random.default_rng(2)),
    ],
)
def test_what_float16_cannot_add_up_is_added_up(forward, x, options):
    y, _ = forward(half(x), **options)
    exact, _ = forward(double(half(x)), **options)
    if np.abs(exact).max() > np.finfo(np.float16).max:
        assert np.isinf(y)
    else:
        assert_rounded_once(y, exact, "y")


def test_products_of_large_numbers_may_cancel():
    x, weight = half(np.array([[250.0, 250.0, 1.0]])), half(np.array([[300.0], [-300.0], [7.0]]))
    assert ops.linear_forward(x, weight)[0] == 7.0  # in float16, inf - inf


@pytest.mark.parametrize(("mean", "spread", "eps"), [(0, 300, 1e-6), (0, 20000, 1e-12), (0, 1e-4, 1e-12), (50000, 3000, 1e-5), (1000, 0.5, 1e-12)])  # fmt: skip
def test_layer_norm_of_float16_over_the_whole_range(mean, spread, eps, rng):
    x = half((mean + spread * rng.standard_normal((9, 100))).clip(-65504, 65504))
    weight, bias = half(rng.standard_normal(100)), half(rng.standard_normal(100))
    y, saved = ops.layer_norm_forward(x, weight, bias, eps=eps)
    exact, exact_saved = ops.layer_norm_forward(double(x), double(weight), double(bias), eps=eps)
    assert_rounded_once(y, exact, "y")
    dy = half(rng.standard_normal(x.shape))
    with np.errstate(over="ignore"):
        for grad, wanted in zip(ops.layer_norm_backward(dy, saved), ops.layer_norm_backward(double(dy), exact_saved), strict=True):  # fmt: skip
            if np.abs(wanted).max() < 60000:
                assert_rounded_once(grad, wanted, "gradient")


@pytest.mark.parametrize("shift", [0.0, 3.0, -1e3, 1e4, 1e6, 3e-5])
@pytest.mark.parametrize("spread", [0.0, 1e-7, 3e-6, 1e-3])
@pytest.mark.parametrize("eps", [1e-12, 1e-6, 1e-5])
@pytest.mark.parametrize("D", [3, 64, 100, 768])
def test_layer_norm_of_nearly_constant_rows_in_float32(shift, spread, eps, D, rng):
    """However large the mean is beside what the numbers differ by: as if it had been computed in float64."""
    size = abs(shift) or 1.0
    x = (shift + spread * size * rng.standard_normal((5, D))).astype(np.float32)
    weight, bias = (rng.standard_normal(D).astype(np.float32) for _ in range(2))
    y, saved = ops.layer_norm_forward(x, weight, bias, eps=eps)
    exact, exact_saved = ops.layer_norm_forward(double(x), double(weight), double(bias), eps=eps)
    assert np.abs(y - exact).max() < 1e-5
    dy = rng.standard_normal(x.shape).astype(np.float32)
    for grad, wanted in zip(ops.layer_norm_backward(dy, saved), ops.layer_norm_backward(double(dy), exact_saved), strict=True):  # fmt: skip
        roads = np.abs(dy).max() * np.abs(weight).max() * exact_saved.rstd.max() if grad.shape == x.shape else 1.0
        assert np.abs(grad - wanted).max() < 1e-5 * max(roads, np.abs(wanted).max())


def test_layer_norm_in_float64_is_what_it_was(rng):
    """The float64 that the test above compares with, by the formula itself."""
    x = 1e4 + rng.standard_normal((5, 64))
    y, _ = ops.layer_norm_forward(x, np.ones(64), np.zeros(64), eps=1e-6)
    centred = x.astype(np.longdouble) - x.astype(np.longdouble).mean(-1, keepdims=True)
    np.testing.assert_allclose(y, centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bfloat16_too(case, rng):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    op, inputs, options = case.build(rng)
    inputs = {name: None if x is None else x.astype(bfloat16) for name, x in inputs.items()}
    y, saved = op.forward(*inputs.values(), **options)
    exact, _ = op.forward(*map(double, inputs.values()), **options)
    assert y.dtype == bfloat16
    np.testing.assert_allclose(y.astype(float), exact, rtol=2**-8, atol=1e-6)
    grads = as_tuple(op.backward(np.asarray(rng.standard_normal(y.shape)).astype(bfloat16), saved))
    assert {grad.dtype for grad in grads if grad is not None} == {np.dtype(bfloat16)}


def test_float16_beside_float32_is_float32(rng):
    x, weight = half(rng.standard_normal((3, 4))), rng.standard_normal((4, 5)).astype(np.float32)
    y, _ = ops.linear_forward(x, weight)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, x.astype(np.float32) @ weight)


def test_arrays_may_be_given_by_name(rng):
    x, weight, bias = half(rng.standard_normal((3, 4))), half(rng.standard_normal(4)), half(rng.standard_normal(4))
    y, _ = ops.layer_norm_forward(bias=bias, x=x, weight=weight, eps=0.1)
    np.testing.assert_array_equal(y, ops.layer_norm_forward(x, weight, bias, eps=0.1)[0])
    assert y.dtype == np.float16


def test_erf_of_float16_is_rounded_once():
    with np.errstate(all="ignore"):
        y = ops.erf(FINITE)
    np.testing.assert_array_equal(y, ops.erf(FINITE.astype(np.float64)).astype(np.float16))


def test_what_is_wide_enough_is_computed_as_it_is():
    seen = []
    takes_floats(lambda x: seen.append(x))(given := np.zeros(3, np.float32))
    assert seen[0] is given
    assert not is_narrow(np.zeros(2, np.int16))
