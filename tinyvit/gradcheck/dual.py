"""Dual numbers: a number and its derivative, computed side by side.

    a + a'ε  with  ε² = 0,  so that  f(a + a'ε) = f(a) + f'(a) a'ε

for sums, products and exp, hence for all that is made of them: no step size, and no error but rounding. NumPy computes
with an array of objects by asking each for its own `+` and its own `exp`, so the ops of `ops/` run on arrays of dual
numbers as they are.
Source: Clifford 1873; Griewank, Walther 2008, "Evaluating Derivatives", chapter 3 (forward mode).
"""

import math
import operator
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np


def _operator(rule: Callable[..., tuple[Any, Any]]) -> Any:
    """The method for rule(a, a', b, b') -> the result and its derivative. A constant has the derivative 0."""

    def method(self: "Dual", other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy goes through it number by number
        b, db = (other.value, other.derivative) if isinstance(other, Dual) else (self.constant(other), 0)
        return type(self)(*rule(self.value, self.derivative, b, db))

    return method


def _function(name: str, slope: Callable[[Any, Any], Any]) -> Any:
    """The method for y = f(x), with slope(x, y) = f'(x): the chain rule."""

    def method(self: "Dual") -> "Dual":
        y = getattr(math, name)(self.value)
        return type(self)(y, slope(self.value, y) * self.derivative)

    return method


def _comparison(holds: Callable[[Any, Any], bool]) -> Any:
    """The method that compares values; derivatives do not count."""
    return lambda self, other: holds(self.value, other.value if isinstance(other, Dual) else other)


class Dual:
    """value + derivative ε. The derivative may be an array: of many directions at once."""

    __slots__ = ("derivative", "value")

    def __init__(self, value: Any, derivative: Any = 0.0):
        self.value, self.derivative = value, derivative

    def constant(self, x: Any) -> Any:
        """A number that stands in the code, as a value of this kind."""
        return x

    __add__ = __radd__ = _operator(lambda a, da, b, db: (a + b, da + db))
    __sub__ = _operator(lambda a, da, b, db: (a - b, da - db))
    __rsub__ = _operator(lambda a, da, b, db: (b - a, db - da))
    __mul__ = __rmul__ = _operator(lambda a, da, b, db: (a * b, da * b + a * db))
    __truediv__ = _operator(lambda a, da, b, db: (a / b, (da - a / b * db) / b))
    __rtruediv__ = _operator(lambda a, da, b, db: (b / a, (db - b / a * da) / a))
    __pow__ = _operator(lambda a, da, n, _: (a**n, n * a ** (n - 1) * da))  # to a constant power
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    exp = _function("exp", lambda x, y: y)
    log = _function("log", lambda x, y: 1 / x)
    log1p = _function("log1p", lambda x, y: 1 / (1 + x))
    sqrt = _function("sqrt", lambda x, y: 1 / (2 * y))
    tanh = _function("tanh", lambda x, y: 1 - y * y)
    erf = _function("erf", lambda x, y: 2 / math.sqrt(math.pi) * math.exp(-x * x))

    def __neg__(self) -> "Dual":
        return type(self)(-self.value, -self.derivative)

    def __abs__(self) -> "Dual":
        return self if self >= 0 else -self

    def conjugate(self) -> "Dual":
        """Itself, as of all real numbers: `np.var` asks for it."""
        return self

    def __repr__(self) -> str:
        return f"{self.value} + {self.derivative}ε"


Real.register(Dual)  # a kind of number that ops take (`ops/floats.py`)


def duals(values: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
    """Values (...) and their derivatives, (...) or (..., *shape), as an array (...) of `Dual`s."""
    array = np.empty(values.shape, object)
    for place in np.ndindex(values.shape):
        array[place] = Dual(values[place].item(), derivatives[place])
    return array


def derivatives(array: np.ndarray) -> np.ndarray:
    """Of an array (...) of `Dual`s and constants: float64, (...) or (..., *shape)."""
    of_entries = [entry.derivative if isinstance(entry, Dual) else 0.0 for entry in array.flat]
    stacked = np.stack(np.broadcast_arrays(*of_entries)) if of_entries else np.empty(0)
    return stacked.reshape(*array.shape, *stacked.shape[1:]).astype(np.float64)
