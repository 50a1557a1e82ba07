"""What has left the range of floats is never saved over what is good, whatever shows it, and whenever."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.kills import compare
from tests.support.notes import Notes, Scripted
from tests.support.small_run import new_trainer
from tinyvit.errors import UserError
from tinyvit.storage.files import read_json
from tinyvit.storage.metrics import read_metrics
from tinyvit.tasks import classify
from tinyvit.training import load_trained, train

STEPS = 6  # per epoch: 200 images in batches of 32


class Spoils(Notes):
    """Writes huge numbers into a run's state after some step."""

    def __init__(self, after, spoil):
        super().__init__()
        self.after, self.spoil = after, spoil

    def step(self, images, loss):
        super().step(images, loss)
        if len(self.steps) == self.after:
            self.spoil(self.running.state)

    def epoch(self, metrics, best):
        self.epochs.append((metrics, best))


def huge_weights(state):
    """Finite, and what the model makes of them is not."""
    state.model.parameters()["blocks.0.mlp.fc1.weight"][...] = 3e38


def huge_average(state):
    state.ema.average["head.weight"][...] = 3e38
    state.ema.average["norm.weight"][...] = 3e38


def infinite_average(state):
    state.ema.average["head.bias"][3] = np.inf


def infinite_moment(state):
    state.optimizer.state["v"]["head.bias"][0] = np.inf


def nan_weight(state):
    state.model.parameters()["norm.bias"][0] = np.nan


@pytest.mark.parametrize("epoch", others_slow([2, 1, 3]))  # one in the middle, the first, the last
@pytest.mark.parametrize("spoil", [huge_weights, huge_average, infinite_average, infinite_moment, nan_weight])
def test_a_divergence_is_seen_before_anything_is_written(small_config, small_dataset, tmp_path, spoil, epoch):
    ema_decay = 0.0 if spoil is huge_weights else 0.9  # an average that is good would be evaluated
    config = dataclasses.replace(small_config, epochs=3, ema_decay=ema_decay, checkpoint_seconds=999_999.0)
    good = train(dataclasses.replace(config, output=config.output + "-good")).folder
    folder = tmp_path / "run"
    notes = Spoils(STEPS * epoch, spoil)
    notes.running = new_trainer(config, small_dataset, folder, notes)
    with pytest.raises(
        UserError, match=r"(NaN or infinite|dev split became nan) by step \d+: usually the learning rate"
    ):
        notes.running.run()
    assert len(notes.epochs) == epoch - 1
    if epoch == 1:
        assert not folder.exists()
        return
    assert len(read_metrics(folder)) == len(read_json(folder / "last" / "training_state.json")["epochs"]) == epoch - 1
    load_trained(folder)
    # what is left is resumable, to the undisturbed weights
    again = new_trainer(config, small_dataset, folder, Notes())
    again.load()
    again.run()
    assert compare(good, folder) == []


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_dev_loss_that_is_no_number_is_no_best_one(small_config, monkeypatch, loss):
    whole = classify.judge

    def judged(*answers, **options):
        return Scripted(loss, 1.0) if calls.append(1) or len(calls) == 2 else whole(*answers, **options)

    calls = []
    monkeypatch.setattr(classify, "judge", judged)
    with pytest.raises(
        UserError, match=r"the loss on the dev split became (nan|inf) by step 12: .*the last good checkpoint is .*last"
    ):
        train(small_config)
    assert [epoch["epoch"] for epoch in read_metrics(Path(small_config.output))] == [1]


@pytest.mark.parametrize(
    "settings",
    [{"lr": 999_999.0}, {"lr": 1e5, "batch_size": 200}, {"lr": 999_999.0, "batch_size": 100, "ema_decay": 0.5}],
)
def test_diverging_runs_leave_nothing_that_is_no_number(small_config, settings):
    config = dataclasses.replace(small_config, opt="sgd", momentum=0.0, clip_grad=0.0, **settings)
    with contextlib.suppress(UserError):
        train(config)
    for epoch in read_metrics(Path(config.output)):
        assert np.isfinite(list(epoch.values())).all()
