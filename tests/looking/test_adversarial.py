"""Adversarial images: each pixel moves by epsilon at most, and the logit falls as the gradient says."""

import numpy as np
import pytest

from tests.support.looking import FEW, model_of
from tinyvit import UserError
from tinyvit.datasets import normalize
from tinyvit.looking import adversarial_step, look

MEAN, STD = 0.3, 0.25


@pytest.mark.parametrize("name", [*FEW, "mean pooling", "registers"])
@pytest.mark.parametrize("target", [0, 2])
def test_the_logit_falls_as_the_gradient_says(name, target, rng):
    """A step of a thousandth of a grey level: to first order by epsilon / 255 / std * Σ |dlogit/dx|."""
    model = model_of(name, rng)
    pixels = rng.uniform(50, 200, (2, *model.config.input_shape))
    seen = look(model, normalize(pixels, MEAN, STD, np.float64))
    dimages = seen.backward(target).images
    moved = pixels - 1e-3 * (pixels - adversarial_step(pixels, dimages, epsilon=1))  # float32 has no such small step
    falls = seen.logits[:, target] - model.predict(normalize(moved, MEAN, STD, np.float64))[:, target]
    np.testing.assert_allclose(falls, 1e-3 / 255 / STD * np.abs(dimages).sum(axis=(1, 2, 3)), rtol=2e-2)
    assert (falls > 0).all()


@pytest.mark.parametrize("epsilon", [0, 1, 20, 255])
def test_whole_grey_levels_within_reach(epsilon, rng):
    pixels = rng.integers(0, 256, (1, 2, 5, 7), dtype=np.uint8)
    dimages = rng.standard_normal(pixels.shape)
    dimages[0, 0, 0] = 0
    moved = adversarial_step(pixels, dimages, epsilon=epsilon)
    np.testing.assert_array_equal(moved, np.clip(pixels.astype(int) - epsilon * np.sign(dimages), 0, 255))
    np.testing.assert_array_equal(moved[0, 0, 0], pixels[0, 0, 0])
    assert moved.dtype == np.float32


@pytest.mark.parametrize("epsilon", [-1, 256, 10**9])
def test_steps_that_are_none(epsilon):
    with pytest.raises(UserError, match="from 0 to 255"):
        adversarial_step(np.zeros(3), np.zeros(3), epsilon=epsilon)
