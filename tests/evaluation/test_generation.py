"""Made images beside real ones: agreement, distance and spread, by hand; and what is said where nobody judges."""

import numpy as np
import pytest

from tinyvit.evaluation.generation import Generation, Looks
from tinyvit.evaluation.metrics.frechet import frechet_distance

NOBODY = Looks(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


def looks(rng, n, shift=0.0, wrong=0):
    labels = np.arange(n) % 4
    classes = labels.copy()
    classes[:wrong] = (classes[:wrong] + 1) % 4
    return Looks(labels, classes, rng.standard_normal((n, 3)) + labels[:, None] + shift)


@pytest.fixture
def generation(rng):
    return Generation(np.array([0.2, 0.4, 0.3]), looks(rng, 40, 0.5, wrong=6), looks(rng, 40, wrong=1), looks(rng, 40))


def test_numbers_by_hand(generation):
    assert generation.loss == pytest.approx(0.3)
    assert generation.made.agreement == pytest.approx(34 / 40)
    assert generation.frechet == pytest.approx(frechet_distance(generation.made.features, generation.real.features))
    closeness = generation.frechet_of_real / generation.frechet
    assert list(generation.measures.items()) == [("agreement", 34 / 40), ("closeness", closeness)]
    assert "85.0 % of 40 samples are taken for their class (real: 97.5 %)" in generation.in_words


def test_spread_is_the_variance_within_classes(rng):
    labels, features = np.array([0, 0, 1, 1, 1, 2]), rng.standard_normal((6, 3))
    within = [features[:2].var(0).sum(), features[2:5].var(0).sum()]  # of the single one there is none
    assert Looks(labels, labels, features).spread == pytest.approx(np.mean(within))
    far = features + 100 * labels[:, None]  # how far classes are apart does not count
    assert Looks(labels, labels, far).spread == pytest.approx(np.mean(within))
    assert np.isnan(Looks(labels[:1], labels[:1], features[:1]).spread)


def test_all_alike_have_no_spread_and_are_far(rng):
    real, others = looks(rng, 40), looks(rng, 40)
    same = Looks(real.labels, real.labels, np.tile(real.features[:4], (10, 1)))
    alike = Generation(np.ones(3), same, real, others)
    assert alike.made.agreement == 1.0
    assert "0 % of that of real images" in alike.details
    assert alike.frechet > alike.frechet_of_real


def test_the_report_has_a_row_for_each_class(generation):
    lines = generation.report(["zero", "one", "two", "three"]).splitlines()
    assert lines[0].split() == ["class", "samples", "agree", "real", "else"]
    assert lines[2].split() == ["zero", "10", "0.8000", "0.9000", "one"]
    assert lines[5].split() == ["three", "10", "0.9000", "1.0000", "zero"]
    assert generation.in_words in lines


def test_parts_joined_are_the_whole(generation):
    parts = [
        Generation(losses, *(Looks(*(column[rows] for column in look)) for look in generation[1:]))
        for losses, rows in (([0.2], slice(0, 7)), ([0.4, 0.3], slice(7, 40)))
    ]
    whole = Generation.joined(parts)
    assert whole.measures == generation.measures
    assert whole.loss == generation.loss


@pytest.mark.parametrize("made", [NOBODY, Looks(*(x[:1] for x in looks(np.random.default_rng(1), 4)))])
def test_too_few_have_no_distance(made, generation):
    few = generation._replace(made=made)
    assert np.isnan(few.frechet)


def test_where_nobody_judges_the_loss_decides():
    alone = Generation(np.array([0.2, 0.4]), NOBODY, NOBODY, NOBODY)
    assert alone.measures == {"neg_loss": pytest.approx(-0.3)}
    assert alone.in_words == "loss 0.3000"
    assert alone.details == ""
    assert "no classifier was there" in alone.report(["a", "b"])
