"""Digits are read in images as people take them: few of each kind here, more with `python -m tests.images.scenes`."""

from pathlib import Path

import numpy as np
import pytest

from tests.images import scenes
from tinyvit.errors import UserError
from tinyvit.evaluation.pages import DigitReader
from tinyvit.evaluation.predict import predict_batch
from tinyvit.images.own_image import prepare_digit
from tinyvit.training import load_classifier

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"


def misread(kinds, count, seed):
    """Which kinds were misread or not seen, a name for each digit."""
    model, preprocessing = load_classifier(MODEL)
    digits, labels = scenes.test_digits(count, seed)
    rng = np.random.default_rng(seed)
    missed = []
    for kind in kinds:
        for digit, label in zip(digits, labels, strict=True):
            try:
                image, _ = prepare_digit(scenes.photographed(kind(digit, rng), rng))
            except UserError:
                missed.append(kind.__name__)
                continue
            guess = predict_batch(model, image[None], preprocessing.mean, preprocessing.std).argmax()
            missed += [kind.__name__] * int(guess != label)
    return missed


def test_a_digit_is_read_in_some_scenes():
    assert misread(scenes.TUNED[::6], 1, seed=11) == []


@pytest.mark.slow
def test_a_digit_is_read_in_every_scene():
    assert len(misread(scenes.TUNED, 1, seed=11)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", scenes.TUNED, ids=lambda kind: kind.__name__)
def test_nineteen_of_twenty_are_read(kind):
    assert len(misread([kind], 60, seed=13)) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [scenes.SECOND, scenes.THIRD], ids=["second", "third"])
def test_hardly_anything_is_wrong_and_sure_in_other_scenes(kinds):
    reader = DigitReader(*load_classifier(MODEL))
    indexed = enumerate(kinds)  # with other digits in each, so that a hard one counts once
    verdicts = [found for index, kind in indexed for found in scenes.of_scene(reader, kind, 10, 31 + index)]
    assert np.mean([found in ("right", "right, marked") for found in verdicts]) >= 0.94
    assert np.mean([found == "wrong" for found in verdicts]) <= 0.03
