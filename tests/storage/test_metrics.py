"""Which epoch is best, whatever is measured."""

import pytest

from tinyvit.storage.metrics import measure_in_words, measure_of, quality


@pytest.mark.parametrize("measure", ["dev_accuracy", "dev_map"])
def test_more_is_better_and_then_less_loss(measure):
    epochs = [
        {"epoch": k, "dev_loss": loss, measure: value}
        for k, loss, value in ((1, 0.3, 0.5), (2, 0.9, 0.7), (3, 0.8, 0.7))
    ]
    assert max(epochs, key=quality)["epoch"] == 3
    assert {measure_of(epoch) for epoch in epochs} == {measure}


@pytest.mark.parametrize(
    ("name", "words"),
    [("dev_accuracy", "dev accuracy"), ("dev_map", "dev mAP"), ("dev_miou", "dev mIoU"), ("dev_map50", "dev mAP50")],
)
def test_measures_in_words(name, words):
    assert measure_in_words(name) == words
