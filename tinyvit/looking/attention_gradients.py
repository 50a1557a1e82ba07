"""The backward of one attention head, number by number: from the gradient of what it wrote to those of q, k and v.

For one token i that asks, and every token j that answers, the lines of `attention_backward` are

    y = Σ_j weights_j v_j             dv_j = weights_j dy        dweights_j = dy · v_j
    weights = softmax(scores)         dscores_j = weights_j (dweights_j - Σ weights dweights)
    scores_j = q · k_j / √d           dq = Σ_j dscores_j k_j / √d        dk_j = dscores_j q / √d

dv_j and dk_j are token i's share; all tokens that ask add up theirs.
Source: `tinyvit/ops/attention.py`, where the same is done for all tokens at once.
"""

from typing import NamedTuple

from ..backend import Array
from ..ops import SoftmaxSaved, softmax_backward
from ..ops.attention import by_head, split_heads
from .look import LogitGradients, Look


class AttentionGradients(NamedTuple):
    """Of one head of a block and one image; of the token that asks where there is no other axis."""

    q: Array  # (d,)
    k: Array  # (N, d)
    v: Array  # (N, d)
    scores: Array  # (N,), q · k / √d
    weights: Array  # (N,), their softmax
    dy: Array  # (d,)
    dweights: Array  # (N,)
    dscores: Array  # (N,)
    dq: Array  # (d,)
    dk_row: Array  # (N, d), the share of the token that asks
    dv_row: Array  # (N, d)
    dk: Array  # (N, d), of all tokens that ask
    dv: Array  # (N, d)


def attention_gradients(
    seen: Look, grads: LogitGradients, block: int, head: int, token: int, *, image: int = 0
) -> AttentionGradients:
    """Follow the gradient of a logit through one head, for the question of one token.

    Args:
        grads: of the logit, by `seen.backward`.

    Raises:
        UserError: there is no such block, head, token or image.
    """
    seen.check(block=block, head=head, token=token, image=image)
    num_heads = seen.model.config.num_heads
    q, k, v = (
        x[image, head] for x in split_heads(seen.saved.features.blocks[block].attn.body.attention.qkv, num_heads)
    )
    weights = seen.attention[block][image, head]  # (N, N), as all that follows of all tokens that ask
    dy = by_head(grads.heads[block], num_heads)[image, head]  # (N, d)
    scale = q.shape[-1] ** -0.5
    dweights = grads.attention[block][image, head]
    dscores = softmax_backward(dweights, SoftmaxSaved(weights))
    return AttentionGradients(
        q=q[token],
        k=k,
        v=v,
        scores=k @ q[token] * scale,
        weights=weights[token],
        dy=dy[token],
        dweights=dweights[token],
        dscores=dscores[token],
        dq=dscores[token] @ k * scale,
        dk_row=dscores[token][:, None] * q[token] * scale,
        dv_row=weights[token][:, None] * dy[token],
        dk=dscores.T @ q * scale,
        dv=weights.T @ dy,
    )
