"""Distillation: a student's distribution over the classes is pulled towards a teacher's, both softened.

    loss = T² Σ_r weights[r] Σ_k q[r, k] (log q[r, k] - log p[r, k])
    p = softmax(logits / T),   q = softmax(teacher_logits / T)

the Kullback-Leibler divergence of q from p. At a temperature T above 1, a teacher tells more of the classes that it did
not choose: that this 7 looks a little like a 1. T² keeps the gradients as large as those of the labels beside them.
Source: Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", arXiv:1503.02531, section 2; with
ViTs: Touvron et al. 2021, arXiv:2012.12877, equation 2.
"""

import math
from typing import Any, NamedTuple

from ..backend import Array, array_module
from ..errors import UserError
from .cross_entropy import check_logits, check_weights
from .floats import check_floats, check_shape, rounded, widened


class DistillationSaved(NamedTuple):
    error: Array  # (R, K), p - q
    scale: Array | float  # (R, 1), T times the weight of the row; or one number where all count alike
    dtype: Any  # of the logits, which may be narrower than what is computed with


def distillation_forward(
    logits: Array, *, teacher_logits: Array, temperature: float = 1.0, weights: Array | None = None
) -> tuple[Array, DistillationSaved]:
    """(R, K) and the teacher's (R, K) -> the loss, a 0-d array of logits' dtype; 0 where both say the same.

    Args:
        temperature: T, above 0.
        weights: (R,), how much each row counts; they add up to one. None where all count alike.

    Raises:
        UserError: the shapes, the weights or the temperature are invalid; the message says which.
    """
    check_logits(logits)
    check_floats("teacher_logits", teacher_logits)
    check_shape("teacher_logits", teacher_logits, logits.shape)
    if not 0 < temperature < math.inf:
        raise UserError(f"temperature must be above 0 and finite, got {temperature}: choose one from 1 to 10")
    dtype, logits = logits.dtype, widened(logits)
    row_weights: Array | float = 1.0 / len(logits)
    if weights is not None:
        check_weights(weights, len(logits))
        row_weights = weights.astype(logits.dtype)[:, None]
    log_p, p = _softened(logits, temperature)
    log_q, q = _softened(rounded(widened(teacher_logits), logits.dtype), temperature)
    loss = (row_weights * q * (log_q - log_p)).sum() * temperature**2
    return rounded(loss, dtype), DistillationSaved(p - q, row_weights * temperature, dtype)


def distillation_backward(dloss: Array | float, saved: DistillationSaved) -> Array:
    """0-d -> (R, K).

    As of cross-entropy with the target q, ∂/∂(logits / T) = p - q; the 1/T of the inner derivative takes one T of T²:
    dlogits = dloss weights T (p - q). q log q does not depend on the student.
    """
    error, scale, dtype = saved
    return rounded(widened(dloss) * (scale * error), dtype)


def _softened(logits: Array, temperature: float) -> tuple[Array, Array]:
    """Logarithm of the softmax at a temperature, and the softmax."""
    xp = array_module(logits)
    log_probs = (logits - logits.max(axis=1, keepdims=True)) / temperature
    log_probs -= xp.log(xp.exp(log_probs).sum(axis=1, keepdims=True))
    return log_probs, xp.exp(log_probs)
