"""Digits are read in pictures as people take them: few of each kind here, more with `python tests/datasets/scenes.py`."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets.own_image import prepare_digit
from tinyvit.errors import UserError
from tinyvit.training import load_classifier
from tinyvit.training.evaluate import predict_batch

sys.path.append(str(Path(__file__).parent))

import scenes

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"


def misread(kinds, count, seed):
    """Which kinds were misread or not seen, a name for each digit, of those that the model reads in MNIST's form."""
    model, fed = load_classifier(MODEL)

    def read(images):
        return predict_batch(model, np.stack(images), fed.mean, fed.std).argmax(axis=1)

    digits, labels = scenes.test_digits(2 * count, seed)
    legible = np.flatnonzero(read(np.asarray(digits)[:, None]) == labels)[:count]
    rng = np.random.default_rng(seed)
    missed = []
    for kind in kinds:
        for row in legible:
            try:
                image, _ = prepare_digit(scenes.photographed(kind(digits[row], rng), rng))
            except UserError:
                missed.append(kind.__name__)
                continue
            missed += [kind.__name__] * int(read([image])[0] != labels[row])
    return missed


def test_a_digit_is_read_in_every_scene():
    assert len(misread(scenes.TUNED, 1, seed=11)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", scenes.TUNED, ids=lambda kind: kind.__name__)
def test_nineteen_of_twenty_are_read(kind):
    assert len(misread([kind], 40, seed=12)) <= 2
