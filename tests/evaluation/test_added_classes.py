"""The result of adding classes, counted by hand."""

import numpy as np
import pytest

from tinyvit.evaluation.added_classes import AddedClasses
from tinyvit.evaluation.classification import Classification

LABELS = np.array([0, 0, 1, 1, 2])
SAID = [0, 2, 1, 1, 2]


def result(labels=LABELS, said=SAID, before=0.9):
    probs = np.full((len(labels), 3), 0.1)
    probs[np.arange(len(labels)), said] = 0.8
    return AddedClasses(Classification.of(probs, labels), 2, before)


def test_old_and_new_classes_count_alike():
    assert result().measures == pytest.approx(
        {"average_accuracy": (0.75 + 1) / 2, "known_accuracy": 0.75, "new_accuracy": 1}
    )
    assert next(iter(result().measures)) == "average_accuracy"
    assert "75.00 % on classes known before and 100.00 % on new classes" in result().in_words
    assert result().details == "forgetting 15.00 points of 90.00 %"


def test_before_and_after_stand_beside_each_other():
    rows = [line.split() for line in result().report("abc").splitlines()]
    assert ["classes", "known", "before", "2", "4", "90.00", "75.00"] in rows
    assert ["new", "classes", "1", "1", "-", "100.00"] in rows


@pytest.mark.parametrize(("labels", "said", "measures"), [([2, 2], [2, 0], {"new_accuracy": 0.5})])
def test_forgetting_needs_images_of_known_classes(labels, said, measures):
    alone = result(np.array(labels), said, before=None)
    assert alone.measures == {"average_accuracy": 0.5, **measures}
    assert "could not be measured" in alone.details
    assert "known before  " not in alone.report("abc")


def test_parts_joined_are_the_whole():
    parts = [result(LABELS[:2], SAID[:2]), result(LABELS[2:], SAID[2:])]
    assert AddedClasses.joined(parts).report("abc") == result().report("abc")
