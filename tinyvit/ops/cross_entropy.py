"""Cross-entropy: how surprised the model is by the truth, in nats, averaged over the batch.

    loss = -1/B Σ_b Σ_k targets[b, k] log_probs[b, k],   log_probs = logits - log Σ_j exp(logits_j)

The logarithm of softmax is taken in one piece (log-sum-exp, the maximum taken off first): no log of a rounded zero.
Label smoothing mixes the target with the uniform distribution: (1 - s) * onehot + s / K.
Source: Szegedy et al. 2016, arXiv:1512.00567, section 7 (smoothing); Goodfellow et al. 2016, section 6.2.2.
"""

from typing import NamedTuple

from ..backend import Array, array_module, is_host
from ..errors import UserError


class CrossEntropySaved(NamedTuple):
    probs: Array  # (B, K), softmax of the logits
    targets: Array  # (B, K), the distribution that was wanted


def cross_entropy_forward(
    logits: Array, *, labels: Array, label_smoothing: float = 0.0
) -> tuple[Array, CrossEntropySaved]:
    """(B, K) and labels (B,) of integers, or soft targets (B, K) -> the loss, a 0-d array of logits' dtype.

    Raises:
        UserError: the logits have another shape or are none, the labels have another shape or kind, name a class that
            is not there or are no probabilities, or the smoothing is none.
    """
    xp = array_module(logits)
    if logits.ndim != 2 or 0 in logits.shape:
        raise UserError(f"logits must be (B, K), at least one image and one class, got {logits.shape}: reshape them")
    if not 0 <= label_smoothing <= 1:
        raise UserError(f"label_smoothing must lie in 0..1, got {label_smoothing}: choose a share, such as 0.1")
    targets = _target_distribution(logits, labels)
    if label_smoothing:
        targets = targets * (1.0 - label_smoothing) + label_smoothing / logits.shape[1]
    log_probs = logits - logits.max(axis=1, keepdims=True)
    log_probs -= xp.log(xp.exp(log_probs).sum(axis=1, keepdims=True))
    # A class that nobody wanted costs nothing, even at a logit of -inf, where 0 * -inf would be NaN.
    loss = -(targets * xp.where(targets == 0, 0.0, log_probs)).sum() / logits.shape[0]
    return loss, CrossEntropySaved(xp.exp(log_probs), targets)


def cross_entropy_backward(dloss: Array | float, saved: CrossEntropySaved) -> Array:
    """0-d -> (B, K).

    ∂log_probs_j/∂logits_i = [i = j] - probs_i, so for one row
    dlogits_i = -Σ_j targets_j ([i = j] - probs_i) = probs_i Σ_j targets_j - targets_i:
    what the model said minus what it should have said (targets add up to one). The mean over the batch divides by B.
    """
    probs, targets = saved
    dlogits = probs * targets.sum(axis=1, keepdims=True)
    dlogits -= targets
    dlogits *= dloss / probs.shape[0]
    return dlogits


def _target_distribution(logits: Array, labels: Array) -> Array:
    """Labels (B,) as rows of zeros with a single one (B, K); soft targets as they are."""
    xp = array_module(logits)
    B, K = logits.shape
    # On a GPU looking at the values would make the host wait, so there the data sets' own checks must do.
    if labels.shape == (B, K) and labels.dtype.kind == "f":
        if is_host(labels) and not ((labels >= 0).all() and (abs(labels.sum(axis=1) - 1) < 1e-3).all()):
            raise UserError("probabilities as labels must be at least 0 and add up to 1 in each row: normalise them")
        return labels.astype(logits.dtype)
    if labels.shape != (B,) or labels.dtype.kind not in "iu":
        raise UserError(
            f"labels must be integers ({B},) or probabilities ({B}, {K}), got {labels.dtype} {labels.shape}"
        )
    if is_host(labels) and not (labels.min() >= 0 and labels.max() < K):
        raise UserError(f"labels must lie in 0..{K - 1}, got {labels.min()}..{labels.max()}")
    return (labels[:, None] == xp.arange(K)).astype(logits.dtype)
