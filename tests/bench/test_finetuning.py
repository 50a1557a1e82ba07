"""The cost of fine-tuning, on a model so small that it takes seconds; both of our sides come to the same losses."""

import numpy as np
import pytest

from tinyvit.bench import finetuning
from tinyvit.bench.clock import Clock
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError

SMALL = ViTConfig(img_size=16, patch_size=8, num_classes=2, embed_dim=16, depth=2, num_heads=2)
SIDES = ["tinyvit", "tinyvit, recompute"]


def test_each_side_tells_its_cost_and_its_losses():
    results = finetuning.compare(SMALL, SIDES, images=6, batch_size=2, epochs=2)
    assert list(results) == SIDES
    for found in results.values():
        assert found["seconds"] > 0
        assert found["memory"] > 10
        assert len(found["losses"]) == 2
    np.testing.assert_allclose(*(found["losses"] for found in results.values()), rtol=1e-5)


def test_the_clock_leaves_out_what_lies_between_epochs():
    clock = Clock()
    clock.times = [1.0, 3.0, 5.0, 105.0, 107.0, 110.0]
    assert clock.seconds_per_step(3) == 2.0


def test_sides_that_train_differently_are_not_compared(monkeypatch):
    losses = iter(["[0.6, 0.5]", "[0.6, 0.4]"])
    line = '{{"seconds": 1, "memory": 1, "losses": {}}}'
    monkeypatch.setattr(finetuning, "timed", lambda command: (1.0, line.format(next(losses))))
    with pytest.raises(UserError, match="do not train alike"):
        finetuning.compare(SMALL, SIDES, images=4, batch_size=2, epochs=2)


@pytest.mark.parametrize("numbers", [(3, 2, 1), (4, 2, 0), (4, 0, 1)])
def test_where_no_step_could_be_timed_nothing_begins(numbers):
    images, batch_size, epochs = numbers
    with pytest.raises(UserError, match="two steps at least, got"):
        finetuning.compare(SMALL, SIDES, images=images, batch_size=batch_size, epochs=epochs)


def test_the_table(monkeypatch, capsys):
    rows = {"tinyvit": {"seconds": 0.5, "memory": 1234.5, "losses": [0.7, 0.25]}}
    monkeypatch.setattr(finetuning, "compare", lambda config, sides, **numbers: rows)
    finetuning.main(["--images", "8"])
    assert "0.500     1,234 MiB   0.7000, 0.2500" in capsys.readouterr().out
