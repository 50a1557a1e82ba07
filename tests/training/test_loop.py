"""Whole runs on a few digits: they learn, repeat, stop, go on, and refuse."""

import dataclasses
import json
import shutil
import signal
import weakref
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.support import others_slow
from tests.support.kills import compare
from tests.support.notes import Stops
from tinyvit.errors import UserError
from tinyvit.evaluation.evaluate import evaluate
from tinyvit.optim import SGD
from tinyvit.storage.files import siblings
from tinyvit.storage.steps import Step, append_step, read_steps
from tinyvit.tasks import classify
from tinyvit.training import Progress, TrainingInterrupted, load_trained, loop, resume, start, train
from tinyvit.training.gradients import OneProcess


class StopAt(Progress):
    """Presses Ctrl-C at a given step."""

    def __init__(self, step):
        self.left = step

    def step(self, images, loss):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def test_a_run_learns_and_leaves_its_folder(small_config):
    history = train(dataclasses.replace(small_config, epochs=8, lr=1e-2))
    folder = Path(small_config.output)
    assert history.epochs[-1]["train_loss"] < 0.7 * history.epochs[0]["train_loss"]
    assert history.test.accuracy > 0.3  # 0.1 is chance; 200 images do not make it good
    assert [epoch["epoch"] for epoch in history.epochs] == list(range(1, 9))
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "metrics.jsonl", "metrics.csv", "steps.jsonl", "last", "best", "report.txt",
    }  # fmt: skip
    assert {path.name for path in (folder / "last").iterdir()} == {
        "config.json", "model.safetensors", "preprocessor_config.json",
        "training_state.safetensors", "training_state.json",
    }  # fmt: skip
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 8
    assert len((folder / "metrics.csv").read_text().splitlines()) == 9


def test_the_loss_within_an_epoch_is_noted(small_config):
    """A line at each look at the loss; their mean, step for step, is the epoch's."""
    history = train(dataclasses.replace(small_config, batch_size=8))
    steps, _ = read_steps(history.folder)
    assert [(step.step, step.epoch) for step in steps] == [(20, 0.8), (25, 1.0), (45, 1.8), (50, 2.0)]
    for epoch, (first, second) in zip(history.epochs, (steps[:2], steps[2:]), strict=True):
        np.testing.assert_allclose((20 * first.loss + 5 * second.loss) / 25, epoch["train_loss"], rtol=1e-12)


def test_steps_that_are_done_again_are_noted_once(small_config):
    config = dataclasses.replace(small_config, batch_size=8, checkpoint_seconds=1e5)
    with pytest.raises(TrainingInterrupted):
        train(config, progress=StopAt(30))
    append_step(Path(config.output), Step(49, 1.96, 0.5))  # as of a run that was killed after its last checkpoint
    resume(config.output)
    assert [step.step for step in read_steps(Path(config.output))[0]] == [20, 25, 31, 50]


def test_the_best_epoch_on_dev_gives_the_tested_weights(small_config):
    history = train(small_config)
    best = max(history.epochs, key=lambda e: (e["dev_accuracy"], -e["dev_loss"]))
    assert history.best_epoch == best["epoch"]
    model, _ = load_trained(history.folder)
    dataset = start.load_dataset()
    assert evaluate(model, dataset.dev, dataset).loss == pytest.approx(best["dev_loss"], abs=1e-6)
    assert evaluate(model, dataset.test, dataset).accuracy == history.test.accuracy


@pytest.mark.parametrize("resumed", [False, True])
def test_the_best_weights_come_when_the_gradients_have_gone(small_config, monkeypatch, resumed):
    alive, held = [], []
    built = loop.build_state

    def watched_state(*arguments):
        state = built(*arguments)
        alive.extend([weakref.ref(state.optimizer), weakref.ref(state.model)])
        return state

    def watched_load(folder):
        held.extend(reference() is not None for reference in alive)
        return load_trained(folder)

    monkeypatch.setattr(classify, "load_trained", watched_load)
    if resumed:
        with pytest.raises(TrainingInterrupted):
            train(small_config, progress=Stops(3))
    monkeypatch.setattr(loop, "build_state", watched_state)
    resume(small_config.output) if resumed else train(small_config)
    assert held == [False, False]


@pytest.mark.parametrize(
    "change", others_slow([{}, {"opt": "sgd", "lr": 0.05, "nesterov": True}, {"ema_decay": 0.0, "augment": "shift"}])
)
def test_same_seed_same_bits_other_seed_other_bits(small_config, change):
    config = dataclasses.replace(small_config, **change)
    runs = [
        train(dataclasses.replace(config, output=config.output + name, seed=seed)).folder
        for name, seed in (("-a", 0), ("-b", 0), ("-c", 1))
    ]
    assert compare(runs[0], runs[1]) == []
    assert len(compare(runs[0], runs[2])) > 20


