"""Words become codes and, as far as they were kept, words again."""

import numpy as np
import pytest

from tinyvit.datasets.words import FIRST, LAST, PLACES, decoded, encoded, word_codes


@pytest.mark.parametrize(
    ("word", "first", "ending"),
    [
        ("Oslo", "Oslo", "olsO"),
        ("a", "a", "a"),
        ("Zürich", "Zurich", "hcir"),
        ("naïveté", "naivete", "etev"),
        ("日本", "??", "??"),
        ("internationally", "internationa", "ylla"),
        ("twelveletter", "twelveletter", "rett"),
        ("", "", ""),
    ],
)
def test_codes_of_a_word(word, first, ending):
    codes = word_codes(word)
    assert codes.shape == (PLACES,)
    assert codes.dtype == np.uint8
    assert bytes(codes[:FIRST]).rstrip(b"\0").decode() == first
    assert bytes(codes[FIRST:]).rstrip(b"\0").decode() == ending
    assert codes.max(initial=0) < 128


def test_sentences_there_and_back():
    sentences = [["The", "mayor", "of", "Prague", "."], ["Anticonstitutionnellement", "!"], ["twelveletter"]]
    codes = encoded(sentences, 6)
    assert codes.shape == (3, FIRST + LAST, 1, 6)
    assert decoded(codes[0]) == sentences[0]
    assert decoded(codes[1]) == ["Anticonstitu...ment", "!"]
    assert decoded(codes[2]) == ["twelveletter"]
    assert not codes[0, ..., 5].any()
    assert encoded(sentences, 2).shape == (3, 16, 1, 2)
    assert decoded(encoded(sentences, 2)[0]) == ["The", "mayor"]
