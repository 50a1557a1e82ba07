"""Cross-entropy: how surprised the model is by the truth, in nats, averaged over the batch.

    loss = -Σ_r weights[r] Σ_k targets[r, k] log_probs[r, k],   log_probs = logits - log Σ_j exp(logits_j)

The logarithm of softmax is taken in one piece (log-sum-exp, the maximum taken off first): no log of a rounded zero.
Without weights all R rows count alike, 1/R each. Label smoothing mixes the target with the uniform distribution:
(1 - s) * onehot + s / K.
Source: Szegedy et al. 2016, arXiv:1512.00567, section 7 (smoothing); Goodfellow et al. 2016, section 6.2.2.
"""

from typing import Any, NamedTuple

from ..backend import Array, array_module, is_host
from ..errors import UserError
from .floats import check_array, check_floats, check_shape, rounded, widened


class CrossEntropySaved(NamedTuple):
    probs: Array  # (R, K), softmax of the logits; zeros in rows of weight 0
    targets: Array  # (R, K), the distribution that was wanted, times the weight of its row where there are weights
    divisor: int  # what the sum over the rows is divided by: R, or 1 where there are weights
    dtype: Any  # of the logits, which may be narrower than what is computed with


def cross_entropy_forward(
    logits: Array, *, labels: Array, weights: Array | None = None, label_smoothing: float = 0.0
) -> tuple[Array, CrossEntropySaved]:
    """(R, K) and labels (R,) of integers, or soft targets (R, K) -> the loss, a scalar (0-d) of logits' dtype.

    Args:
        weights: (R,), how much each row counts; they add up to one. A row of weight 0 is ignored, whatever its label
            and its logits are: padding, say. To cut a batch into pieces, divide a piece's weights by their sum s and
            pass `dloss` = s: the pieces' gradients then add up to the batch's.

    Raises:
        UserError: logits, labels, weights or label_smoothing are invalid; the message says which.
    """
    check_logits(logits, label_smoothing)  # by hand what @takes_floats does: labels are no floats, weights other ones
    xp, dtype, logits = array_module(logits), logits.dtype, widened(logits)
    if weights is not None:
        check_weights(weights, len(logits))
    targets = _target_distribution(logits, labels, weights)
    if label_smoothing:
        targets = targets * (1.0 - label_smoothing) + label_smoothing / logits.shape[1]
    log_probs = logits - logits.max(axis=1, keepdims=True)
    log_probs -= xp.log(xp.exp(log_probs).sum(axis=1, keepdims=True))
    probs, divisor = xp.exp(log_probs), logits.shape[0]
    if weights is not None:
        row_weights, divisor = weights.astype(logits.dtype)[:, None], 1
        targets = xp.where(row_weights > 0, targets * row_weights, 0.0)  # 0 * NaN would be NaN, here
        probs = xp.where(row_weights > 0, probs, 0.0)  # and in the backward
    # A class of target 0 costs nothing, even at a logit of -inf, where 0 * -inf would be NaN.
    loss = -(targets * xp.where(targets == 0, 0.0, log_probs)).sum() / divisor
    return rounded(loss, dtype), CrossEntropySaved(probs, targets, divisor, dtype)


def cross_entropy_backward(dloss: Array | float, saved: CrossEntropySaved) -> Array:
    """0-d -> (R, K).

    ∂log_probs_j/∂logits_i = [i = j] - probs_i, where [i = j] is 1 if i is j and 0 if not, so for one row
    dlogits_i = -Σ_j targets_j ([i = j] - probs_i) = probs_i Σ_j targets_j - targets_i:
    what the model said minus what it should have said, times the weight of the row (which targets add up to).
    """
    probs, targets, divisor, dtype = saved
    dlogits = probs * targets.sum(axis=1, keepdims=True)
    dlogits -= targets
    dlogits *= widened(dloss) / divisor
    return rounded(dlogits, dtype)


def check_logits(logits: Array, label_smoothing: float = 0.0) -> None:
    """Check that a loss can be made of them.

    Raises:
        UserError: logits are not floats (R, K), or label_smoothing is not in 0..1.
    """
    check_floats("logits", logits)
    if logits.ndim != 2 or 0 in logits.shape:
        raise UserError(f"logits must be (R, K), at least one row and one class, got {logits.shape}: reshape them")
    if not 0 <= label_smoothing <= 1:
        raise UserError(f"label_smoothing must lie in 0..1, got {label_smoothing}: choose a share, such as 0.1")


def check_weights(weights: Array, rows: int) -> None:
    """Check that they weigh `rows` rows in a mean.

    Raises:
        UserError: their shape is another, or they are negative, or do not add up to one.
    """
    check_floats("weights", weights)
    check_shape("weights", weights, (rows,))
    if is_host(weights) and not ((weights >= 0).all() and abs(weights.sum() - 1) < 1e-3):
        raise UserError(f"weights must be at least 0 and add up to 1, got a sum of {weights.sum()}: divide them by it")


def _target_distribution(logits: Array, labels: Array, weights: Array | None) -> Array:
    """Labels (R,) as rows of zeros with a single one (R, K); soft targets as they are."""
    check_array("labels", labels)
    xp = array_module(logits)
    R, K = logits.shape
    # On a GPU looking at the values would make the host wait, so there the data sets' own checks must do.
    counted = labels[weights > 0] if weights is not None and is_host(labels) and len(labels) == R else labels
    if labels.shape == (R, K) and labels.dtype.kind == "f":
        if is_host(labels) and not ((counted >= 0).all() and (abs(counted.sum(axis=1) - 1) < 1e-3).all()):
            raise UserError("probabilities as labels must be at least 0 and add up to 1 in each row: normalise them")
        return labels.astype(logits.dtype)
    if labels.shape != (R,) or labels.dtype.kind not in "iu":
        raise UserError(
            f"labels must be integers ({R},) or probabilities ({R}, {K}), got {labels.dtype} {labels.shape}: "
            "convert or reshape them"
        )
    if is_host(labels) and not (counted.min() >= 0 and counted.max() < K):
        raise UserError(
            f"labels must lie in 0..{K - 1}, got {counted.min()}..{counted.max()}: give rows to ignore weight 0"
        )
    return (labels[:, None] == xp.arange(K)).astype(logits.dtype)