@pytest.mark.process
@pytest.mark.parametrize("step", others_slow([7, 6, 1, 5, 11], fast=2))  # an epoch has 6 steps
@pytest.mark.parametrize("change", [{}, {"opt": "sgd", "ema_decay": 0.0, "augment": "none"}])
def test_stopped_and_resumed_equals_undisturbed(small_config, step, change):
    config = dataclasses.replace(small_config, **change)
    undisturbed = train(dataclasses.replace(config, output=config.output + "-undisturbed"))
    with pytest.raises(TrainingInterrupted, match=r"go on with tinyvit train --resume .*run$"):
        train(config, progress=StopAt(step))
    resumed = resume(config.output)
    assert compare(undisturbed.folder, resumed.folder) == []
    assert resumed.epochs == undisturbed.epochs
    assert resumed.report == undisturbed.report


def test_every_step_draws_its_own_random_numbers(small_config, monkeypatch):
    drawn = []
    whole_batch = classify.training_batch

    def noting_batch(config, dataset, chosen, rng):
        drawn.append(rng.random((len(chosen), 1))[0, 0])
        return whole_batch(config, dataset, chosen, rng)

    monkeypatch.setattr(classify, "training_batch", noting_batch)
    train(small_config)
    assert len(set(drawn)) == len(drawn) == 12


@pytest.mark.process
def test_ctrl_c_is_given_back_after_training(small_config):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=StopAt(2))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_finished_run_can_be_resumed_to_the_same_result(small_config):
    first = train(small_config)
    again = resume(first.folder)
    assert again.report == first.report
    assert again.epochs == first.epochs


def test_a_run_killed_before_its_first_checkpoint_starts_anew(small_config):
    undisturbed = train(dataclasses.replace(small_config, output=small_config.output + "-undisturbed"))
    start.new_run_folder(small_config)  # all that had been written
    assert compare(undisturbed.folder, resume(small_config.output).folder) == []


def test_a_taken_folder_is_refused_and_kept(small_config, tmp_path):
    folder = train(small_config).folder
    kept = load_file(folder / "last" / "model.safetensors")
    with pytest.raises(UserError, match=r"--resume .*run.*--overwrite.*--output"):
        train(small_config)
    assert all(np.array_equal(kept[k], v) for k, v in load_file(folder / "last" / "model.safetensors").items())
    train(dataclasses.replace(small_config, epochs=1), overwrite=True)
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1


