"""Flow matching: the mean squared error of the velocity from noise to an image, of a model that says the image.

A noisy image is a straight mixture x = (1 - t) image + t noise, at a time t from 0 to 1. The model is told x, t and the
class, and says the image; the velocity that follows, (x - image) / t, is compared with the true one.

Source: Lipman et al. 2023, arXiv:2210.02747; times: Esser et al. 2024, arXiv:2403.03206, section 3.1; that the model
says the image: Li, He 2025, arXiv:2511.13720.
"""

import numpy as np

from ..backend import Array, array_module
from ..layers import DiT, DiTSaved, Grads
from ..ops import mse_backward, mse_forward

TIME_MEAN = TIME_STD = 0.8  # of the logits of the times: noisy ones come often, where it is decided what an image shows
MIN_TIME = 0.1  # what the error is divided by at least: nearer to the image, all of it is noise in the data


def flow_matching(
    model: DiT,
    images: Array,
    noise: Array,
    times: Array,
    labels: Array,
    *,
    share: float = 1.0,
    weights: Array | None = None,
) -> tuple[Array, Grads]:
    """The mean loss (0-d) and the gradient of share * loss by every parameter.

    Args:
        images: (B, C, H, W), from -1 to 1.
        noise: (B, C, H, W), standard normal.
        times: (B,), from 0 to 1.
        labels: integers (B,); `num_classes` where the class is left out.
        weights: of the images (B,), adding up to one.
    """
    said, wanted, saved, least = velocities(model, images, noise, times, labels)
    loss, loss_saved = mse_forward(said, target=wanted, weights=weights)
    dsaid = mse_backward(share, loss_saved).reshape(images.shape)
    _, grads = model.backward(-dsaid / least, saved)
    return loss, grads


def velocities(
    model: DiT, images: Array, noise: Array, times: Array, labels: Array
) -> tuple[Array, Array, DiTSaved, Array]:
    """The velocity that follows from what the model says, and the true one (B, C*H*W); and what they were divided by,
    (B, 1, 1, 1).
    """
    t = times[:, None, None, None]
    least = array_module(t).maximum(t, MIN_TIME)
    x = (1.0 - t) * images + t * noise
    guess, saved = model.forward(x, times=times, labels=labels)
    said, wanted = (((x - image) / least).reshape(len(x), -1) for image in (guess, images))
    return said, wanted, saved, least


def logit_normal(z: np.ndarray) -> np.ndarray:
    """Standard normal numbers as times from 0 to 1, float32: their logits are normal, too."""
    return (1.0 / (1.0 + np.exp(-(TIME_MEAN + TIME_STD * z)))).astype(np.float32)
