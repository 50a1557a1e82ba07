"""Runs with fused kernels, on the emulator, against the same runs on the CPU."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from tests.support import emulator, others_slow
from tests.support.small_run import weights_that_count
from tinyvit.errors import UserError
from tinyvit.storage import run_folder as run
from tinyvit.training import Progress, TrainConfig, fused, resume, step, train

pytestmark = pytest.mark.skipif(emulator.COMPILER is None, reason="no g++ to compile the kernels for the CPU")


class Notes(Progress):
    def __init__(self):
        self.sentences = []

    def note(self, sentence):
        self.sentences.append(sentence)


class Emulated(NamedTuple):
    devices: list  # that were made
    precisions: list  # that the plain ops were set to
    closed: list


@pytest.fixture
def emulated(monkeypatch):
    """From here on, runs believe that there is a GPU; returns what they do with it."""
    devices, precisions, closed = [], [], []

    def make(config, *, precision, device):
        devices.append(emulator.Emulator(config))
        return devices[-1]

    monkeypatch.setattr(step, "resolve_device", lambda name: "cuda:0")
    monkeypatch.setattr(fused, "resolve_device", lambda name: "cuda:0")
    monkeypatch.setattr(fused, "CudaDevice", make)
    monkeypatch.setattr(fused, "set_matmul_precision", lambda precision: precisions.append(precision))
    monkeypatch.setattr(emulator.Emulator, "close", lambda self: closed.append(self), raising=False)
    return Emulated(devices, precisions, closed)


def fitting(config, tmp_path, name, **changes):
    model = dataclasses.replace(config.model, drop_path_rate=0.0)
    return dataclasses.replace(config, model=model, device="cpu", output=str(tmp_path / name), **changes)


@pytest.mark.parametrize(
    "changes",
    others_slow(
        [{"label_smoothing": 0.1}, {"augment": "none", "clip_grad": 0.0}, {"augment": "shift", "ema_decay": 0.0}]
    ),
    ids=["affine", "none", "shift"],
)
def test_a_run_is_that_of_the_cpu(changes, small_config, tmp_path, request):
    plain = train(fitting(small_config, tmp_path, "plain", **changes))
    emulated = request.getfixturevalue("emulated")
    notes = Notes()
    ours = train(fitting(small_config, tmp_path, "fused", **changes), progress=notes)
    assert len(emulated.devices) == 1
    assert emulated.closed == emulated.devices  # the stream is the user's again
    assert emulated.precisions == ["fp32"]  # of the plain ops that look at the dev split
    assert notes.sentences == []
    for one, other in zip(ours.epochs, plain.epochs, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
        assert one["dev_loss"] == pytest.approx(other["dev_loss"], rel=1e-4)
    for name, array in weights_that_count(plain.folder / "last").items():
        np.testing.assert_allclose(weights_that_count(ours.folder / "last")[name], array, rtol=1e-3, atol=2e-5)


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(small_config, tmp_path, emulated):
    class Stops(Progress):
        steps = 0

        def step(self, images, loss):
            self.steps += 1
            if self.steps == 8:  # in the middle of the second epoch
                raise KeyboardInterrupt

    config = fitting(small_config, tmp_path, "whole", checkpoint_seconds=0.0)
    whole = train(config)
    with pytest.raises(KeyboardInterrupt):
        train(dataclasses.replace(config, output=str(tmp_path / "stopped")), progress=Stops())
    resumed = resume(tmp_path / "stopped")
    assert resumed.epochs[-1] == whole.epochs[-1]
    for name, array in weights_that_count(whole.folder / "last").items():
        np.testing.assert_array_equal(weights_that_count(resumed.folder / "last")[name], array)


def test_a_run_begun_with_fused_kernels_goes_on_with_plain_ops(small_config, tmp_path, monkeypatch, request):
    plain = train(fitting(small_config, tmp_path, "plain"))
    with monkeypatch.context():
        request.getfixturevalue("emulated")
        config = fitting(small_config, tmp_path, "moved")

        class Stops(Progress):
            def epoch(self, metrics, best):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(config, progress=Stops())
        monkeypatch.setattr(step, "resolve_device", lambda name: "cpu")
        moved = resume(tmp_path / "moved")
    assert moved.epochs[-1]["train_loss"] == pytest.approx(plain.epochs[-1]["train_loss"], rel=1e-4)


def test_a_step_that_cannot_be_recorded_runs_and_says_so(small_config, tmp_path, emulated, monkeypatch):
    recorded = train(fitting(small_config, tmp_path, "recorded"))

    def refuse(self, run):
        raise RuntimeError("not this time")

    monkeypatch.setattr(emulator.Emulator, "record", refuse)
    notes = Notes()
    launched = train(fitting(small_config, tmp_path, "launched"), progress=notes)
    assert notes.sentences == ["The step runs launch by launch, as it cannot be recorded: RuntimeError: not this time"]
    assert launched.epochs == recorded.epochs


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": {"drop_path_rate": 0.1}}, "it has drop path"),
        ({"model": {"stem": "conv"}}, "its stem is convolutions"),
        ({"opt": "sgd"}, "there are none for sgd"),
        ({"elastic": 1.0}, "there are none for elastic distortion"),
        ({"opt": "muon"}, "there are none for muon"),
        ({"class_weights": (1.0, 2.0) * 5}, "there are none for weights of classes"),
        ({"micro_batch": 8}, "they take a whole batch at once, and fewer images were asked for"),
        ({"kernels": "plain"}, None),
    ],
    ids=["drop path", "stem", "sgd", "elastic", "muon", "class weights", "micro batches", "plain"],
)
def test_where_no_kernels_fit_plain_ops_run_and_say_why(changes, reason, small_config, tmp_path, emulated):
    config = fitting(small_config, tmp_path, "run", epochs=1)
    model = dataclasses.replace(config.model, **changes.pop("model", {}))
    notes = Notes()
    train(dataclasses.replace(config, model=model, **changes), progress=notes)
    assert emulated.devices == []
    said = [f"Plain ops are used, not the faster fused kernels: {reason}."] if reason else []
    assert [note for note in notes.sentences if not note.startswith("class weights")] == said


def test_a_run_in_tf32_goes_on_on_a_cpu_and_says_so(small_config, tmp_path, emulated, monkeypatch):
    class Stops(Progress):
        def epoch(self, metrics, best):
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "resolve_device", lambda name: "cuda:0")
    with pytest.raises(KeyboardInterrupt):
        train(fitting(small_config, tmp_path, "run", precision="tf32"), progress=Stops())
    monkeypatch.setattr(step, "resolve_device", lambda name: "cpu")
    notes = Notes()
    assert len(resume(tmp_path / "run", progress=notes).epochs) == 2
    assert notes.sentences == ["Matrix products are in fp32 from here on: tf32 is for GPUs."]


def test_precision_is_for_gpus(tmp_path, small_config):
    with pytest.raises(UserError, match="--precision tf32 is for GPUs, and this run is on the CPU: leave it out"):
        train(dataclasses.replace(small_config, precision="tf32", device="cpu", output=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()
    assert TrainConfig().precision == "fp32"
