"""Good and bad words: split so that no stem is on both sides, and lexicons of one's own read strictly."""

import numpy as np
import pytest

from tinyvit.datasets.lexicon import (
    LENGTH,
    letters,
    our_words,
    place_of,
    read_lexicon,
    spelled,
    stem,
    word_dataset,
    word_groups,
)
from tinyvit.errors import UserError


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("happy", "unhappy", "happily", "happiness", "unhappily"), "happ"),
        (("honest", "dishonest", "dishonesty"), "hone"),
        (("joy",), "joy"),
        (("undo",), "undo"),  # what is left would be too short
        (("mistrust", "trust", "distrust"), "trus"),
    ],
)
def test_stems(words, wanted):
    assert {stem(word) for word in words} == {wanted}


def test_our_words_are_words_with_one_meaning_each():
    words = our_words()
    assert 2000 < len(words) < 4000
    assert all(word.isascii() and word.isalpha() and word.islower() and len(word) <= LENGTH for word in words)
    assert 0.4 < np.mean(list(words.values())) < 0.6
    assert words["hope"]
    assert not words["hopeless"]


def test_no_stem_of_the_unseen_ones_is_in_training():
    data = word_dataset()
    train = {stem(word) for word in spelled(data.train.images)}
    for split in (data.dev, data.test):
        words, groups = spelled(split.images), word_groups(split.images)
        assert not {stem(word) for word, group in zip(words, groups, strict=True) if group} & train
        assert not set(words) & set(spelled(data.train.images))
        assert 30 < (groups == 0).sum() < (groups == 1).sum()
    assert len(data.train) + len(data.dev) + len(data.test) == len(our_words())
    assert not {stem(w) for w in spelled(data.dev.images) if place_of(w)[1]} & {
        stem(w) for w in spelled(data.test.images)
    }


def test_letters_there_and_back():
    words = ["a", "thoughtlessness", "incomprehensibly"]
    codes = letters(words)
    assert codes.shape == (3, 1, 1, LENGTH)
    assert spelled(codes) == words
    data = word_dataset()
    words = our_words()
    for word, label in zip(spelled(data.train.images), data.train.labels, strict=True):
        assert words[word] == label


def lexicon(tmp_path, text):
    path = tmp_path / "lexicon.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


MANY = "".join(
    f"{a}{b}{c}\t{1.5 if a in 'aei' else -0.5}\t0.5\t[1, 2]\n" for a in "aeiou" for b in "bcdf" for c in "xyz"
)


def test_a_lexicon_of_ones_own(tmp_path):
    words, left_out = read_lexicon(
        lexicon(tmp_path, MANY + ":-)\t2.0\nnaïve\t-1\nzero\t0\nabx\t3\nABX\t-3\n" + "x" * 17 + "\t1\n\n")
    )
    assert len(words) == 60
    assert left_out == 6
    assert words["abx"]
    assert not words["obx"]
    data = word_dataset(tmp_path / "lexicon.txt")
    assert "60 words were read" in data.notes[0]
    assert "6 lines left out" in data.notes[0]
    assert data.name == "lexicon"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (MANY + "good\n", "no number behind 'good' in line 61"),
        (MANY + "good fine\n", "no number behind 'good fine'"),
        (MANY + "good\tfine\n", "no number behind 'good'"),
        (MANY + "good\tnan\n", "no number behind 'good' in line 61"),
        (MANY.replace("-0.5", "0.5"), "has 60 words of letters that are good or bad"),
        ("good\t1\nbad\t-1\n", "has 2 words"),
        ("", "has 0 words"),
        (b"gr\xfcn\t1\n", r"is not UTF-8 \(line 1\)"),
    ],
)
def test_what_is_no_lexicon_gets_one_sentence(tmp_path, text, sentence):
    with pytest.raises(UserError, match=sentence):
        word_dataset(lexicon(tmp_path, text))


def test_a_lexicon_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="was not found"):
        word_dataset(tmp_path / "none.txt")
    with pytest.raises(UserError, match="is a folder"):
        word_dataset(tmp_path)
