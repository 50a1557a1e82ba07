"""erf against Python's own, which is right to the last bits."""

import math

import numpy as np
import pytest

from tinyvit.gradcheck.dual import derivatives, duals
from tinyvit.ops import erf
from tinyvit.ops.erf import BLOCK, FLOAT32_END, _normal_cdf_float32, normal_cdf


def test_float64_is_right_to_1e_15_of_the_value():
    tiny = np.logspace(-300, -1, 3001)
    x = np.concatenate([np.linspace(-7, 7, 28001), tiny, -tiny, [0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1)]])
    wanted = np.array([math.erf(v) for v in x])
    error = np.abs(erf(x) - wanted) / np.where(wanted == 0, 1, np.abs(wanted))
    assert error.max() < 1e-15


def test_float32_is_right_to_5e_7():
    x = np.linspace(-7, 7, 200_001).astype(np.float32)
    y = erf(x)
    assert y.dtype == np.float32
    assert np.abs(y - np.array([math.erf(v) for v in x])).max() < 5e-7


def test_normal_cdf_is_the_integral_of_the_bell_curve():
    x = np.linspace(-9, 9, 100_001)
    wanted = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x])
    assert np.abs(normal_cdf(x) - wanted).max() < 1e-15
    x32 = x.astype(np.float32)
    y = normal_cdf(x32)
    assert y.dtype == np.float32
    assert np.abs(y - wanted).max() < 2e-7
    # GELU multiplies by x: far to the left the product must vanish too.
    assert np.abs(x32 * y - x * wanted)[x < 0].max() < 3e-7


def test_gelus_slope_is_that_of_float32s_curve_within_5e_7():
    """Float32's Φ is a fitted formula; φ, in the backward, is the slope of the true Φ. Dual numbers know the fitted one's."""
    x = np.linspace(-FLOAT32_END, FLOAT32_END, 6_001)[1:-1]  # beyond the ends it is constant, and φ below 1e-8
    fitted = _normal_cdf_float32(duals(x, np.ones_like(x)))
    slope, bell = derivatives(fitted), np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    differences = slope - bell
    assert np.abs(differences).max() < 2e-7
    assert np.abs(x * differences).max() < 5e-7  # of GELU's slope, Φ + x φ
    assert np.abs(np.diff(x * differences)).max() < 1e-8  # no peak between the places that were looked at
    values = np.array([entry.value for entry in fitted])
    gate = _normal_cdf_float32(x.astype(np.float32))
    np.testing.assert_allclose(values, gate, atol=2e-7)  # of the same formula


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends(dtype):
    y = erf(np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30], dtype))
    np.testing.assert_allclose(y, [1, -1, np.nan, 0, 0, 1], atol=4e-7)
    assert np.signbit(y[4])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (BLOCK,), (BLOCK + 1,), (3, 5, 7)])
def test_any_shape_and_layout(dtype, shape, rng):
    x = rng.standard_normal((*shape, 2)).astype(dtype)[..., 0]
    kept = x.copy()
    y = erf(x)
    assert (y.shape, y.dtype) == (shape, dtype)
    np.testing.assert_allclose(y, np.vectorize(math.erf, otypes=[float])(x), atol=5e-7)
    np.testing.assert_array_equal(x, kept)
