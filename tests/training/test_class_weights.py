"""Weights of classes: where they come from, what they do to the loss, and that a run keeps them."""

import dataclasses
import json

import numpy as np
import pytest

from tests.support import others_slow
from tinyvit.errors import UserError
from tinyvit.optim import FlatArrays
from tinyvit.tasks.class_weights import balanced, example_weights, told, with_class_weights
from tinyvit.training import Progress, TrainConfig, loss_and_gradients, resume, train
from tinyvit.training.gradients import Part, part_of
from tinyvit.training.state import build_model
from tinyvit.vit import VisionTransformer

NAMES = ("cat", "dog", "sea, deep", "caf\u00e9")
LABELS = np.array([0, 0, 0, 0, 1, 1, 3, 3, 3, 3, 3, 3])


def resolved(wanted, names=NAMES, labels=LABELS):
    return with_class_weights(TrainConfig(class_weights=wanted), names, labels).class_weights


def test_balanced_classes_count_alike():
    weights = np.array(balanced(LABELS, 4))
    np.testing.assert_allclose(weights, [12 / (3 * 4), 12 / (3 * 2), 1.0, 12 / (3 * 6)])
    sums = np.bincount(LABELS, weights[LABELS], minlength=4)
    np.testing.assert_allclose(sums, [4, 4, 0, 4])
    assert weights[LABELS].mean() == pytest.approx(1.0)
    assert resolved("balanced") == tuple(weights)


