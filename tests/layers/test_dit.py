"""The Diffusion Transformer: where it starts, what it looks at, and why a fresh one proves nothing."""

import math

import numpy as np
import pytest

from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import Attention, DiT, DiTBlock, time_features

SMALL = ViTConfig(
    img_size=(4, 6), patch_size=2, in_chans=2, num_classes=3, embed_dim=4, depth=1, num_heads=2, mlp_ratio=1.5
)
OPTIONS = {"times": np.array([0.2, 0.7]), "labels": np.array([1, 3])}


def test_fresh_blocks_change_and_fresh_models_say_nothing(rng):
    x = rng.standard_normal((2, 5, 6)).astype(np.float32)
    y, _ = DiTBlock(6, 2, 8, rng=rng).forward(x, rng.standard_normal((2, 6)).astype(np.float32))
    np.testing.assert_array_equal(y, x)
    images = rng.standard_normal((2, 2, 4, 6))
    assert not DiT(SMALL, rng=rng).astype(np.float64).forward(images, **OPTIONS)[0].any()


@pytest.mark.parametrize("how", ["fresh", "shaken"])
@pytest.mark.parametrize("broken", [False, True])
def test_fresh_gates_hide_mistakes_from_the_check(monkeypatch, rng, how, broken):
    """With attention's backward replaced by zeros, a fresh model passes: its gates are shut. A shaken one is found out."""
    model = DiT(SMALL, rng=rng)
    if how == "shaken":
        model = shaken(model, rng)
    whole = Attention.backward

    def nothing(self, dy, saved):
        dx, grads = whole(self, dy, saved)
        return 0 * dx, {name: 0 * grad for name, grad in grads.items()}

    if broken:
        monkeypatch.setattr(Attention, "backward", nothing)
    report = check_gradients(model, [rng.standard_normal((2, 2, 4, 6))], options=OPTIONS, full_up_to=20)
    assert report.passed == (how == "fresh" or not broken)


def test_time_label_and_image_matter_and_other_images_do_not(rng):
    model = shaken(DiT(SMALL, rng=rng), rng)
    images = rng.standard_normal((2, 2, 4, 6))
    y, _ = model.forward(images, **OPTIONS)
    for name, value in (("times", np.array([0.2, 0.71])), ("labels", np.array([1, 0]))):
        other, _ = model.forward(images, **OPTIONS | {name: value})
        np.testing.assert_allclose(other[0], y[0], rtol=1e-12)
        assert np.abs(other[1] - y[1]).max() > 1e-3
    changed = images.copy()
    changed[1, 0, 3, 5] += 1.0  # attention carries it to every patch
    assert (np.abs(model.forward(changed, **OPTIONS)[0][1] - y[1]) > 1e-9).all()


def test_time_features_are_cosines_then_sines():
    times = np.array([0.0, 0.25, 1.0])
    features = time_features(times, 6)
    for t, row in zip(times, features, strict=True):
        angles = [1000 * t / 10000 ** (i / 3) for i in range(3)]
        np.testing.assert_allclose(row, [math.cos(a) for a in angles] + [math.sin(a) for a in angles], atol=1e-12)
    assert time_features(times.astype(np.float32), 6).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x": np.zeros((2, 2, 4, 4))}, r"images must have the shape \(B, 2, 4, 6\), got \(2, 2, 4, 4\)"),
        ({"x": np.zeros((2, 2, 4, 6), np.float32)}, "images are float32 but the model is float64"),
        ({"labels": np.array([0, 4])}, r"ids must lie in 0\.\.3, got 0\.\.4"),
        ({"labels": np.array([0.0, 1.0])}, "ids must be integers, got float64"),
        ({"times": np.zeros(3)}, r"times must have the shape \(2,\), got \(3,\)"),
        ({"times": np.zeros((2, 1))}, "times must have the shape"),
        ({"labels": np.zeros((2, 1), int)}, "labels must have the shape"),
    ],
)
def test_other_images_times_and_labels_are_refused(change, sentence, rng):
    model = DiT(SMALL, rng=rng).astype(np.float64)
    given = {"x": np.zeros((2, 2, 4, 6)), **OPTIONS} | change
    with pytest.raises(UserError, match=sentence):
        model.forward(given.pop("x"), **given)
