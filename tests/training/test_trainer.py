"""What a run makes of its config: the weights averaged, the epoch chosen, every setting obeyed, every number told."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.support.notes import Notes, Scripted, Stops, weights_in
from tests.support.small_run import new_trainer
from tinyvit.backend import to_numpy
from tinyvit.evaluation.evaluate import evaluate
from tinyvit.optim import AdamW, warmup_cosine
from tinyvit.tasks import Classify, classify
from tinyvit.training import TrainConfig, TrainingInterrupted, load_trained, loop, resume, start, train
from tinyvit.training.gradients import OneProcess
from tinyvit.vit import VisionTransformer

STEPS = 6  # per epoch: 200 images in batches of 32


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def model_of(config, weights):
    model = VisionTransformer(config.model)
    model.load_state_dict(weights)
    return model


# The average of the weights


class FollowsTheWeights(Notes):
    """Averages the weights of every step itself."""

    def __init__(self, decay):
        super().__init__()
        self.decay, self.averages = decay, []

    def follow(self, running):
        self.running = running
        self.average = {
            name: to_numpy(array).astype(np.float64) for name, array in running.state.model.state_dict().items()
        }

    def step(self, images, loss):
        super().step(images, loss)
        t = self.running.state.step
        decay = min(self.decay, (1 + t) / (10 + t))
        for name, array in self.running.state.model.parameters().items():
            self.average[name] = decay * self.average[name] + (1 - decay) * to_numpy(array)

    def epoch(self, metrics, best):
        super().epoch(metrics, best)
        self.averages.append(dict(self.average))


def test_the_average_is_evaluated_and_the_live_weights_go_on(small_config, small_dataset, tmp_path):
    config = dataclasses.replace(small_config, ema_decay=0.4, lr=0.02, epochs=3)  # early steps reach (1 + t) / (10 + t)
    notes = FollowsTheWeights(0.4)
    running = new_trainer(config, small_dataset, tmp_path / "run", notes)
    notes.follow(running)
    history = running.run()
    for metrics, average in zip(history.epochs, notes.averages, strict=True):
        dev = evaluate(model_of(config, average), small_dataset.dev, small_dataset)
        assert metrics["dev_loss"] == pytest.approx(dev.loss, rel=1e-5)
    best = weights_in(history.folder / "best")
    state = load_file(history.folder / "last" / "training_state.safetensors")
    for name, array in notes.averages[history.best_epoch - 1].items():
        np.testing.assert_allclose(best[name], array, atol=1e-6)
    for name, array in notes.averages[-1].items():
        np.testing.assert_allclose(state[f"ema.{name}"], array, atol=1e-6)

    without = Notes()
    train(dataclasses.replace(config, ema_decay=0.0, output=str(tmp_path / "without")), progress=without)
    assert all(same(*pair) for pair in zip(notes.weights, without.weights, strict=True))  # averaging only watches


# The best epoch


class Sealed:
    """A test split that nobody may look at before training is over."""

    def __init__(self, split):
        self.split, self.closed = split, True

    @property
    def images(self):
        assert not self.closed, "somebody peeks at the test split"
        return self.split.images

    @property
    def labels(self):
        assert not self.closed, "somebody peeks at the test split"
        return self.split.labels

    def __len__(self):
        return len(self.labels)


class Unseals(Notes):
    def __init__(self, test):
        super().__init__()
        self.test = test

    def stop(self):
        self.test.closed = False


@pytest.mark.parametrize(
    ("accuracies", "losses", "best"),
    [
        ([0.5, 0.7, 0.6], [1.0, 2.0, 0.5], [1, 2]),  # accuracy counts first
        ([0.7, 0.5, 0.6], [1.0, 1.0, 1.0], [1]),  # better than all before, not only than the last
        ([0.5, 0.5, 0.5], [1.0, 0.8, 0.9], [1, 2]),  # then the loss
        ([0.5, 0.5, 0.5], [0.8, 0.9, 0.7], [1, 3]),
        ([0.5, 0.5], [1.0, 1.0], [1]),  # then whoever came first
        ([0.1, 0.2, 0.3], [1.0, 1.1, 1.2], [1, 2, 3]),
    ],
)
def test_the_best_epoch_on_dev_is_kept_and_tested(small_config, small_dataset, monkeypatch, accuracies, losses, best):
    script = [Scripted(loss, accuracy) for accuracy, loss in zip(accuracies, losses, strict=True)]
    judged, judge = [], classify.judge

    def scripted(probs, labels, **options):
        judged.append(labels)
        return script[len(judged) - 1] if len(judged) <= len(script) else judge(probs, labels, **options)

    monkeypatch.setattr(classify, "judge", scripted)
    sealed = Sealed(small_dataset.test)
    monkeypatch.setattr(start, "load_dataset", lambda *_, **__: dataclasses.replace(small_dataset, test=sealed))
    notes = Unseals(sealed)
    config = dataclasses.replace(small_config, epochs=len(script), ema_decay=0.0, lr=0.02)
    history = train(config, progress=notes)
    assert all(labels is small_dataset.dev.labels for labels in judged[: len(script)])
    assert judged[-1] is small_dataset.test.labels
    assert len(judged) == len(script) + 1
    assert [metrics["epoch"] for metrics, is_best in notes.epochs if is_best] == best
    assert history.best_epoch == best[-1]
    kept = weights_in(history.folder / "best")
    assert [same(kept, weights) for weights in notes.weights] == [epoch == best[-1] for epoch in range(1, len(script) + 1)]  # fmt: skip
    model, _ = load_trained(history.folder)
    assert same(model.parameters(), kept)
    test = evaluate(model, small_dataset.test, small_dataset)
    np.testing.assert_allclose(history.test.of_label, test.of_label, atol=1e-6)
    assert (history.test.loss, history.test.accuracy) == pytest.approx((test.loss, test.accuracy), rel=1e-5)
    assert f"accuracy {100 * test.accuracy:.2f} %, loss {test.loss:.4f} (weights of epoch {best[-1]})" in (history.folder / "report.txt").read_text()  # fmt: skip


# Every setting


AFFINE = {"augment": "affine"}
SHIFT = {"augment": "shift"}
SGD = {"opt": "sgd", "lr": 0.05}
SETTINGS = [  # name, another value, what goes with both
    ("epochs", 1, {}),
    ("batch_size", 40, {}),
    ("opt", "sgd", {}),
    ("lr", 2e-3, {}),
    ("lr", 0.04, SGD),
    ("min_lr", 1e-3, {}),
    ("warmup_epochs", 1.0, {}),
    ("momentum", 0.5, SGD),
    ("nesterov", True, SGD),
    ("weight_decay", 0.3, {}),
    ("weight_decay", 0.3, SGD),
    ("clip_grad", 0.1, {}),
    ("clip_grad", 0.1, SGD),
    ("clip_grad", 0.0, SGD),
    ("label_smoothing", 0.1, {}),
    ("ema_decay", 0.2, {}),
    ("augment", "none", AFFINE),
    ("augment", "none", SHIFT),
    ("augment", "affine", SHIFT),
    ("shift", 3, SHIFT),
    ("degrees", 20.0, AFFINE),
    ("translate", 2.0, AFFINE),
    ("scale", 0.2, AFFINE),
    ("shear", 10.0, AFFINE),
    ("elastic", 1.0, AFFINE),
    ("class_weights", "balanced", {}),
    ("seed", 1, {}),
]
NOT_THE_WEIGHTS = {
    "model", "dataset", "data_dir", "output", "device", "workers", "distributed", "micro_batch", "checkpoint_seconds",
    "precision", "kernels",  # on a GPU
    "task",  # there is one
}  # fmt: skip


def test_no_setting_is_left_out():
    assert {name for name, _, _ in SETTINGS} | NOT_THE_WEIGHTS == {f.name for f in dataclasses.fields(TrainConfig)}


@pytest.fixture(scope="module")
def weights_by_config():
    """The weights that a config ends with in `best/`, which are the average's; remembered."""
    known = {}

    def look_up(config):
        key = json.dumps(dataclasses.replace(config, output=None).to_dict())
        if key not in known:
            folder = train(config, overwrite=True).folder
            known[key] = weights_in(folder / "best")
        return known[key]

    return look_up


