"""Words as tokens: against a loop, in any dtype of codes, and what is no word."""

import numpy as np
import pytest

from tinyvit import VisionTransformer
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.gradcheck.configs import WORD_MODELS
from tinyvit.layers import WordEmbed


def test_a_token_is_the_sum_of_its_characters_rows(rng):
    layer = WordEmbed(3, 5, rng=rng).astype(np.float64)
    codes = rng.integers(0, 128, (2, 3, 1, 4))
    tokens, saved = layer.forward(codes)
    dy = rng.standard_normal(tokens.shape)
    dx, grads = layer.backward(dy, saved)
    wanted, dweight = np.zeros((2, 4, 5)), np.zeros((3, 128, 5))
    rows = layer.proj.weight.reshape(3, 128, 5)
    for b, t, place in np.ndindex(2, 4, 3):
        wanted[b, t] += rows[place, codes[b, place, 0, t]]
        dweight[place, codes[b, place, 0, t]] += dy[b, t]
    np.testing.assert_allclose(tokens, wanted, atol=1e-12)
    np.testing.assert_allclose(grads["proj.weight"], dweight.reshape(384, 5), atol=1e-12)
    assert dx is None


def test_it_is_the_linear_layer_of_one_hot_codes(rng):
    layer = WordEmbed(2, 4, rng=rng).astype(np.float64)
    codes = rng.integers(0, 128, (3, 2, 1, 5))
    onehot = (codes[:, :, 0].swapaxes(1, 2)[..., None] == np.arange(128)).astype(np.float64).reshape(3, 5, 256)
    np.testing.assert_allclose(layer.forward(codes)[0], layer.proj.forward(onehot)[0], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint16])
def test_codes_of_any_integers(dtype, rng):
    layer = WordEmbed(16, 4, rng=rng)
    codes = rng.integers(0, 128, (2, 16, 1, 3))
    np.testing.assert_array_equal(layer.forward(codes.astype(dtype))[0], layer.forward(codes)[0])


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (np.zeros((2, 2, 1, 7)), "words are codes, integers, got float64"),
        (np.zeros((2, 2, 1, 6), int), r"\(B, 2, 1, 7\), got \(2, 2, 1, 6\)"),
        (np.zeros((2, 7, 2), int), r"got \(2, 7, 2\)"),
        (np.full((1, 2, 1, 7), 128), r"ids must lie in 0\.\.255"),
        (np.full((1, 2, 1, 7), -1), r"ids must lie in 0\.\.255"),
    ],
)
def test_what_is_no_word_is_refused(codes, sentence):
    model = VisionTransformer(WORD_MODELS["words"])
    with pytest.raises(UserError, match=sentence):
        model.forward(codes)
    with pytest.raises(UserError, match=sentence):
        model.predict(codes)


@pytest.mark.parametrize(("size", "patch"), [((2, 6), 1), (7, 1), ((2, 6), 2)])
def test_a_text_is_one_pixel_high(size, patch):
    with pytest.raises(UserError, match=r'stem="words" takes texts as images one pixel high'):
        ViTConfig(img_size=size, patch_size=patch, stem="words")


def test_a_model_of_words_is_saved_as_any_other(tmp_path, rng):
    model = VisionTransformer(WORD_MODELS["words"], rng=rng)
    model.save_pretrained(tmp_path / "m")
    twin = VisionTransformer.from_pretrained(tmp_path / "m")
    codes = rng.integers(0, 128, (3, 2, 1, 7))
    assert twin.config == model.config
    np.testing.assert_array_equal(twin.predict(codes), model.predict(codes))
    np.testing.assert_allclose(model.forward(codes)[0], model.predict(codes), atol=1e-6)
