"""The result of judging words, counted by hand, beside the majority."""

import numpy as np
import pytest

from tinyvit.datasets import Split
from tinyvit.datasets.lexicon import letters
from tinyvit.evaluation.classification import Classification
from tinyvit.evaluation.sentiment import Sentiment

WORDS = ["hope", "hate", "calm", "mess", "wise"]
LABELS = np.array([1, 0, 1, 0, 1])
GOOD = np.array([0.9, 0.2, 0.4, 0.6, 0.7])


@pytest.fixture
def result():
    return Sentiment(Classification.of(np.stack([1 - GOOD, GOOD], axis=1), LABELS), np.array([0, 0, 1, 1, 1]))


def test_accuracy_stands_beside_the_majority(result):
    assert result.scores() == (0.6, 0.6, 5)
    assert result.scores(0) == (1.0, 0.5, 2)
    assert result.scores(1) == pytest.approx((1 / 3, 2 / 3, 3))
    assert result.measures == {"accuracy": 0.6, "above_majority": 0.0}
    assert result.in_words.startswith("accuracy 60.00 % (majority 60.00 %)")
    assert result.details == "stem seen: 100.00 % (majority 50.00 %); stem unseen: 33.33 % (majority 66.67 %)"


def test_a_group_without_words_is_left_out(result):
    alone = result._replace(groups=np.zeros(5, int))
    assert alone.details == "stem seen: 60.00 % (majority 60.00 %)"
    assert "nan" not in alone.report(["bad", "good"])


def test_parts_joined_are_the_whole(result):
    parts = [
        Sentiment(Classification.of(np.stack([1 - GOOD, GOOD], axis=1)[rows], LABELS[rows]), result.groups[rows])
        for rows in (slice(0, 3), slice(3, 5))
    ]
    assert Sentiment.joined(parts).report(["bad", "good"]) == result.report(["bad", "good"])


def test_figures(result, tmp_path):
    figures = result.figures(Split(letters(WORDS), LABELS), ["bad", "good"])
    assert set(figures) == {"confusion", "words"}
    figures["words"].savefig(tmp_path / "w.png")
    right, wrong = ([text.get_text() for text in axes.texts] for axes in figures["words"].axes)
    assert right == ["hope", "good 0.90", "hate", "bad 0.80", "wise", "good 0.70"]
    assert wrong == ["calm", "bad 0.60", "mess", "good 0.60"]
