"""What a reader passes who follows a run of one process from the call to the first update: few files, and no room for
many processes, ranks or GPUs.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest

import tinyvit
from tests.support.small_run import small_dataset
from tinyvit.cli import main
from tinyvit.evaluation import classifier
from tinyvit.optim import AdamW
from tinyvit.training import TrainConfig, start, train, train_step
from tinyvit.training.step import TrainingStep
from tinyvit.vit import VisionTransformer

ROOT = Path(tinyvit.__file__).parent


class FirstUpdateError(Exception):
    """The way ends here."""


@pytest.fixture
def way_of():
    """The files, relative to the package, whose functions are called in a call."""
    for module in pkgutil.walk_packages([str(ROOT)], "tinyvit."):  # what runs at the import of a file is not counted
        rooms = ("tinyvit.cli", "tinyvit.training", "tinyvit.tasks", "tinyvit.evaluation")
        if module.name.startswith(rooms) and not module.name.startswith("tinyvit.training.tracking."):  # extras
            importlib.import_module(module.name)

    def traced(call):
        files = set()

        def note(frame, event, argument):
            path = Path(frame.f_code.co_filename)
            if event == "call" and path.is_relative_to(ROOT):
                files.add(str(path.relative_to(ROOT)))

        sys.setprofile(note)
        try:
            call()
        except FirstUpdateError:
            pass
        finally:
            sys.setprofile(None)
        return files

    return traced


@pytest.fixture
def ends_at_the_first_update(monkeypatch):
    whole_step = TrainingStep.__call__

    def one_step(self, step):
        whole_step(self, step)
        sys.setprofile(None)
        raise FirstUpdateError

    monkeypatch.setattr(TrainingStep, "__call__", one_step)


def test_from_the_call_to_the_first_update(way_of, ends_at_the_first_update, tmp_path):
    files = way_of(lambda: train(TrainConfig(workers=1, output=str(tmp_path / "run"))))
    assert not [file for file in files if "parallel" in file or file.startswith("gpu/") or "fused" in file]
    assert {"training/loop.py", "training/step.py", "training/gradients.py", "tasks/classify.py", "vit.py"} <= files
    assert len(files) <= 60, sorted(files)


def test_the_command_adds_little_to_it(way_of, ends_at_the_first_update, tmp_path):
    files = way_of(lambda: main(["train", "--workers", "1", "--output", str(tmp_path / "run")]))
    assert len([file for file in files if file.startswith("cli/")]) <= 6, sorted(files)
    assert len(files) <= 68, sorted(files)


def test_from_images_to_the_update(way_of):
    model = VisionTransformer(TrainConfig().model, rng=np.random.default_rng(0))
    images, labels = np.zeros((2, 1, 28, 28), np.float32), np.array([3, 4])
    optimizer = AdamW(model.parameters())
    rng = np.random.default_rng(0)
    files = way_of(lambda: train_step(model, optimizer, images, labels, lr=1e-3, rng=rng))
    assert {"vit.py", "ops/attention.py", "ops/cross_entropy.py", "optim/adamw.py"} <= files
    assert len(files) <= 26, sorted(files)


def test_nothing_is_read_twice(monkeypatch, tmp_path, capsys):
    read, open_checkpoint = [], classifier.open_checkpoint

    def load_dataset(*args, **options):
        read.append("data set")
        return small_dataset()

    def noted(*args, **options):
        read.append("model")
        return open_checkpoint(*args, **options)

    monkeypatch.setattr(start, "load_dataset", load_dataset)
    monkeypatch.setattr(classifier, "open_checkpoint", noted)
    for elsewhere in ("tinyvit.datasets.load_dataset", "tinyvit.evaluation.dataset.load_dataset"):
        monkeypatch.setattr(elsewhere, None)
    model = ["--patch-size", "14", "--embed-dim", "8", "--depth", "1", "--num-heads", "1"]
    assert main(["train", "--recipe", "quick", "--workers", "1", "--output", str(tmp_path / "run"), *model]) == 0
    assert read == ["data set", "model"]
    assert "test accuracy" in capsys.readouterr().out
