"""Sampling: a straight way to what the model says, guidance by its formula, and pixels."""

import itertools

import numpy as np
import pytest

from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.evaluation.sampling import denoise, from_pixels, guess, sample, to_pixels
from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import DiT

CONFIG = ViTConfig(
    img_size=(4, 6), patch_size=2, in_chans=2, num_classes=3, embed_dim=4, depth=1, num_heads=2, mlp_ratio=1.5
)


class Sure:
    """A model that sees the same image in everything, or twice of it where no class is told."""

    config = CONFIG

    def __init__(self, image):
        self.image = image

    def forward(self, x, *, times, labels):
        return np.where((labels == 3)[:, None, None, None], 2 * self.image, self.image), None


@pytest.fixture
def model(rng):
    return shaken(DiT(CONFIG, rng=rng), rng)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_the_way_to_a_sure_guess_is_straight(steps, rng):
    image, noise = rng.standard_normal((2, 2, 4, 6)), rng.standard_normal((2, 2, 4, 6))
    way = list(denoise(Sure(image), noise, np.array([0, 1]), steps=steps))
    np.testing.assert_allclose([step.time for step in way], np.linspace(1, 0, steps + 1)[1:], atol=1e-15)
    for time, x, seen in way:
        np.testing.assert_allclose(x, (1 - time) * image + time * noise, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(seen, image)


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 2.0, 7.5])
def test_guidance_goes_from_what_is_seen_without_the_label(guidance, rng, model):
    x, labels = rng.standard_normal((3, 2, 4, 6)), np.array([0, 2, 1])
    told, free = (model.forward(x, times=np.full(3, 0.4), labels=to)[0] for to in (labels, np.array([3, 3, 3])))
    seen = guess(model, x, 0.4, labels, guidance=guidance)
    np.testing.assert_allclose(seen, free + guidance * (told - free), rtol=1e-10, atol=1e-12)
    sure = guess(Sure(np.ones((2, 4, 6))), x, 0.4, labels, guidance=guidance)
    np.testing.assert_allclose(sure, 2 - guidance)


def test_euler_follows_the_velocity(rng, model):
    """x' = x + (t' - t) v with v = (x - image) / t, step by step."""
    noise, labels = rng.standard_normal((2, 2, 4, 6)), np.array([2, 0])
    x, times = noise, np.linspace(1, 0, 6)
    for now, then in itertools.pairwise(times):
        image, _ = model.forward(x, times=np.full(2, now), labels=labels)
        x = x + (then - now) * (x - image) / now
    *_, last = denoise(model, noise, labels, steps=5)
    np.testing.assert_allclose(last.x, x, rtol=1e-9, atol=1e-10)


def test_samples_do_not_depend_on_their_batch(rng, model):
    """250 of them come in three batches."""
    labels = rng.integers(0, 3, 250)
    noise = rng.standard_normal((250, 2, 4, 6))
    images = sample(model, labels, noise, steps=3, guidance=2.0)
    assert images.dtype == np.uint8
    assert images.shape == (250, 2, 4, 6)
    for rows in (slice(0, 1), slice(90, 130), slice(249, 250)):
        np.testing.assert_array_equal(sample(model, labels[rows], noise[rows], steps=3, guidance=2.0), images[rows])
    assert sample(model, labels[:0], noise[:0]).shape == (0, 2, 4, 6)


def test_pixels_come_back_as_they_were():
    pixels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_pixels(from_pixels(pixels)), pixels)
    assert from_pixels(pixels).dtype == np.float32
    np.testing.assert_array_equal(to_pixels(np.array([-3.0, -1.0, 0.0, 1.0, 1.7])), [0, 0, 128, 255, 255])


@pytest.mark.parametrize("steps", [0, -1])
def test_no_step_is_refused(steps, rng, model):
    with pytest.raises(UserError, match=f"at least 1 step, got {steps}: choose about 30"):
        list(denoise(model, rng.standard_normal((1, 2, 4, 6)), np.array([0]), steps=steps))
