"""Readout: the logit of a class as a linear function of the residual stream's last state.

Norm, pooling and head are linear but for the norm's scale 1 / standard deviation and, in attention pooling, the weights
of the attention and what the MLP wrote. With these held at the values that this image gave them,

    logit = <dx, x> + constant

exactly: dx is the backward without the ways through them, and the constant is each bias on the way times its gradient,
and what that MLP wrote.
Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", on layer norm's scale held fixed.
"""

from typing import Any

from ..backend import Array, array_module
from ..layers import AttentionPool, LayerNorm
from ..ops.attention import by_head
from .look import Look, Targets


def readout(seen: Look, targets: Targets = None) -> tuple[Array, Array]:
    """dx (B, N, D) and constant (B,): what was added to the stream, a head's output say, added <dx, it> to the logit.
    Errors as for `Look.classes`.
    """
    model, saved, dlogits = seen.model, seen.saved, seen.dlogits(targets)
    zeros = array_module(dlogits).zeros((1, model.config.num_pooled), dlogits.dtype)
    constant = (dlogits * model.head.forward(zeros)[0]).sum(axis=1)  # the head's bias
    dx, _ = model.head.backward(dlogits, saved.head)  # (B, K) -> (B, D)
    dx, of_fc_norm = _through_norm(model.fc_norm, dx, saved.fc_norm)
    dx, of_pool = _through_pool(model.pool, dx, saved.pool)  # -> (B, N, D)
    dx, of_norm = _through_norm(model.norm, dx, saved.features.norm)
    return dx, constant + of_fc_norm + of_pool + of_norm


def _through_norm(norm: Any, dy: Array, saved: Any) -> tuple[Array, Any]:
    """y = (x - mean) * rstd * weight + bias, rstd fixed, backwards: dx in the shape of dy, and what the bias adds (B,).
    Of the three terms in `layer_norm_backward` the one through rstd is missing.
    """
    if not isinstance(norm, LayerNorm):  # there is none in this place
        return dy, 0.0
    dx = dy * norm.weight
    dx -= dx.mean(axis=-1, keepdims=True)
    of_bias = (dy @ norm.bias).reshape(len(dy), -1).sum(axis=1)
    return dx * saved.rstd.reshape(*dy.shape[:-1], 1), of_bias


def _through_pool(pool: Any, dy: Array, saved: Any) -> tuple[Array, Any]:
    """(B, D) -> dx (B, N, D), and what else the pool adds (B,); of `AttentionPool`, through its values alone."""
    if not isinstance(pool, AttentionPool):
        return pool.backward(dy, saved)[0], 0.0
    B, D = dy.shape
    weight, bias = (array[..., 2 * D :] for array in pool.qkv.parameters().values())  # of the values
    wrote, _ = pool.mlp.fc2.forward(saved.mlp.fc2.x)  # (B, D)
    dheads, _ = pool.proj.backward(dy[:, None], saved.proj)  # (B, 1, D)
    dv = saved.attention.weights.swapaxes(-1, -2) @ by_head(dheads, pool.num_heads)  # (B, h, L, d)
    dv = dv.swapaxes(1, 2).reshape(B, -1, D)
    prefix = array_module(dy).zeros((B, pool.num_prefix, D), dy.dtype)  # which it does not read
    dx = array_module(dy).concatenate([prefix, dv @ weight.T], axis=1)
    return dx, (dy * wrote).sum(axis=1) + dy @ pool.proj.bias + (dv @ bias).sum(axis=1)
