"""Layer scale: a learned gain for each feature of a branch, which starts out nearly silent.

    y = x * gamma

Source: Touvron et al. 2021, "Going Deeper with Image Transformers", arXiv:2103.17239.
"""

from typing import NamedTuple

from ..backend import Array, column_sum
from .floats import check_shape, takes_floats, takes_gradients


class LayerScaleSaved(NamedTuple):
    x: Array  # (..., D)
    gamma: Array  # (D,)


@takes_floats
def layer_scale_forward(x: Array, gamma: Array) -> tuple[Array, LayerScaleSaved]:
    """(..., D), (D,) -> (..., D).

    Raises:
        UserError: there is not one gamma for each feature.
    """
    check_shape("gamma", gamma, x.shape[-1:])
    return x * gamma, LayerScaleSaved(x, gamma)


@takes_gradients
def layer_scale_backward(dy: Array, saved: LayerScaleSaved) -> tuple[Array, Array]:
    """(..., D) -> dx (..., D), dgamma (D,). The factor of a product is the derivative by the other factor."""
    x, gamma = saved
    return dy * gamma, column_sum((dy * x).reshape(-1, gamma.shape[0]))
