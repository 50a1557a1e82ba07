"""The trackers themselves, each asked what it knows of a run that was stopped and went on."""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.support import environment
from tinyvit.storage.metrics import read_metrics

PACKAGES = {"tensorboard": "tensorboardX", "wandb": "wandb", "trackio": "trackio", "mlflow": "mlflow"}


def known_to(name, tmp_path):
    """What the tracker knows, after the run in tmp_path/run."""
    if importlib.util.find_spec(PACKAGES[name]) is None or importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    places = {
        "WANDB_MODE": "offline",
        "WANDB_CACHE_DIR": str(tmp_path),
        "TRACKIO_DIR": str(tmp_path / "trackio"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }
    command = [sys.executable, "-m", "tests.support.tracking", name, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment() | places)
    assert done.returncode == 0, done.stderr
    runs, values = json.loads((tmp_path / "known.json").read_text())
    return runs, {name: {int(step): value for step, value in steps.items()} for name, steps in values.items()}


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("name", PACKAGES)
def test_a_tracker_knows_one_run_with_every_metric(name, tmp_path):
    runs, values = known_to(name, tmp_path)
    assert runs == 1
    epochs = read_metrics(tmp_path / "run")
    assert len(epochs) == 2
    steps = 12  # of 16 images, 200 in all; the last step of an epoch tells its mean loss
    assert values.keys() == epochs[0].keys() | {"running_train_loss"}
    for metric in epochs[0]:
        assert values[metric] == pytest.approx({epoch["epoch"] * steps: epoch[metric] for epoch in epochs}, rel=1e-6)
    running = [values["running_train_loss"][epoch["epoch"] * steps] for epoch in epochs]
    assert running == pytest.approx([epoch["train_loss"] for epoch in epochs], rel=1e-6)


@pytest.mark.slow
def test_steps_that_a_kill_undid_are_undone_in_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tinyvit.training import TrainConfig
    from tinyvit.training.tracking.tensorboard import open_run
    from tinyvit.training.tracking.tracking import Beginning

    first = open_run(Beginning(tmp_path, TrainConfig(), None, 0))
    for step in range(1, 9):
        first.log({"loss": 100.0 + step}, step)
    first.close(finished=False)
    again = open_run(Beginning(tmp_path, TrainConfig(), first.id, 5))
    for step in range(6, 11):
        again.log({"loss": 200.0 + step}, step)
    again.close(finished=True)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    expected = [(step, 100.0 + step) for step in range(1, 6)] + [(step, 200.0 + step) for step in range(6, 11)]
    assert [(event.step, event.value) for event in events.Scalars("loss")] == expected
