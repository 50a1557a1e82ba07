"""The solved lesson 23 shows what its words say."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

SOLVED = Path(__file__).parents[2] / "lessons" / "solutions" / "23_the_same_blocks_read_text.ipynb"
OUTPUTS = [o for cell in nbformat.read(SOLVED, 4).cells for o in cell.get("outputs", ())]
PRINTED = "".join(o.get("text", "") for o in OUTPUTS)


def numbers(pattern):
    return [tuple(map(float, found.groups())) for found in re.finditer(pattern, PRINTED, re.MULTILINE)]


def scores(label):
    """F1 in the four groups."""
    return [float(number) for number in re.search(rf"{label}: +\[(.*)\]", PRINTED)[1].split()]


def test_words_flatter_and_the_lazy_one_has_found_nothing():
    [(right, _, _, f1)] = numbers(r"^model +words right ([\d.]+) %.* ([\d.]+) %, +recall ([\d.]+) %, F1 ([\d.]+) %$")
    [(lazy, none)] = numbers(r"^O everywhere +words right ([\d.]+) %.*, F1 ([\d.]+) %$")
    assert right > f1 + 15
    assert 60 < lazy < 72
    assert none == 0


def test_micro_is_accuracy():
    accuracies = re.search(r"^accuracy: ([\d.]+) and ([\d.]+)$", PRINTED, re.MULTILINE).groups()
    rows = re.findall(r"^micro +([\d.]+) +([\d.]+) +([\d.]+)", PRINTED, re.MULTILINE)
    assert rows == [(accuracy,) * 3 for accuracy in accuracies]


def test_letters_help_with_new_names():
    pairs = numbers(r"F1 with letters ([\d.]+) %, with the table ([\d.]+) %")
    assert len(pairs) == 4
    assert all(letters > table for letters, table in pairs)
    for of_new in pairs[1:]:
        by_letters, by_table = (seen - new for seen, new in zip(pairs[0], of_new, strict=True))
        assert by_letters < by_table


def test_rules_bring_some_points():
    rows = numbers(r"^.* (\d+) % of sentences break a rule; F1 ([\d.]+) %, by the best path ([\d.]+) %$")
    assert len(rows) == 4
    assert all(broken > 5 and after > before + 1 for broken, before, after in rows)


def test_training_forgives_a_wrong_gradient():
    assert abs(sum(scores("right gradient")) - sum(scores("with the trap"))) / 4 < 4


def test_padding_draws_more_than_half_and_the_mask_is_ahead():
    [shares] = re.findall(r"attention to padding, block by block: \[(.*)\]", PRINTED)
    shares = [float(share) for share in re.findall(r"(\d+) %", shares)]
    assert 50 < sum(shares) / len(shares) < 70
    means = numbers(r"^seed \d, with.* mean ([\d.]+)$")
    assert len(means) == 4
    for (masked,), (unmasked,) in zip(means[::2], means[1::2], strict=True):
        assert masked > unmasked


def test_the_mask_holds_answers_where_they_are():
    rows = numbers(r"^ ?\d+ paddings: answers move by ([\d.]+); with the mask by (\S+)$")
    assert len(rows) == 4
    assert all(free > 0.1 > 1e-12 > masked for free, masked in rows[1:])


def test_only_a_word_that_repeats_finds_the_trap():
    assert [found for _, found in re.findall(r"^(yours|the trap) +ids.*: (\w+)$", PRINTED, re.MULTILINE)] == [
        "passed",
        "passed",
        "passed",
        "FAILED",
    ]