def test_overwrite_never_touches_a_folder_that_is_no_run(small_config, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="choose another --output"):
        train(small_config, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "config", ["{}", '{"name": "my web site"}', '{"epochs": 3, "lr": 0.1}', '{"model": "vit"}', "no JSON"]
)
def test_overwrite_never_touches_a_folder_of_another_config(small_config, tmp_path, config):
    for path in (tmp_path / "run" / "config.json", tmp_path / "run" / "best" / "thesis.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(config)
    with pytest.raises(UserError, match="not an empty folder, so no run was started there: choose another --output"):
        train(small_config, overwrite=True)
    assert {path.name for path in tmp_path.rglob("*")} == {"run", "config.json", "best", "thesis.txt"}


def test_overwrite_removes_what_a_kill_left_waiting(small_config):
    folder = train(small_config).folder
    (folder / "last").rename(siblings(folder / "last")[1])
    train(dataclasses.replace(small_config, epochs=1), overwrite=True)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1


def test_overwrite_keeps_files_that_are_not_the_runs_own(small_config, tmp_path):
    folder = train(small_config).folder
    for name in ("notes.txt", "best-of-all.txt", "last_words.txt", "last.old", "best.new"):
        (folder / name).write_text("mine")
    train(dataclasses.replace(small_config, epochs=1), overwrite=True)
    for name in ("notes.txt", "best-of-all.txt", "last_words.txt", "last.old", "best.new"):
        assert (folder / name).read_text() == "mine"


def test_a_loss_that_is_not_finite_keeps_the_checkpoint(small_config):
    config = dataclasses.replace(small_config, clip_grad=0.0, epochs=1)
    train(config)
    whole = load_file(Path(config.output) / "last" / "model.safetensors")
    wild = dataclasses.replace(config, output=config.output + "-wild", lr=1e5, warmup_epochs=0.0, opt="sgd")
    with (
        np.errstate(all="ignore"),
        pytest.raises(UserError, match=r"loss became (nan|inf) at step \d+: .*learning rate.*lower --lr"),
    ):
        train(wild)
    assert all(np.isfinite(array).all() for array in whole.values())


class Breaks(OneProcess):
    """Calls `at[step]()` before the gradients of that step are computed."""

    at: ClassVar[dict] = {}

    def compute(self, step):
        self.at.get(step, lambda team: None)(self)
        return super().compute(step)


def test_nan_weights_are_never_saved(small_config, monkeypatch):
    """Checkpoints at every step, and a loss that breaks at step 4: the checkpoint on the disk is of step 3."""
    config = dataclasses.replace(small_config, checkpoint_seconds=0.0)
    monkeypatch.setattr(Breaks, "at", {3: lambda team: team.parameters["cls_token"].fill(np.nan)})
    monkeypatch.setattr(start, "OneProcess", Breaks)
    with pytest.raises(UserError, match=r"at step 4: .* last good checkpoint is .*last"):
        train(config)
    saved = load_file(Path(config.output) / "last" / "model.safetensors")
    assert all(np.isfinite(array).all() for array in saved.values())


def test_weights_that_the_last_step_threw_out_are_never_saved(small_config, monkeypatch):
    """The loss of a step is that before it, so weights can be NaN while all losses so far were fine."""
    whole_step = SGD.step

    def breaking_step(optimizer, grads, *, lr):
        whole_step(optimizer, grads, lr=lr)
        if optimizer.steps == 12:  # the last step of the second epoch
            optimizer.parameters["head.bias"][3] = np.inf

    monkeypatch.setattr(SGD, "step", breaking_step)
    with pytest.raises(UserError, match=r"head\.bias became NaN or infinite by step 12"):
        train(dataclasses.replace(small_config, opt="sgd", lr=0.01))
    for name in ("last", "best"):
        saved = load_file(Path(small_config.output) / name / "model.safetensors")
        assert all(np.isfinite(array).all() for array in saved.values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"img_size": 32, "patch_size": 8}, r"images are .*28, 28.*the model takes \(1, 32, 32\)"),
        ({"in_chans": 3}, r"the model takes \(3, 28, 28\)"),
        ({"num_classes": 9}, "10 classes, but the model has 9"),
    ],
)
def test_a_model_that_does_not_fit_the_data_writes_nothing(small_config, change, sentence):
    config = dataclasses.replace(small_config, model=dataclasses.replace(small_config.model, **change))
    with pytest.raises(UserError, match=sentence):
        train(config)
    assert not Path(config.output).exists()


def test_a_batch_larger_than_the_data_is_one_step(small_config):
    history = train(dataclasses.replace(small_config, batch_size=1000, epochs=1))
    assert len(history.epochs) == 1


