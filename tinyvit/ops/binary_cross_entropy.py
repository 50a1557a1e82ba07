"""Binary cross-entropy with logits: one yes or no for each class, where cross-entropy has one class of several.

    loss = -1/(B K) Σ_b Σ_k  y log σ(z) + (1 - y) log(1 - σ(z)),   z = logits[b, k], y = targets[b, k]

With log σ(z) = -softplus(-z), log(1 - σ(z)) = -softplus(z) and softplus(z) - softplus(-z) = z, a term is
    softplus(z) - y z = max(z, 0) - y z + log(1 + exp(-|z|)):
sigmoid and logarithm are taken in one piece, so that nothing overflows and no logarithm of a rounded zero is taken.
Label smoothing moves each target towards a half: (1 - s) y + s / 2.
Source: Goodfellow et al. 2016, "Deep Learning", sections 3.10 and 6.2.2.2.
"""

from typing import Any, NamedTuple

from ..backend import Array, array_module, is_host
from ..errors import UserError
from .cross_entropy import check_logits
from .floats import check_array, rounded, widened
from .sigmoid import sigmoid_forward


class BinaryCrossEntropySaved(NamedTuple):
    probs: Array  # (B, K), sigmoid of the logits
    targets: Array  # (B, K), the probabilities that were wanted
    dtype: Any  # of the logits, which may be narrower than what is computed with


def binary_cross_entropy_forward(
    logits: Array, *, labels: Array, label_smoothing: float = 0.0
) -> tuple[Array, BinaryCrossEntropySaved]:
    """(B, K) and labels (B, K), booleans or probabilities -> the loss, a 0-d array of logits' dtype.

    Raises:
        UserError: the logits have another shape or are none, the labels have another shape or kind or are no
            probabilities, or the smoothing is none.
    """
    check_logits(logits, label_smoothing)
    check_array("labels", labels)
    xp, dtype, logits = array_module(logits), logits.dtype, widened(logits)
    if labels.shape != logits.shape or labels.dtype.kind not in "bf":
        raise UserError(
            f"labels must be booleans or probabilities {logits.shape}, got {labels.dtype} {labels.shape}: "
            "give each image a yes or no for each class"
        )
    # On a GPU looking at the values would make the host wait, so there the data sets' own checks must do.
    if is_host(labels) and not ((labels >= 0) & (labels <= 1)).all():
        raise UserError("probabilities as labels must lie in 0..1: scale or clip them")
    targets = labels.astype(logits.dtype)
    if label_smoothing:
        targets = targets * (1.0 - label_smoothing) + label_smoothing / 2
    terms = xp.maximum(logits, 0.0)
    terms -= targets * logits
    terms += xp.log1p(xp.exp(-abs(logits)))
    return rounded(terms.mean(), dtype), BinaryCrossEntropySaved(sigmoid_forward(logits)[0], targets, dtype)


def binary_cross_entropy_backward(dloss: Array | float, saved: BinaryCrossEntropySaved) -> Array:
    """0-d -> (B, K).

    softplus'(z) = σ(z), so of one term ∂/∂z (softplus(z) - y z) = σ(z) - y: what the model said minus what it should
    have said, as with softmax, but no class takes anything from another. The mean divides by B K.
    """
    probs, targets, dtype = saved
    dlogits = probs - targets
    dlogits *= widened(dloss) / probs.size
    return rounded(dlogits, dtype)
