"""The backward of one token's layer norm as the three terms that it is: direct, through the mean, through rstd.

    dx = rstd dx_hat  -  rstd mean(dx_hat)  -  rstd x_hat mean(dx_hat * x_hat),      dx_hat = dy * weight

The derivation stands in `tinyvit/ops/layer_norm.py`.
Source: Ba, Kiros, Hinton 2016, "Layer Normalization", arXiv:1607.06450.
"""

from typing import NamedTuple

from ..backend import Array, array_module
from .look import LogitGradients, Look


class NormGradients(NamedTuple):
    """Of one token, each (D,)."""

    x: Array  # the residual stream before the block
    x_hat: Array
    dy: Array
    dx_hat: Array  # dy * weight
    direct: Array
    through_mean: Array  # the same number in each feature
    through_rstd: Array
    dx: Array  # the sum of the three
    rstd: Array  # (), 1 / standard deviation


def norm_gradients(seen: Look, grads: LogitGradients, block: int, token: int, *, image: int = 0) -> NormGradients:
    """Follow the gradient of a logit that comes from a block's attention through the norm1 before it, for one token.

    Args:
        grads: of the logit, by `seen.backward`.

    Raises:
        UserError: there is no such block, token or image.
    """
    seen.check(block=block, token=token, image=image)
    saved = seen.saved.features.blocks[block].attn.norm
    row = image * seen.model.config.num_tokens + token
    x_hat, rstd, dy = saved.x_hat[row], saved.rstd[row, 0], grads.normed[block][image, token]
    dx_hat = dy * saved.weight
    direct = rstd * dx_hat
    through_mean = array_module(dy).full_like(dy, -1.0) * rstd * dx_hat.mean()
    through_rstd = -rstd * x_hat * (dx_hat * x_hat).mean()
    return NormGradients(
        x=seen.states[block][image, token],
        x_hat=x_hat,
        dy=dy,
        dx_hat=dx_hat,
        direct=direct,
        through_mean=through_mean,
        through_rstd=through_rstd,
        dx=direct + through_mean + through_rstd,
        rstd=rstd,
    )