@pytest.mark.parametrize(("name", "value", "others"), SETTINGS)
def test_every_setting_changes_the_weights(small_config, monkeypatch, weights_by_config, name, value, others):
    judge = Classify.judge

    def better_each_time(self, config, answers, dataset, split):
        return Scripted(-next(clock), 0.5) if split == "dev" else judge(self, config, answers, dataset, split)

    monkeypatch.setattr(Classify, "judge", better_each_time)
    clock = iter(range(100))
    config = dataclasses.replace(small_config, **others)
    assert getattr(config, name) != value
    before = weights_by_config(config)
    after = weights_by_config(dataclasses.replace(config, **{name: value}))
    assert max(np.abs(after[key] - array).max() for key, array in before.items()) > 1e-6


def test_every_step_has_the_learning_rate_of_the_schedule(small_config, monkeypatch):
    rates = []
    whole_step = AdamW.step

    def noting(optimizer, grads, *, lr):
        rates.append(lr)
        whole_step(optimizer, grads, lr=lr)

    monkeypatch.setattr(AdamW, "step", noting)
    config = dataclasses.replace(small_config, epochs=3, lr=0.01, min_lr=0.002, warmup_epochs=0.7)
    history = train(config)

    def wanted(step):
        return warmup_cosine(step, lr=0.01, min_lr=0.002, total_steps=3 * STEPS, warmup_steps=4)

    assert rates == [wanted(step) for step in range(3 * STEPS)]
    assert max(rates) == 0.01
    assert [epoch["lr"] for epoch in history.epochs] == [wanted(STEPS), wanted(2 * STEPS), 0.002]  # of the next step


