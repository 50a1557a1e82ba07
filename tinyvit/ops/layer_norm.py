"""Layer norm: each token is moved to mean 0 and scaled to variance 1, then scaled and shifted by learned parameters.

    x_hat = (x - mean) * rstd,   rstd = 1 / sqrt(variance + eps),   y = x_hat * weight + bias

Source: Ba, Kiros, Hinton 2016, "Layer Normalization", arXiv:1607.06450.
"""

from typing import NamedTuple

from ..backend import Array, array_module, column_sum, row_mean
from ..errors import UserError
from .floats import check_shape, takes_floats, takes_gradients


class LayerNormSaved(NamedTuple):
    """x itself is not needed: every formula of the backward is in terms of x_hat. R is all leading axes as one."""

    x_hat: Array  # (R, D)
    rstd: Array  # (R, 1), 1 / standard deviation
    weight: Array  # (D,)


@takes_floats
def layer_norm_forward(x: Array, weight: Array, bias: Array, *, eps: float = 1e-6) -> tuple[Array, LayerNormSaved]:
    """(..., D), (D,), (D,) -> (..., D).

    Adding the same number to a whole row changes nothing, so each row's first number is taken off before the mean is.
    Where all are nearly alike that is exact, while float32's mean of 1e6 and 1e6 + 0.1 is off by what they differ.

    Raises:
        UserError: there is no feature, weight or bias is not (D,), or eps is negative or NaN.
    """
    if not x.shape[-1] or not eps >= 0:
        raise UserError(f"layer norm needs at least one feature and an eps of at least 0, got {x.shape} and {eps}")
    check_shape("weight", weight, x.shape[-1:])
    check_shape("bias", bias, x.shape[-1:])
    rows = x.reshape(-1, x.shape[-1])
    x_hat = rows - rows[:, :1]
    x_hat -= row_mean(x_hat)  # (R, D), still without the scale
    rstd = 1.0 / array_module(x).sqrt(row_mean(x_hat * x_hat) + eps)  # (R, 1)
    x_hat *= rstd
    y = x_hat * weight
    y += bias
    return y.reshape(x.shape), LayerNormSaved(x_hat, rstd, weight)


@takes_gradients
def layer_norm_backward(dy: Array, saved: LayerNormSaved) -> tuple[Array, Array, Array]:
    """(..., D) -> dx (..., D), dweight (D,), dbias (D,).

    From y = x_hat * weight + bias:  dbias = Σ dy,  dweight = Σ dy * x_hat,  dx_hat = dy * weight.
    Then x_hat_j = (x_j - mean) rstd depends on x_i along three paths, and dx_i adds them up:
      directly         ∂x_hat_i/∂x_i = rstd               dx_hat_i rstd
      through mean     ∂mean/∂x_i = 1/D                   Σ_j dx_hat_j (-rstd) / D         = -rstd mean(dx_hat)
      through rstd     ∂rstd/∂x_i = -rstd² x_hat_i / D    Σ_j dx_hat_j (x_j - mean) (-rstd² x_hat_i / D)
                                                                              = -rstd x_hat_i mean(dx_hat * x_hat)
    (∂variance/∂x_i = 2 (x_i - mean) / D: the way through its mean is Σ_j (x_j - mean) = 0, so nothing.)
    So whatever part of dx_hat would only shift the row, or (but for eps) only stretch it, is taken out.
    """
    x_hat, rstd, weight = saved
    dy_rows = dy.reshape(x_hat.shape)
    product = dy_rows * x_hat
    dbias = column_sum(dy_rows)
    dweight = column_sum(product)
    weight_over_D = weight.reshape(-1, 1) / weight.size  # dy_rows @ this = mean(dy_rows * weight) of each row: (R, 1)
    dx = dy_rows * weight  # dx_hat
    dx -= dy_rows @ weight_over_D  # mean(dx_hat)
    dx -= array_module(dy).multiply(x_hat, product @ weight_over_D, out=product)  # x_hat * mean(dx_hat * x_hat)
    dx *= rstd
    return dx.reshape(dy.shape), dweight, dbias