def test_resume_of_something_else_is_refused(tmp_path, small_config):
    with pytest.raises(UserError, match="no run folder"):
        resume(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no run folder"):
        resume(tmp_path)


def test_a_run_that_lost_its_last_checkpoint_is_not_begun_anew(small_config):
    folder = train(small_config).folder
    shutil.rmtree(folder / "last")
    kept = (folder / "metrics.jsonl").read_bytes()
    with pytest.raises(UserError, match="holds results but no last checkpoint"):
        resume(folder)
    assert (folder / "metrics.jsonl").read_bytes() == kept


def test_a_kill_between_first_best_and_last_loses_nothing(small_config):
    undisturbed = train(dataclasses.replace(small_config, output=small_config.output + "-undisturbed")).folder
    folder = train(small_config).folder
    for path in folder.iterdir():
        if path.name not in ("config.json", "best"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert compare(undisturbed, resume(folder).folder) == []


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


EPOCH = {"epoch": 1, "train_loss": 1.0, "dev_loss": 1.0, "dev_accuracy": 0.5, "lr": 0.1}


@pytest.mark.process
@pytest.mark.parametrize(
    "changes",
    [
        *({"step": step} for step in (float("inf"), -5, 5, 7.0, 1.5, 13, 10**9, 10**400, "6", None, True)),
        *({"loss_sum": loss} for loss in (float("nan"), float("inf"), 10**400, "1", None)),
        *({"epochs": epochs} for epochs in ([1], [{}], "abc", None, {}, [EPOCH | {"epoch": 2}], [EPOCH, EPOCH])),
        *({"epochs": [EPOCH | {"dev_loss": loss}]} for loss in (float("nan"), "1", None, 10**400)),
        {"epochs": []},  # then step 6 would be possible, and step 8 is not
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_progress_that_no_run_makes_is_refused(small_config, changes):
    """The run has stopped after step 8, in its second epoch of 6 steps."""
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=StopAt(7))
    edit(Path(small_config.output) / "last" / "training_state.json", **changes)
    with pytest.raises(UserError, match=r"training_state\.json"):
        resume(small_config.output)


@pytest.mark.process
def test_a_batch_size_changed_before_resume_is_refused(small_config):
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=StopAt(7))
    folder = Path(small_config.output)
    edit(folder / "config.json", batch_size=200)
    with pytest.raises(UserError, match=r"was changed since the run began \(batch_size 200 instead of 32\)"):
        resume(folder)
    edit(folder / "last" / "training_state.json", settings=None)  # an older run kept none
    with pytest.raises(UserError, match=r"step 8, but after 1 epochs of 1 steps it must lie in 1\.\.2.*batch size"):
        resume(small_config.output)


@pytest.mark.parametrize("file", ["model.safetensors", "training_state.safetensors"])
def test_nan_in_a_checkpoint_is_not_blamed_on_the_learning_rate(small_config, file):
    path = train(small_config).folder / "last" / file
    arrays = load_file(path)
    name = next(name for name in arrays if name.endswith(("head.bias", "classifier.bias")))
    arrays[name][3] = np.nan
    save_file(arrays, path)
    with pytest.raises(UserError, match=rf"{file} is damaged \({name} holds NaN"):
        resume(small_config.output)


def test_averaged_weights_of_another_shape_are_refused(small_config):
    path = train(small_config).folder / "last" / "training_state.safetensors"
    save_file(load_file(path) | {"ema.head.bias": np.zeros(9, np.float32)}, path)
    with pytest.raises(UserError, match="no averaged weights for this model"):
        resume(small_config.output)


@pytest.mark.parametrize("change", [{"depth": 999_999, "embed_dim": 64}, {"embed_dim": 2**16}])
@pytest.mark.parametrize("pos_embed", ["learned", "sincos2d"])
def test_a_model_that_no_memory_can_hold_is_refused(small_config, change, pos_embed):
    model = dataclasses.replace(small_config.model, pos_embed=pos_embed, **change)
    with pytest.raises(UserError, match="would hold more than 10,000,000,000 values: choose a smaller one"):
        train(dataclasses.replace(small_config, model=model))
    assert not Path(small_config.output).exists()
    folder = start.new_run_folder(small_config)
    edit(folder / "config.json", model=model.to_dict())
    with pytest.raises(UserError, match="would hold more than 10,000,000,000 values: choose a smaller one"):
        resume(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "training_state.safetensors", "training_state.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage"])
def test_a_damaged_checkpoint_is_named(small_config, name, damage):
    folder = train(small_config).folder
    path = folder / "last" / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"\x93garbage" * 40)
    with pytest.raises(UserError, match=name.split(".")[0]):
        resume(folder)


def test_the_training_step_is_importable_lines(small_dataset):
    """The loop a reader would write in a notebook, from public names alone."""
    import tinyvit
    from tinyvit.datasets import batches, normalize
    from tinyvit.optim import AdamW

    model = tinyvit.VisionTransformer(tinyvit.preset("tiny"), rng=np.random.default_rng(0))
    optimizer = AdamW(model.parameters())
    losses = []
    for _ in range(3):
        for images, labels in batches(small_dataset.train, 50):
            images = normalize(images, small_dataset.mean, small_dataset.std)
            logits, saved = model.forward(images)
            loss, loss_saved = tinyvit.ops.cross_entropy_forward(logits, labels=labels)
            dlogits = tinyvit.ops.cross_entropy_backward(1.0, loss_saved)
            _, grads = model.backward(dlogits, saved)
            optimizer.step(grads, lr=3e-3)
            losses.append(float(loss))
    assert losses[-1] < 0.8 * losses[0]


def test_nesterov_reaches_the_optimizer_and_needs_sgd(small_config):
    config = dataclasses.replace(small_config, opt="sgd", lr=0.05, epochs=1)
    runs = [
        train(dataclasses.replace(config, output=config.output + str(nesterov), nesterov=nesterov)).folder
        for nesterov in (False, True)
    ]
    assert len(compare(*runs)) > 20
    for change in ({"opt": "adamw"}, {"momentum": 0.0}):
        with pytest.raises(UserError, match="nesterov needs opt sgd and a momentum above 0"):
            dataclasses.replace(config, nesterov=True, **change)
