"""Modulation: what is known of a whole image (its class, a time) shifts, scales and gates the features of its tokens.

    modulate:  y[b, n] = x[b, n] (1 + scale[b]) + shift[b]      after a layer norm: adaptive layer norm, adaLN
    gate:      y[b, n] = x[b, n] gate[b]                        at the end of a residual branch

With shift, scale and gate at 0, the norm stays as it is and the branch is silent: so a network starts as the identity.
Source: Peebles, Xie 2023, "Scalable Diffusion Models with Transformers", arXiv:2212.09748, section 3.2 (adaLN-Zero);
Perez et al. 2018, "FiLM", arXiv:1709.07871.
"""

from typing import NamedTuple

from ..backend import Array
from .floats import check_shape, takes_floats, takes_gradients


class ModulateSaved(NamedTuple):
    x: Array  # (B, N, D)
    scale: Array  # (B, D)


class GateSaved(NamedTuple):
    x: Array  # (B, N, D)
    gate: Array  # (B, D)


@takes_floats
def modulate_forward(x: Array, shift: Array, scale: Array) -> tuple[Array, ModulateSaved]:
    """(B, N, D), (B, D), (B, D) -> (B, N, D).

    Raises:
        UserError: the shapes are others.
    """
    check_shape("x", x, ("B", "N", "D"))
    for name, vector in (("shift", shift), ("scale", scale)):
        check_shape(name, vector, (x.shape[0], x.shape[2]))
    y = x * (1.0 + scale)[:, None]
    y += shift[:, None]
    return y, ModulateSaved(x, scale)


@takes_gradients
def modulate_backward(dy: Array, saved: ModulateSaved) -> tuple[Array, Array, Array]:
    """(B, N, D) -> dx (B, N, D), dshift (B, D), dscale (B, D).

    A product's factor has the other factor as its derivative, a term has 1:  dx = dy (1 + scale),  and for what all
    tokens of an image share, summed over them:  dscale = Σ_n dy[n] x[n],  dshift = Σ_n dy[n].
    """
    x, scale = saved
    return dy * (1.0 + scale)[:, None], dy.sum(axis=1), (dy * x).sum(axis=1)


@takes_floats
def gate_forward(x: Array, gate: Array) -> tuple[Array, GateSaved]:
    """(B, N, D), (B, D) -> (B, N, D).

    Raises:
        UserError: the shapes are others.
    """
    check_shape("x", x, ("B", "N", "D"))
    check_shape("gate", gate, (x.shape[0], x.shape[2]))
    return x * gate[:, None], GateSaved(x, gate)


@takes_gradients
def gate_backward(dy: Array, saved: GateSaved) -> tuple[Array, Array]:
    """(B, N, D) -> dx (B, N, D), dgate (B, D): a product, and the gate is shared by all tokens of an image."""
    x, gate = saved
    return dy * gate[:, None], (dy * x).sum(axis=1)
