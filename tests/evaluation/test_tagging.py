"""The result of tagging: words and entities counted, groups told apart, and a report and figures of all of it."""

import itertools

import numpy as np
import pytest

from tinyvit.datasets.sentences import GROUPS, TAGS, sentence_dataset
from tinyvit.evaluation.metrics.entities import count_entities
from tinyvit.evaluation.tagging import Tagging


@pytest.fixture(scope="module")
def data():
    return sentence_dataset(4, 40, 4)


def result(data, wrong, groups=True):
    """The truth with every `wrong`-th word's tag moved on by one."""
    tags = data.dev.labels.astype(np.int64)
    predictions = tags.copy()
    rows, places = np.nonzero(tags >= 0)
    predictions[rows[::wrong], places[::wrong]] = (predictions[rows[::wrong], places[::wrong]] + 1) % len(TAGS)
    names = tuple(GROUPS) if groups else ("all",)
    return Tagging(tags, predictions, np.arange(40.0), TAGS, np.arange(40) % len(names), names)


def test_the_truth_is_all_right(data):
    right = result(data, 10**6)._replace(predictions=data.dev.labels)
    groups = {"f1_seen": 1.0, "f1_unseen_names": 1.0, "f1_unseen_templates": 1.0, "f1_both_unseen": 1.0}
    assert right.measures == {"entity_f1": 1.0, "accuracy": 1.0} | groups
    alone = right._replace(groups=0 * right.groups, group_names=("all",))
    assert alone.measures == {"entity_f1": 1.0, "accuracy": 1.0}
    assert right.loss == 19.5
    assert "100.00 %" in right.in_words


@pytest.mark.parametrize("wrong", [2, 5, 11])
def test_measures_are_counted_by_hand(data, wrong):
    some = result(data, wrong)
    words = int((data.dev.labels >= 0).sum())
    assert some.accuracy == pytest.approx(1 - -(-words // wrong) / words)
    counts = count_entities(data.dev.labels, some.predictions, TAGS)
    assert some.measures["entity_f1"] == pytest.approx(
        2 * counts.right.sum() / (counts.found.sum() + counts.true.sum())
    )
    of_groups = [some.entities(group) for group in range(4)]
    np.testing.assert_array_equal(sum(np.stack(counts) for counts in of_groups), np.stack(some.entities()))


def test_parts_joined_are_the_whole(data):
    whole = result(data, 3)
    cuts = [0, 7, 25, 40]
    parts = [
        Tagging(*(x[a:b] for x in whole[:3]), TAGS, whole.groups[a:b], whole.group_names)
        for a, b in itertools.pairwise(cuts)
    ]
    joined = Tagging.joined(parts)
    assert joined.measures == whole.measures
    assert joined.report(TAGS) == whole.report(TAGS)
    assert joined.loss == whole.loss


def test_the_report_has_words_entities_and_groups(data):
    report = result(data, 4).report(TAGS)
    assert [title for title in report.splitlines() if title.startswith(("Words", "Whole"))] == [
        "Words, by tag",
        "Whole entities, by kind",
        "Whole entities, by what is new in the sentences",
    ]
    for name in (*TAGS, "PER", "DATE", *GROUPS, "micro avg", "macro avg", "weighted avg"):
        assert any(line.split(" 0.")[0].split(" 1.")[0].strip() == name for line in report.splitlines()), name
    assert "what is new" not in result(data, 4, groups=False).report(TAGS)


def test_figures(data, tmp_path):
    for groups in (True, False):
        figures = result(data, 4, groups=groups).figures(data.dev, TAGS)
        assert set(figures) == {"confusion", "sentences"}
        figures["sentences"].savefig(tmp_path / "sentences.png")
        texts = [text.get_text() for text in figures["sentences"].axes[0].texts]
        assert ("unseen names" in texts) == groups
        assert {"PER", "B-PER"} <= set(texts)