GOOD = {
    "w.json": '{"dog": 0.5, "cat": 2, "sea, deep": 0, "caf\\u00e9": 1e1}',
    "w.JSON": '{"dog": 0.5, "cat": 2.0, "sea, deep": 0, "cafe\u0301": 10}',  # the accent as a letter of its own
    "w.csv": 'cat,2\ndog, 0.5\n"sea, deep",0\n\ncaf\u00e9,10\n',
    "with a header.csv": 'Class,Weight\r\ncat,2\r\ndog,.5\r\n"sea, deep",0.0\r\ncaf\u00e9,10.0',
    "no ending": '\ufeffcaf\u00e9,10\ncat,2\n"sea, deep",0\ndog,0.5',
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_names_each_class(name, tmp_path):
    (tmp_path / name).write_bytes(GOOD[name].encode())
    assert resolved(str(tmp_path / name)) == (2.0, 0.5, 0.0, 10.0)


REST = '"sea, deep",1\ncaf\u00e9,1\n'
BAD = {
    "missing.csv": (None, "must be the word balanced or a file, and there is no file .*missing.csv"),
    "empty.csv": ("", "has no weight for cat, dog, sea, deep, caf\u00e9: give each class one"),
    "one missing.csv": ("cat,1\n" + REST, "has no weight for dog"),
    "unknown.csv": ("cat,1\ndog,1\nbird,2\n" + REST, "names no class of these images with bird: the classes are cat"),
    "twice.csv": ("cat,1\ndog,1\ncat,2\n" + REST, "gives 'cat' two weights"),
    "words.csv": ("cat,heavy\ndog,1\n" + REST, "weight of 'cat' must be a number from 0 to .*, got 'heavy'"),
    "negative.csv": ("cat,-1\ndog,1\n" + REST, "weight of 'cat' .*got -1.0"),
    "nan.csv": ("cat,nan\ndog,1\n" + REST, "weight of 'cat' .*got nan"),
    "infinite.csv": ("cat,1e999\ndog,1\n" + REST, "weight of 'cat' .*got inf"),
    "huge.csv": ("cat,1\ndog,1000000\n" + REST, "weight of 'dog' .*got 1000000.0"),
    "three cells.csv": ("cat,1,2\n", "line 1 must have a class and a weight, got 3 cells"),
    "one cell.csv": ("cat,1\ndog\n", "line 2 must have a class and a weight, got 1 cells"),
    "quotes.csv": ('cat,"1', "holds no class weights"),
    "all zero.csv": (
        'cat,0\ndog,0\n"sea, deep",5\ncaf\u00e9,0\n',
        "classes with training images are 0, so none would count",
    ),
    "bytes.csv": (b"caf\xe9,1\n", "holds no class weights .*utf-8"),
    "zeros.csv": (b"\0" * 50, "holds no class weights|line 1"),
    "broken.json": ('{"cat": 1', "holds no class weights .*delimiter"),
    "list.json": ("[1, 2]", "must be a JSON object, got list"),
    "number.json": ("3", "must be a JSON object, got int"),
    "deep.json": ("[" * 100000, "holds no class weights"),
    "text.json": ('{"cat": "1", "dog": 1}', "weight of 'cat' .*got '1'"),
    "true.json": ('{"cat": true}', "weight of 'cat' .*got True"),
    "null.json": ('{"cat": null}', "weight of 'cat' .*got None"),
    "nested.json": ('{"cat": {"a": 1}}', "weight of 'cat' must be a number"),
    "nan.json": ('{"cat": NaN}', "weight of 'cat' .*got nan"),
    "long.json": ('{"cat": 1' + "0" * 400 + "}", "weight of 'cat' must be a number"),
    "twice.json": ('{"cat": 1, "cat": 2}', "gives 'cat' two weights"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_none_gets_one_sentence(name, tmp_path):
    content, sentence = BAD[name]
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=sentence) as error:
        resolved(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match="it is a folder"):
        resolved(str(tmp_path))


@pytest.mark.parametrize(
    ("wanted", "labels", "sentence"),
    [
        ((1.0, 2.0), LABELS, "there are 4 classes, got 2 class weights"),
        ((0.0, 0.0, 1.0, 0.0), LABELS, "none would count"),
        ("balanced", np.eye(4, dtype=bool), "images of one class each, and these have several"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(wanted, labels, sentence):
    with pytest.raises(UserError, match=sentence):
        resolved(wanted, labels=labels)


@pytest.mark.parametrize("wanted", [(1.0, -1.0), (1.0, float("nan")), ("a",), {"cat": 1}, 3, ""])
def test_a_config_takes_numbers_or_a_name(wanted):
    with pytest.raises(UserError, match="class_weights must be text or numbers, each a number of at least 0"):
        TrainConfig(class_weights=wanted)


def test_a_config_keeps_them_through_json():
    config = TrainConfig(class_weights=[1, 2.5, 0])
    assert config.class_weights == (1.0, 2.5, 0.0)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_labels_weigh_by_class_and_soft_targets_by_their_mean():
    config = TrainConfig(class_weights=(1.0, 3.0, 0.0))
    np.testing.assert_allclose(example_weights(config, np.array([0, 1, 2, 1])), np.array([1, 3, 0, 3]) / 7)
    soft = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    np.testing.assert_allclose(example_weights(config, soft), np.array([2.0, 0.75]) / 2.75)
    np.testing.assert_array_equal(example_weights(config, np.array([2, 2])), [0, 0])
    assert example_weights(TrainConfig(), np.array([0, 1])) is None


def test_shares_add_up_and_so_do_weights_within_a_part(rng):
    weights = rng.dirichlet(np.ones(7))
    weights[3:5] = 0.0
    weights /= weights.sum()
    parts = [(rows, *part_of(weights, rows, 7)) for rows in (slice(0, 3), slice(3, 5), slice(5, 7))]
    assert sum(share for _, share, _ in parts) == pytest.approx(1.0)
    for rows, share, mine in parts:
        np.testing.assert_allclose(share * mine, weights[rows])
        assert mine.sum() == pytest.approx(1.0 if share else 0.0)
    assert part_of(None, slice(2, 5), 12) == (0.25, None)


def batch_gradient(config, dataset, count):
    model = build_model(config)
    total, loss = FlatArrays(model.parameters()), 0.0
    for index in range(count):
        part = Part(config, dataset, model, FlatArrays(model.parameters()), index, count)
        loss += float(part.compute(3))
        total.add(part.grads)
    return loss, total.vector


@pytest.mark.parametrize(("count", "micro_batch"), [(2, 0), (3, 5), (1, 1), (40, 0)])
def test_parts_of_a_weighted_batch_add_up(count, micro_batch, small_config, small_dataset):
    weights = tuple(float(k % 3) for k in range(10))  # some count nothing, and whole parts of a batch too
    config = dataclasses.replace(small_config, class_weights=weights, label_smoothing=0.1)
    wanted_loss, wanted = batch_gradient(config, small_dataset, 1)
    loss, vector = batch_gradient(dataclasses.replace(config, micro_batch=micro_batch), small_dataset, count)
    assert loss == pytest.approx(wanted_loss, rel=1e-5)
    assert np.abs(vector - wanted).max() < 2e-6 * np.abs(wanted).max() + 1e-7
    unweighted, _ = batch_gradient(dataclasses.replace(config, class_weights=None), small_dataset, 1)
    assert abs(unweighted - wanted_loss) > 1e-4


def test_a_class_that_counts_nothing_is_not_learned(small_config, small_dataset):
    """As if its images had been left out of the batch."""
    config = dataclasses.replace(small_config.model, drop_path_rate=0.0)
    model = VisionTransformer(config, rng=np.random.default_rng(0)).astype(np.float64)
    labels = small_dataset.train.labels[:12]
    images = small_dataset.train.images[:12] / 255.0
    weights = (labels != labels[0]).astype(float)
    _, grads = loss_and_gradients(model, images, labels, weights=weights / weights.sum())
    kept = labels != labels[0]
    _, wanted = loss_and_gradients(model, images[kept], labels[kept])
    for name, array in wanted.items():
        np.testing.assert_allclose(grads[name], array, rtol=1e-9, atol=1e-13)


class Notes(Progress):
    def __init__(self):
        self.sentences = []

    def note(self, sentence):
        self.sentences.append(sentence)


class StopsAt(Progress):
    def __init__(self, steps):
        self.steps = steps

    def step(self, images, loss):
        self.steps -= 1
        if not self.steps:
            raise KeyboardInterrupt


@pytest.mark.parametrize("workers", others_slow([1, 2]))
def test_a_run_tells_its_weights_and_resumes_with_them(workers, small_config, tmp_path):
    """Even if the file that they came from is gone."""
    names = [str(k) for k in range(10)]
    (tmp_path / "w.csv").write_text("".join(f"{name},{1 + int(name) % 4}\n" for name in names))
    config = dataclasses.replace(small_config, class_weights=str(tmp_path / "w.csv"), workers=workers, checkpoint_seconds=0.0)  # fmt: skip
    notes = Notes()
    whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), progress=notes)
    (sentence,) = [note for note in notes.sentences if "class weights" in note]
    assert "class weights in the training loss: 7 4, 3 4, 6 3" in sentence
    assert "class weights in the training loss: 7 4, 3 4" in (whole.folder / "report.txt").read_text()
    assert json.loads((whole.folder / "config.json").read_text())["class_weights"] == [1 + k % 4 for k in range(10)]
    with pytest.raises(KeyboardInterrupt):
        train(dataclasses.replace(config, output=str(tmp_path / "stopped")), progress=StopsAt(7))
    (tmp_path / "w.csv").unlink()
    resumed = resume(tmp_path / "stopped")
    assert resumed.epochs == whole.epochs
    plain = train(dataclasses.replace(config, class_weights=None, output=str(tmp_path / "plain")))
    assert plain.epochs[0]["train_loss"] != whole.epochs[0]["train_loss"]


def test_a_bad_file_leaves_no_run(small_config, tmp_path):
    config = dataclasses.replace(small_config, class_weights=str(tmp_path / "none.csv"), output=str(tmp_path / "run"))
    with pytest.raises(UserError, match="there is no file"):
        train(config)
    assert not (tmp_path / "run").exists()


def test_many_classes_are_told_in_short():
    config = TrainConfig(class_weights=tuple(float(k) for k in range(100)))
    sentence = told(config, [f"c{k}" for k in range(100)])
    assert len(sentence) < 300
