"""Generation: the loss by hand, labels left out, who judges and what is judged."""

import dataclasses

import numpy as np
import pytest

from tinyvit.config.generation import DIT, GenerateConfig
from tinyvit.config.mae import MAEConfig
from tinyvit.datasets import Dataset, Split
from tinyvit.errors import UserError
from tinyvit.evaluation.judge import SHIPPED, load_judge
from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import DiT
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.tasks import ALL
from tinyvit.tasks.flow_matching import MIN_TIME, flow_matching, logit_normal
from tinyvit.tasks.generate import Generate, load_generator
from tinyvit.tasks.model_files import save_model

MODEL = dataclasses.replace(DIT, patch_size=14, embed_dim=8, depth=1, num_heads=2)
CONFIG = GenerateConfig(model=MODEL, judge="shipped", steps=2, samples=6, dev_samples=4, seed=3)
DIGITS = tuple("0123456789")


def digits(n, seed):
    rng = np.random.default_rng(seed)
    return Split(rng.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8), rng.integers(0, 10, n))


@pytest.fixture
def dataset():
    return Dataset("mnist", DIGITS, 0.13, 0.3, digits(40, 1), digits(15, 2), digits(20, 3), built_in=True)


@pytest.fixture
def model(rng):
    return shaken(DiT(MODEL, rng=rng), rng).astype(np.float32)


class Says:
    """A model that says what it is given, and keeps the gradient that comes back."""

    def __init__(self, image):
        self.image = image

    def forward(self, x, *, times, labels):
        self.x = x
        return self.image, None

    def backward(self, dy, saved):
        return None, {"said": dy}


def test_the_loss_is_that_of_the_velocity(rng):
    images, noise, said = rng.standard_normal((3, 4, 1, 2, 2))
    times, weights = np.array([1.0, 0.5, 0.2, 0.01]), np.array([0.1, 0.2, 0.3, 0.4])
    model = Says(said)
    loss, grads = flow_matching(model, images, noise, times, np.zeros(4, int), share=0.25, weights=weights)
    wanted = sum(
        w * np.mean(((said[i] - images[i]) / max(t, MIN_TIME)) ** 2)
        for i, (t, w) in enumerate(zip(times, weights, strict=True))
    )
    assert loss == pytest.approx(wanted)
    np.testing.assert_allclose(model.x[0], noise[0])  # at 1 there is nothing but noise
    np.testing.assert_allclose(model.x[1], (images[1] + noise[1]) / 2)
    nudged = said.copy()
    nudged[2, 0, 1, 0] += 1e-6
    more, _ = flow_matching(Says(nudged), images, noise, times, np.zeros(4, int), weights=weights)
    assert grads["said"][2, 0, 1, 0] == pytest.approx(0.25 * (more - loss) / 1e-6, rel=1e-4)


def test_a_model_that_sees_the_image_has_no_loss(rng):
    images, noise = rng.standard_normal((2, 5, 1, 2, 2))
    loss, grads = flow_matching(Says(images), images, noise, rng.random(5), np.zeros(5, int))
    assert loss == 0
    assert not grads["said"].any()


def test_times_lie_between_image_and_noise(rng):
    times = logit_normal(rng.standard_normal(2000))
    assert times.dtype == np.float32
    logits = np.log(times / (1 - times.astype(float)))
    assert (logits.mean(), logits.std()) == (pytest.approx(0.8, abs=0.06), pytest.approx(0.8, abs=0.06))
    assert 0 < times.min() < times.max() < 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_some_labels_are_left_out(share, dataset, rng):
    chosen = rng.integers(0, 40, 3000)
    config = dataclasses.replace(CONFIG, label_dropout=share)
    images, noise, _, labels = Generate().batch(config, dataset, chosen, rng)
    assert (labels == 10).mean() == pytest.approx(share, abs=0.03)
    told = labels < 10
    np.testing.assert_array_equal(labels[told], dataset.train.labels[chosen][told])
    assert (images.min(), images.max()) == (-1, 1)
    assert images.dtype == noise.dtype == np.float32


def test_augmentation_is_not_passed_over(dataset):
    plain, shifted = (
        Generate().batch(dataclasses.replace(CONFIG, augment=how), dataset, np.arange(9), np.random.default_rng(0))[0]
        for how in ("none", "shift")
    )
    assert not np.array_equal(plain, shifted)


@pytest.mark.parametrize(("split", "count"), [("dev", 4), ("test", 6)])
def test_samples_stand_beside_as_many_real_images(split, count, dataset, model):
    task, part = Generate(), getattr(dataset, split)
    answers = task.answers(CONFIG, model, dataset, split, ALL)
    result = task.judge(CONFIG, answers, dataset, split)
    assert len(result.losses) == len(part)
    judge = load_judge(str(SHIPPED))
    for looks, rows in ((result.real, slice(0, count)), (result.others, slice(count, 2 * count))):
        classes, features = judge.look(part.images[rows])
        np.testing.assert_array_equal(looks.labels, part.labels[rows])
        np.testing.assert_array_equal(looks.classes, classes)
        np.testing.assert_allclose(looks.features, features, atol=1e-5)
    np.testing.assert_array_equal(result.made.labels, part.labels[:count])
    assert not np.allclose(result.made.features, result.real.features)
    assert np.isfinite([result.frechet, result.frechet_of_real]).all()


