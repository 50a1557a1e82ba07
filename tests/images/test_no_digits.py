"""What is no digit is refused or marked unsure, and digits are not: some of each here, all kinds with `pytest -m slow`."""

import numpy as np
import pytest

from tests.images import no_digits, scenes
from tests.images import no_digits_held_out as held_out
from tests.images import taken_for_digits as measure
from tests.support import others_slow
from tinyvit.evaluation.pages import DigitReader
from tinyvit.training import load_classifier

QUICK = (
    no_digits.bars, no_digits.arrow, no_digits.plus, no_digits.shape, held_out.cross, held_out.tick, held_out.dots,
    held_out.stick_figure,
)  # fmt: skip


@pytest.fixture(scope="module")
def reader():
    return DigitReader(*load_classifier(measure.MODEL))


@pytest.mark.parametrize("kind", others_slow(QUICK, fast=4), ids=lambda kind: kind.__name__)
def test_what_is_no_digit_is_not_taken_for_one(reader, kind):
    assert "taken" not in measure.of_kind(reader, kind, 3, seed=21)


def test_digits_of_mnist_are_not_marked(reader):
    assert measure.marked(reader, 80, seed=22) <= 0.05


@pytest.mark.slow
def test_digits_are_neither_marked_nor_refused(reader):
    kinds = enumerate(scenes.TUNED)  # with other digits in each, so that a hard one counts once
    verdicts = [verdict for index, scene in kinds for verdict in measure.of_scene(reader, scene, 15, seed=23 + index)]
    assert np.mean([verdict == "unsure" for verdict in verdicts]) <= 0.07
    assert np.mean([verdict == "refused" for verdict in verdicts]) <= 0.01
    assert measure.marked(reader, 1000, seed=23) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kinds", "most"), [(no_digits.TUNED, 0.16), (held_out.HELD_OUT, 0.2)], ids=["tuned on", "not tuned on"]
)
def test_few_images_without_a_digit_are_taken_for_one(reader, kinds, most):
    verdicts = [
        verdict for index, kind in enumerate(kinds) for verdict in measure.of_kind(reader, kind, 10, 24 + index)
    ]
    assert np.mean([verdict == "taken" for verdict in verdicts]) <= most
