"""Digits are read in pictures as people take them: few of each kind here, more with `python tests/datasets/scenes.py`."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets.own_image import prepare_digit
from tinyvit.training import load_classifier
from tinyvit.training.evaluate import predict_batch

sys.path.append(str(Path(__file__).parent))

import scenes

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"


def wrong(kinds, count, seed):
    """Which kinds were misread, a name for each digit."""
    model, fed = load_classifier(MODEL)
    digits, labels = scenes.test_digits(count, seed)
    rng = np.random.default_rng(seed)
    names, images = [], []
    for kind in kinds:
        for digit in digits:
            images.append(prepare_digit(scenes.photographed(kind(digit, rng), rng))[0])
            names.append(kind.__name__)
    guesses = predict_batch(model, np.stack(images), fed.mean, fed.std).argmax(axis=1)
    return [name for name, right in zip(names, guesses == np.tile(labels, len(kinds)), strict=True) if not right]


def test_a_digit_is_read_in_every_scene():
    assert len(wrong(scenes.TUNED, 1, seed=11)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", scenes.TUNED, ids=lambda kind: kind.__name__)
def test_nineteen_of_twenty_are_read(kind):
    assert len(wrong([kind], 60, seed=12)) <= 3
