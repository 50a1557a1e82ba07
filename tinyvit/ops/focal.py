"""Focal loss: binary cross-entropy in which what is easy counts less, so that many easy noes do not drown one yes.

    loss = Σ_r w_r Σ_k -a (1 - p)^γ log p,   p = σ(z),   z = logit, a = α where the target is yes
                                                         z = -logit, a = 1 - α where it is no

p is the probability that the model gives to the truth, and (1 - p)^γ takes away what is known already: with γ = 2, a no
that is 90 % sure counts a hundredth. γ = 0 and α = 1/2 is half of the binary cross-entropy.
With log σ(z) = -softplus(-z) nothing overflows, and no logarithm of a rounded zero is taken.
Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv:1708.02002, section 3 and appendix B.
"""

from typing import Any, NamedTuple

from ..backend import Array, array_module
from ..errors import UserError
from .floats import check_array, check_floats, check_shape, rounded, widened
from .sigmoid import sigmoid_forward


class FocalSaved(NamedTuple):
    wrong: Array  # (..., K), 1 - p = σ(-z)
    surprise: Array  # (..., K), -log p = softplus(-z)
    sign: Array  # (..., K), dz/dlogit: 1 for yes, -1 for no
    scale: Array  # (..., K), w a
    gamma: float
    dtype: Any  # of the logits, which may be narrower than what is computed with


def focal_forward(
    logits: Array, *, targets: Array, weights: Array | None = None, alpha: float = 0.25, gamma: float = 2.0
) -> tuple[Array, FocalSaved]:
    """(..., K) -> the loss (0-d), summed over classes, and over rows with their weights.

    Args:
        targets: booleans (..., K), as `logits`.
        weights: (...), of the rows; None for their mean.
        alpha: α, how much of the loss is of yeses, 0..1.
        gamma: γ, at least 0.

    Raises:
        UserError: shapes or kinds are others, or α or γ out of their range.
    """
    check_floats("logits", logits)
    check_array("targets", targets)
    check_shape("targets", targets, logits.shape)
    if targets.dtype.kind != "b":
        raise UserError(f"targets must be booleans, got {targets.dtype}: give each score a yes or no")
    if not (0 <= alpha <= 1 and gamma >= 0):
        raise UserError(f"alpha must lie in 0..1 and gamma be at least 0, got {alpha} and {gamma}: choose others")
    xp, dtype, logits = array_module(logits), logits.dtype, widened(logits)
    scale = xp.where(targets, alpha, 1.0 - alpha).astype(logits.dtype)
    if weights is None:
        scale *= logits.shape[-1] / max(1, logits.size)
    else:
        check_floats("weights", weights)
        check_shape("weights", weights, logits.shape[:-1])
        scale *= weights.astype(logits.dtype)[..., None]
    sign = xp.where(targets, 1.0, -1.0).astype(logits.dtype)
    z = sign * logits
    wrong = sigmoid_forward(-z)[0]
    surprise = xp.maximum(-z, 0.0) + xp.log1p(xp.exp(-abs(z)))
    loss = (scale * wrong**gamma * surprise).sum()
    return rounded(loss, dtype), FocalSaved(wrong, surprise, sign, scale, gamma, dtype)


def focal_backward(dloss: Array | float, saved: FocalSaved) -> Array:
    """0-d -> (..., K).

    With q = 1 - p and s = -log p, a term is q^γ s, and dq/dz = -q p, ds/dz = -q, so
    d(q^γ s)/dz = γ q^(γ-1) (-q p) s - q^γ q = -q^γ (γ p s + q).
    The last is cross-entropy's, told less where q is small; the first, that to be sure makes the rest cheaper, too.
    """
    q, surprise, sign, scale, gamma, dtype = saved
    dlogits = gamma * (1.0 - q) * surprise
    dlogits += q
    dlogits *= q**gamma
    dlogits *= scale
    dlogits *= sign
    dlogits *= -widened(dloss)
    return rounded(dlogits, dtype)
