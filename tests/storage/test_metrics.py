"""Which epoch is best, whatever is measured."""

import pytest

from tinyvit.storage.metrics import measure_of, quality


@pytest.mark.parametrize("measure", ["dev_accuracy", "dev_map"])
def test_more_is_better_and_then_less_loss(measure):
    epochs = [
        {"epoch": k, "dev_loss": loss, measure: value}
        for k, loss, value in ((1, 0.3, 0.5), (2, 0.9, 0.7), (3, 0.8, 0.7))
    ]
    assert max(epochs, key=quality)["epoch"] == 3
    assert {measure_of(epoch) for epoch in epochs} == {measure}