def test_everything_a_run_saves_is_float32(small_config):
    folder = train(small_config).folder
    files = [folder / "best" / "model.safetensors", *(folder / "last").glob("*.safetensors")]
    assert len(files) == 3
    for path in files:
        assert {array.dtype for array in load_file(path).values()} == {np.dtype(np.float32)}


# Every number


@pytest.fixture
def step_losses(monkeypatch):
    """What `OneProcess.compute` returned, step by step."""
    losses = []
    whole = OneProcess.compute

    def noting(process, step):
        losses.append(float(whole(process, step)))
        return losses[-1]

    monkeypatch.setattr(OneProcess, "compute", noting)
    return losses


def test_the_losses_told_are_means_of_the_epochs_steps_so_far(small_config, monkeypatch, step_losses):
    monkeypatch.setattr(loop, "READ_EVERY", 4)
    notes = Notes()
    history = train(small_config, progress=notes)
    assert len(step_losses) == 2 * STEPS
    epochs = [step_losses[:STEPS], step_losses[STEPS:]]
    assert [epoch["train_loss"] for epoch in history.epochs] == pytest.approx([np.mean(epoch) for epoch in epochs])
    wanted = {4: epochs[0][:4], 6: epochs[0], 10: epochs[1][:4], 12: epochs[1]}
    told = {step: loss for step, (_, loss) in enumerate(notes.steps, 1) if loss is not None}
    assert told == pytest.approx({step: np.mean(losses) for step, losses in wanted.items()})


def test_images_are_counted_once_however_often_a_run_is_stopped(small_config):
    stopped = Stops(8)
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=stopped)
    assert stopped.begun == (192, 0)
    assert [images for images, _ in stopped.steps] == [32] * 9  # the step that was on its way is finished
    rest = Notes()
    resume(small_config.output, progress=rest)
    assert rest.begun == (192, 9 * 32)
    assert [images for images, _ in rest.steps] == [32] * 3
    assert [metrics["epoch"] for metrics, _ in rest.epochs] == [2]


def test_a_batch_larger_than_the_data_counts_real_images(small_config):
    notes = Notes()
    train(dataclasses.replace(small_config, batch_size=1000), progress=notes)
    assert notes.begun == (200, 0)
    assert [images for images, _ in notes.steps] == [200, 200]


def test_the_metrics_files_hold_what_the_history_does(small_config):
    history = train(small_config)
    lines = (Path(small_config.output) / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history.epochs
    assert list(history.epochs[0]) == ["epoch", "train_loss", "dev_loss", "dev_accuracy", "lr"]
