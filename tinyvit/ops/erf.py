"""The normal distribution's Φ and the error function, which NumPy lacks and the exact GELU needs.

    erf(x) = 2/√π ∫₀ˣ exp(-t²) dt,   Φ(x) = (1 + erf(x/√2)) / 2: the share of normally distributed numbers below x

- float32: Φ(x) = (1 + tanh(x P(x²))) / 2, with a polynomial fitted for this file so that the largest error is as small
  as it gets: within 2e-7, and cheap, as NumPy's float32 tanh is. The tanh GELU is the same with a P of two terms.
  GELU's backward takes the bell curve φ for the slope, that of the true Φ; the slope of the fitted one differs from it
  by at most 2e-7, and GELU's by 5e-7, about what float32 rounds (`tests/ops/test_erf.py` measures it by dual numbers).
- float64: erf(x) as two quotients of polynomials, one for small |x| and one for the tail, good to the last bits.
  Cody 1969, "Rational Chebyshev Approximation for the Error Function", Math. Comp. 23, tables II and III.
"""

import math
from collections.abc import Callable, Sequence

from ..backend import Array, array_module, native_erf
from .floats import check_floats, is_narrow

# Highest power first, as everywhere below. Beyond |x| = 6 the tanh is -1 or 1 in float32.
FLOAT32_END = 6.0
FLOAT32_P = (1.75616977e-9, -1.3226331e-7, 3.96474388e-6, -5.53061909e-5, -3.2594980e-5, 3.6333084e-2,
             7.97884941e-1)  # fmt: skip

# Cody: erf(x) = x P(x²)/Q(x²) for |x| <= 0.5, and 1 - exp(-x²) R(x)/S(x) beyond.
CODY_P = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
          3.20937758913846947e3)  # fmt: skip
CODY_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
CODY_R = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
          2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
          1.23033935479799725e3)  # fmt: skip
CODY_S = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
          3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip

BLOCK = 65536  # numbers worked on at a time, so that the temporaries stay in the processor's cache


def normal_cdf(x: Array) -> Array:
    """Φ of each number, in x's shape and dtype: within 2e-7 in float32, within 1e-15 in float64."""
    if native_erf(x) is None and not _is_float64(x):
        return _in_blocks(_normal_cdf_float32, x)
    y = erf(x * math.sqrt(0.5))
    y += 1.0
    y *= 0.5
    return y


def erf(x: Array) -> Array:
    """erf of each number, in x's shape and dtype: within 4e-7 in float32, within 1e-15 of the value in float64.

    Raises:
        UserError: x holds other than floating-point numbers: results between 0 and 1 would be cut off to 0.
    """
    check_floats("x", x, least_axes=0)
    if is_narrow(x):
        return erf(x.astype("float64")).astype(x.dtype)
    native = native_erf(x)
    if native is not None:
        return native(x)
    if _is_float64(x):
        return _in_blocks(_erf_float64, x)
    y = _in_blocks(_normal_cdf_float32, x * math.sqrt(2))
    y *= 2.0
    y -= 1.0
    return array_module(x).copysign(y, x)  # about 0, where rounding would decide the sign


def _is_float64(x: Array) -> bool:
    """Whether to compute to float64's accuracy."""
    return x.dtype == array_module(x).float64


def _in_blocks(formula: Callable[[Array], Array], x: Array) -> Array:
    flat = x.reshape(-1)
    if flat.size <= BLOCK:
        return formula(flat).reshape(x.shape)
    y = array_module(x).empty(flat.shape, x.dtype)
    for start in range(0, flat.size, BLOCK):
        y[start : start + BLOCK] = formula(flat[start : start + BLOCK])
    return y.reshape(x.shape)


def _normal_cdf_float32(x: Array) -> Array:
    xp = array_module(x)
    x = xp.clip(x, -FLOAT32_END, FLOAT32_END)  # a third of what np.minimum and np.maximum cost
    y = _polynomial(FLOAT32_P, x * x)
    y *= x
    xp.tanh(y, out=y)
    y *= 0.5
    y += 0.5
    return y


def _erf_float64(x: Array) -> Array:
    xp = array_module(x)
    squared = xp.minimum(x * x, 0.25)
    small = x * _polynomial(CODY_P, squared) / _polynomial(CODY_Q, squared)
    tail = xp.minimum(xp.abs(x), 6.0)  # erf(6) is 1 to the last bit
    large = 1.0 - xp.exp(-tail * tail) * _polynomial(CODY_R, tail) / _polynomial(CODY_S, tail)
    return xp.where(xp.abs(x) <= 0.5, small, xp.copysign(large, x))


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """Horner's rule: ((c₀ x + c₁) x + c₂) x + ..."""
    y = x * coefficients[0]
    for c in coefficients[1:-1]:
        y += c
        y *= x
    y += coefficients[-1]
    return y