def test_a_small_split_leaves_half_of_it_to_compare_with(dataset, model):
    config = dataclasses.replace(CONFIG, samples=1000)
    result = Generate().judge(config, Generate().answers(config, model, dataset, "test", ALL), dataset, "test")
    assert [len(looks.labels) for looks in result[1:]] == [10, 10, 10]


def test_digits_are_judged_by_the_shipped_classifier(dataset):
    notes = []
    config = dataclasses.replace(CONFIG, judge="auto")
    assert Generate().fit(config, dataset, (), notes.append).judge == "shipped"
    assert not notes
    for other in (dataclasses.replace(dataset, name="kmnist"), dataclasses.replace(dataset, built_in=False)):
        assert Generate().fit(config, other, (), notes.append).judge == "none"
        assert "No classifier judges the samples: name one of these images with --judge." in notes
    assert Generate().fit(dataclasses.replace(CONFIG, judge="none"), dataset, (), notes.append).judge == "none"


def test_a_judge_of_other_images_is_refused(dataset):
    task = Generate()
    task.check(CONFIG, dataset)
    with pytest.raises(UserError, match="knows other classes, 0 where these have a"):
        task.check(CONFIG, dataclasses.replace(dataset, class_names=tuple("abcdefghij")))
    small = Split(np.zeros((40, 1, 14, 14), np.uint8), dataset.train.labels)
    other = dataclasses.replace(dataset, train=small)
    with pytest.raises(UserError, match="looks at images of 1 x 28 x 28 and knows 10 classes, and these are of 1 x 14"):
        task.check(dataclasses.replace(CONFIG, model=dataclasses.replace(MODEL, img_size=14)), other)
    with pytest.raises(UserError):
        task.check(dataclasses.replace(CONFIG, judge="/no/such/folder"), dataset)


@pytest.mark.parametrize(
    ("model", "fields", "sentence"),
    [
        ({"drop_path_rate": 0.1}, {}, "no use for drop_path_rate, got 0.1: leave it out"),
        ({"stem": "conv"}, {}, "no use for stem, got conv"),
        ({"num_registers": 2}, {}, "no use for num_registers, got 2"),
        ({"pos_embed": "learned"}, {}, "no use for pos_embed, got learned"),
        ({"layer_scale": 0.1}, {}, "no use for layer_scale"),
        ({}, {"label_smoothing": 0.1}, "no use for label_smoothing, got 0.1"),
        ({}, {"class_weights": "balanced"}, "no use for class_weights"),
        ({}, {"label_dropout": 0.0}, "guidance 2 needs a model that has learned without labels, too"),
    ],
)
def test_no_setting_is_passed_over(model, fields, sentence, dataset):
    config = dataclasses.replace(CONFIG, model=dataclasses.replace(MODEL, **model), **fields)
    with pytest.raises(UserError, match=sentence):
        Generate().check(config, dataset)


@pytest.fixture
def run(tmp_path, model):
    names = b'{"class_names": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}'
    save_model(tmp_path / "run" / "best", CONFIG, model, {PREPROCESSOR: names})
    return tmp_path / "run"


def test_a_saved_model_says_the_same(run, model, rng):
    config, again, names = load_generator(run)
    assert (config, names) == (CONFIG, DIGITS)
    images, options = rng.standard_normal((2, 1, 28, 28)).astype(np.float32), {"labels": np.array([3, 10])}
    times = np.array([0.5, 0.1], np.float32)
    y, _ = model.forward(images, times=times, **options)
    np.testing.assert_array_equal(again.forward(images, times=times, **options)[0], y)


@pytest.mark.parametrize("names", [b"{}", b'{"class_names": []}', b'{"class_names": [1,2,3,4,5,6,7,8,9,0]}', b"[", b""])
def test_damaged_names_of_classes_are_a_sentence(names, run):
    (run / "best" / PREPROCESSOR).write_bytes(names)
    with pytest.raises(UserError, match=PREPROCESSOR):
        load_generator(run)


def test_other_runs_make_no_images(tmp_path, rng):
    from tinyvit.tasks.mae import MAE

    config = MAEConfig(model=dataclasses.replace(MODEL, num_classes=0), decoder_embed_dim=8)
    save_model(tmp_path / "mae", config, MAE().build(config, rng), {})
    for folder, what in (("mae", "a run of the task mae"), ("", "no run of a task"), ("nowhere", "there is no folder")):
        with pytest.raises(UserError, match=what):
            load_generator(tmp_path / folder)
