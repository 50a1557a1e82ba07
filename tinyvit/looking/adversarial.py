"""Adversarial images by the fast gradient sign method: every pixel moves one small step against a class.

    x' = clip(x - epsilon sign(dlogit / dx), 0, 255)

To first order no other change of at most epsilon a pixel lowers the logit more.
Source: Goodfellow, Shlens, Szegedy 2015, "Explaining and Harnessing Adversarial Examples", arXiv:1412.6572, section 4;
there the loss is raised, here the logit of a chosen class is lowered.
"""

from ..backend import Array, array_module
from ..errors import UserError


def adversarial_step(pixels: Array, dimages: Array, *, epsilon: int) -> Array:
    """Images whose class the model believes less, as grey levels from 0 to 255, whole ones where `pixels` are.

    Args:
        pixels: grey levels 0 to 255, of any dtype, (B, C, H, W) or any shape.
        dimages: the gradient of the logit in that shape, as `Look.backward` gives it. That it is taken at normalised
            pixels changes no sign.
        epsilon: grey levels by which a pixel may move, 0 to 255.

    Returns:
        float32, in the shape of `pixels`. Where the gradient is 0 a pixel stays.

    Raises:
        UserError: `epsilon` is not from 0 to 255.
    """
    if not 0 <= epsilon <= 255:
        raise UserError(f"epsilon is a number of grey levels from 0 to 255, got {epsilon}: choose about 20")
    step = float(epsilon) * array_module(dimages).sign(dimages).astype("float32")
    return (pixels.astype("float32") - step).clip(0.0, 255.0)
