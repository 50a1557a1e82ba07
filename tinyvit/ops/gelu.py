"""GELU: x times Φ(x), a smooth gate that lets large values through and small ones hardly.

    exact:  y = x Φ(x),  Φ(x) = (1 + erf(x/√2)) / 2          (PyTorch, timm, Hugging Face ViT)
    tanh:   y = x (1 + tanh(u)) / 2,  u = √(2/π) (x + 0.044715 x³)      (Google's JAX ViT, GPT-2)
    quick:  y = x σ(1.702 x),  σ(u) = 1 / (1 + exp(-u)) = (1 + tanh(u/2)) / 2      (OpenAI's CLIP)

The first two differ by less than 5e-4, the third from them by 0.02: enough to matter when a trained model's weights
meet another form than their own.
Source: Hendrycks, Gimpel 2016, "Gaussian Error Linear Units", arXiv:1606.08415.
"""

import math
from typing import NamedTuple

from ..backend import Array, array_module
from .erf import normal_cdf
from .floats import takes_each_float, takes_gradients

TANH_CUBIC = 0.044715
TANH_SCALE = math.sqrt(2 / math.pi)
QUICK_SCALE = 1.702


class GeluSaved(NamedTuple):
    x: Array  # (...)
    gate: Array  # (...), the factor between 0 and 1 that x was multiplied by


@takes_each_float
def gelu_forward(x: Array) -> tuple[Array, GeluSaved]:
    """(...) -> (...), the exact form."""
    gate = normal_cdf(x)  # Φ(x)
    return x * gate, GeluSaved(x, gate)


@takes_gradients
def gelu_backward(dy: Array, saved: GeluSaved) -> Array:
    """(...) -> (...). The product rule: y' = Φ(x) + x φ(x), with the bell curve φ = Φ' = exp(-x²/2) / √(2π)."""
    x, gate = saved
    xp = array_module(x)
    # In place, a term at a time: a temporary array for each would cost more than the arithmetic.
    slope = x * x
    slope *= -0.5
    xp.exp(slope, out=slope)
    slope *= x
    slope *= 1 / math.sqrt(2 * math.pi)  # x φ(x)
    slope += gate  # y'
    slope *= dy  # dx
    return slope


@takes_each_float
def gelu_tanh_forward(x: Array) -> tuple[Array, GeluSaved]:
    """(...) -> (...), the tanh form."""
    gate = x * x
    gate *= TANH_CUBIC * TANH_SCALE
    gate += TANH_SCALE
    gate *= x  # u
    array_module(x).tanh(gate, out=gate)
    gate *= 0.5
    gate += 0.5
    return x * gate, GeluSaved(x, gate)


@takes_gradients
def gelu_tanh_backward(dy: Array, saved: GeluSaved) -> Array:
    """(...) -> (...). The product rule: y' = gate + x gate', and gate' = (1 - tanh²u) u' / 2 = gate (1 - gate) 2u'."""
    x, gate = saved
    slope = x * x
    slope *= 6 * TANH_CUBIC * TANH_SCALE
    slope += 2 * TANH_SCALE  # 2u'
    slope *= x
    slope *= 1.0 - gate
    slope += 1.0
    slope *= gate  # y'
    slope *= dy  # dx
    return slope


@takes_each_float
def gelu_quick_forward(x: Array) -> tuple[Array, GeluSaved]:
    """(...) -> (...), the quick form."""
    gate = x * (0.5 * QUICK_SCALE)
    array_module(x).tanh(gate, out=gate)
    gate *= 0.5
    gate += 0.5  # σ(1.702 x), and no exp that could overflow
    return x * gate, GeluSaved(x, gate)


@takes_gradients
def gelu_quick_backward(dy: Array, saved: GeluSaved) -> Array:
    """(...) -> (...). The product rule: y' = gate + x gate', and with σ' = σ (1 - σ), gate' = 1.702 gate (1 - gate)."""
    x, gate = saved
    slope = x * QUICK_SCALE
    slope *= 1.0 - gate
    slope += 1.0
    slope *= gate  # y'
    slope *= dy  # dx
    return slope
