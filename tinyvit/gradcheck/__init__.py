"""Gradient checks of every op, layer and model: by finite differences, and by dual numbers without a step size."""

from .check import THRESHOLD, check_gradients
from .dual import Dual
from .exact import EXACT_THRESHOLD, check_exact
from .report import GradientReport

__all__ = ["EXACT_THRESHOLD", "THRESHOLD", "Dual", "GradientReport", "check_exact", "check_gradients"]
