"""erf against Python's own, which is right to the last bits."""

import math

import numpy as np
import pytest

from tinyvit.ops import erf
from tinyvit.ops.erf import BLOCK, normal_cdf


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
