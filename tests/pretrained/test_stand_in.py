"""The model that lesson 16 opens computes what `transformers` computed with it, and its files are what they look like."""

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer
from tinyvit.course import stand_in_folder
from tinyvit.errors import UserError
from tinyvit.storage.tensors import read_arrays
from tinyvit.training import load_trained

FOLDER = stand_in_folder()


@pytest.fixture(scope="module")
def reference():
    return read_arrays(FOLDER / "reference.safetensors")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
def test_tokens_and_logits_are_those_of_the_reference(reference, dtype, tolerance):
    model = VisionTransformer.from_pretrained(FOLDER).astype(dtype)
    images = reference["pixel_values"].astype(dtype)
    found = [*model.hidden_states(images), model.predict(images)]
    wanted = [*(reference[f"hidden_states.{index}"] for index in range(model.config.depth + 1)), reference["logits"]]
    for ours, theirs in zip(found, wanted, strict=True):
        assert theirs.dtype == np.float64
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


def test_its_images_are_made_as_transformers_made_them(reference):
    preprocessing = load_trained(FOLDER)[1]
    found = [preprocessing.processor(Image.fromarray(picture)) for picture in reference["pictures"]]
    np.testing.assert_array_equal(found, reference["pixel_values"])
    assert preprocessing.class_names == ("zero", "one", "two", "three", "four")


def test_without_the_repository_it_is_missed_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr("tinyvit.course.trained.DATA", tmp_path)
    with pytest.raises(UserError, match="clone the repository"):
        stand_in_folder()
