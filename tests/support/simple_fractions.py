"""Floats of the code as the fractions that are meant."""

from fractions import Fraction


def simplest(x: float) -> Fraction:
    """The simplest fraction that is rounded to `x`: 1/3 for 0.3333333333333333."""
    simple = Fraction(x).limit_denominator(10**6)
    return simple if float(simple) == x else Fraction(x)
