"""Entities found: every pair of short sequences against a plain second way, and seqeval's own examples."""

import itertools

import numpy as np
import pytest

from tinyvit.evaluation.metrics.entities import EntityCounts, Span, count_entities, entity_report, kinds_of, spans

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def conlleval(tags):
    """Chunks by the shared task's own two questions: does one end before this word, does one start at it."""
    found, start = [], None
    for place in range(len(tags) + 1):
        before = tags[place - 1] if place else "O"
        here = tags[place] if place < len(tags) else "O"
        ends = before != "O" and (here == "O" or here[0] == "B" or here[2:] != before[2:])
        starts = here != "O" and (before == "O" or here[0] == "B" or here[2:] != before[2:])
        if ends:
            found.append((start, place, before[2:]))
        if starts:
            start = place
    return found


@pytest.mark.parametrize("length", range(6))
def test_spans_of_all_sequences_are_those_of_conlleval(length):
    for tags in itertools.product(TAGS, repeat=length):
        assert spans(tags) == conlleval(tags)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("B-PER I-PER O B-LOC", [(0, 2, "PER"), (3, 4, "LOC")]),  # seqeval's README
        ("I-PER I-PER", [(0, 2, "PER")]),  # a beginning without B, as in CoNLL-2003's data
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("B-PER I-LOC", [(0, 1, "PER"), (1, 2, "LOC")]),
        ("O I-LOC O", [(1, 2, "LOC")]),
        ("B-A-B I-A-B", [(0, 2, "A-B")]),
        ("", []),
    ],
)
def test_spans(tags, wanted):
    assert spans(tags.split()) == [Span(*span) for span in wanted]


def test_counts_and_averages_are_seqevals():
    """The example in seqeval's documentation: one entity of two a word too long; F1 0.50, of MISC 0, of PER 1."""
    names = ["O", "B-MISC", "I-MISC", "B-PER", "I-PER"]
    true = ["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]
    predicted = ["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]
    numbers = np.full((2, 2, 7), -1)
    for array, sentences in zip(numbers, (true, predicted), strict=True):
        for row, tags in zip(array, sentences, strict=True):
            row[: len(tags)] = [names.index(tag) for tag in tags]
    numbers[1, 1, 3:] = 3  # behind the last word, whatever is said does not count
    counts = count_entities(*numbers, names)
    np.testing.assert_array_equal(counts, [[0, 1], [1, 1], [1, 1]])
    assert counts.scores == (0.5, 0.5, 0.5)
    lines = [line.split() for line in entity_report(counts, kinds_of(names), digits=2).splitlines()]
    assert lines[2:4] == [["MISC", "0.00", "0.00", "0.00", "1"], ["PER", "1.00", "1.00", "1.00", "1"]]
    assert lines[5:] == [[name, "avg", "0.50", "0.50", "0.50", "2"] for name in ("micro", "macro", "weighted")]


def test_averages_differ_where_they_should():
    counts = EntityCounts(np.array([8, 1]), np.array([10, 4]), np.array([16, 2]))
    report = entity_report(counts, ["PER", "LOC"])
    f1 = 16 / 26, 2 / 6
    assert f"{18 / 32:.4f}" in report.splitlines()[5]  # micro
    assert f"{sum(f1) / 2:.4f}" in report.splitlines()[6]
    assert f"{(16 * f1[0] + 2 * f1[1]) / 18:.4f}" in report.splitlines()[7]


def test_of_nothing_all_is_zero():
    counts = count_entities(np.zeros((2, 3), int), np.zeros((2, 3), int), TAGS)
    assert counts.scores == (0.0, 0.0, 0.0)
    assert "nan" not in entity_report(counts, kinds_of(TAGS))


def test_a_kind_that_is_neither_there_nor_found_is_left_out():
    counts = EntityCounts(np.array([0, 3, 0]), np.array([0, 4, 2]), np.array([0, 3, 0]))
    report = entity_report(counts, ["DATE", "LOC", "PER"])
    assert report == entity_report(EntityCounts(*(line[1:] for line in counts)), ["LOC", "PER"])
    assert f"{3 / 4 / 2:.4f}" in report.splitlines()[6]  # macro average of precision, as seqeval's


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_random_tags_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    true, predicted = rng.integers(0, 5, (2, 40, 7))
    true[rng.random((40, 7)) < 0.1] = -1
    right = found = there = 0
    for a, b in zip(true, predicted, strict=True):
        one, other = ({*conlleval([TAGS[tag] for tag in row[a >= 0]])} for row in (a, b))
        right, found, there = right + len(one & other), found + len(other), there + len(one)
    counts = count_entities(true, predicted, TAGS)
    assert [part.sum() for part in counts] == [right, found, there]
