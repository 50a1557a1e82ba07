"""Gradient checks of every op, layer and model, by finite differences."""

from .check import THRESHOLD, check_gradients
from .report import GradientReport

__all__ = ["THRESHOLD", "GradientReport", "check_gradients"]
