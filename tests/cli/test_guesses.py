"""An answer in words: what reaches the threshold, to the very number, is a yes."""

from types import SimpleNamespace

import numpy as np
import pytest

from tinyvit.cli.guesses import in_words

PROBS = np.array([0.25, 0.5, 0.75], np.float32)


@pytest.mark.parametrize(
    ("threshold", "top_k", "words"),
    [
        (0.5, 3, "c (75.0 %), b (50.0 %); below 50 %: a (25.0 %)"),
        (0.5, 1, "c (75.0 %), b (50.0 %)"),
        (0.75, 2, "c (75.0 %); below 75 %: b (50.0 %)"),
        (0.8, 1, "none of the classes; below 80 %: c (75.0 %)"),
        (0.125, 1, "c (75.0 %), b (50.0 %), a (25.0 %)"),
        (None, 2, "c (75.0 %), b (50.0 %)"),
    ],
)
def test_words(threshold, top_k, words):
    preprocessing = SimpleNamespace(class_names="abc", multi_label=threshold is not None, threshold=threshold)
    assert in_words(preprocessing, PROBS, top_k) == words
