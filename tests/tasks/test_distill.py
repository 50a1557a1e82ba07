"""Distillation: what is left without a teacher, what each head learns, and which teachers will do."""

import dataclasses

import numpy as np
import pytest

from tinyvit.config import ViTConfig
from tinyvit.config.distillation import DistillConfig
from tinyvit.datasets import Dataset, Split, normalize
from tinyvit.errors import UserError
from tinyvit.evaluation.judge import SHIPPED
from tinyvit.ops import cross_entropy_forward, distillation_forward
from tinyvit.tasks import loss_and_gradients
from tinyvit.tasks.distill import Distill, renormalized
from tinyvit.vit import VisionTransformer

MODEL = ViTConfig(
    img_size=28, patch_size=14, in_chans=1, num_classes=10, embed_dim=8, depth=1, num_heads=2, init_std=0.3
)
TOKEN = dataclasses.replace(MODEL, pool="cls+dist", num_registers=1)
CONFIG = DistillConfig(model=MODEL, teacher=str(SHIPPED), augment="none", alpha=0.7, temperature=2.0)
DIGITS = tuple("0123456789")
TASK = Distill()


def digits(n, seed):
    rng = np.random.default_rng(seed)
    return Split(rng.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8), rng.integers(0, 10, n))


@pytest.fixture
def dataset():
    return Dataset("mnist", DIGITS, 0.13, 0.3, digits(12, 1), digits(5, 2), digits(5, 3), built_in=True)


@pytest.fixture
def batch(dataset, rng):
    return TASK.batch(CONFIG, dataset, np.arange(6), rng)


def student(config):
    return TASK.build(config, np.random.default_rng(0))


def grads_of(config, batch):
    return TASK.loss_and_gradients(config, student(config), batch)


def test_without_a_teacher_it_is_classification(batch):
    config = dataclasses.replace(CONFIG, alpha=0.0, label_smoothing=0.1)
    loss, grads = grads_of(config, batch)
    wanted, wanted_grads = loss_and_gradients(student(config), *batch[:2], label_smoothing=0.1)
    assert loss == pytest.approx(float(wanted), rel=1e-6)
    for name, grad in wanted_grads.items():
        np.testing.assert_allclose(grads[name], grad, atol=1e-7)


@pytest.mark.parametrize("model", [MODEL, TOKEN], ids=["one head", "distillation token"])
@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_the_loss_is_the_mean_of_labels_and_teacher(batch, model, kind):
    config = dataclasses.replace(CONFIG, model=model, distillation=kind)
    images, labels, seen = batch
    taught = VisionTransformer.from_pretrained(SHIPPED).predict(seen)
    pupil = student(config)
    of_labels = of_teacher = pupil.predict(images)
    if model is TOKEN:
        pooled = pupil.pool.forward(pupil.forward_features(images)[0])[0]
        of_labels, of_teacher, _ = pupil.head.forward_both(pooled)
    label_loss, _ = cross_entropy_forward(of_labels, labels=labels)
    if kind == "hard":
        teaching, _ = cross_entropy_forward(of_teacher, labels=taught.argmax(1))
    else:
        teaching, _ = distillation_forward(of_teacher, teacher_logits=taught, temperature=2.0)
    assert grads_of(config, batch)[0] == pytest.approx(0.3 * label_loss + 0.7 * teaching, rel=1e-5)


@pytest.mark.parametrize(("alpha", "silent"), [(0.0, "dist"), (1.0, "cls")])
def test_with_a_distillation_token_each_head_has_its_own_lesson(batch, alpha, silent):
    config = dataclasses.replace(CONFIG, model=TOKEN, alpha=alpha)
    _, grads = grads_of(config, batch)
    learns = {name for name, grad in grads.items() if name.startswith("head.") and grad.any()}
    other = {"dist": "cls", "cls": "dist"}[silent]
    assert learns == {f"head.{other}.weight", f"head.{other}.bias"}


def test_the_teacher_sees_images_normalised_as_its_own(dataset, rng):
    images, _, seen = TASK.batch(CONFIG, dataset, np.arange(6), rng)
    teacher = TASK.batch(CONFIG, dataclasses.replace(dataset, mean=0.1307, std=0.3081), np.arange(6), rng)
    pixels = dataset.train.images[:6]
    np.testing.assert_allclose(images, normalize(pixels, 0.13, 0.3))
    np.testing.assert_allclose(seen, teacher[2], atol=1e-4)  # whatever the student's statistics are
    colours = rng.integers(0, 256, (3, 3, 4, 4), dtype=np.uint8)
    ours, theirs = ((0.1, 0.5, 0.3), (0.2, 0.4, 0.6)), ((0.4, 0.2, 0.1), (0.3, 0.5, 0.2))
    np.testing.assert_allclose(
        renormalized(normalize(colours, *ours), ours, theirs), normalize(colours, *theirs), atol=1e-5
    )


def test_the_teacher_is_found_and_recorded(dataset, tmp_path, monkeypatch):
    notes = []
    auto = dataclasses.replace(CONFIG, teacher="auto")
    assert TASK.fit(auto, dataset, (), notes.append).teacher == str(SHIPPED)
    assert notes == [f"The teacher is {SHIPPED}."]
    for other in (dataclasses.replace(dataset, name="kmnist"), dataclasses.replace(dataset, built_in=False)):
        with pytest.raises(UserError, match=r"no teacher is known for .*: train one on it, and name its folder"):
            TASK.fit(auto, other, (), notes.append)
    monkeypatch.chdir(tmp_path)
    named = TASK.fit(dataclasses.replace(CONFIG, teacher="runs/big"), dataset, (), notes.append)
    assert named.teacher == str(tmp_path / "runs" / "big")  # a resumed run may stand elsewhere


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"teacher": "/no/such/folder"}, "/no/such/folder"),
        ({"class_names": tuple("abcdefghij")}, "knows other classes, 0 where these have a"),
        ({"class_names": DIGITS[::-1]}, "knows other classes, 0 where these have 9"),
        ({"class_names": DIGITS[:4], "num_classes": 4}, "knows 10 classes, and these are of 1 x 28 x 28 and 4"),
        ({"size": 14}, "looks at images of 1 x 28 x 28 .* these are of 1 x 14 x 14"),
    ],
)
def test_a_missing_or_unfit_teacher_is_one_sentence(change, sentence, dataset):
    config, size = CONFIG, change.get("size", 28)
    names = change.get("class_names", DIGITS)
    model = dataclasses.replace(MODEL, img_size=size, num_classes=change.get("num_classes", 10), patch_size=7)
    config = dataclasses.replace(config, model=model, teacher=change.get("teacher", CONFIG.teacher))
    images = Split(np.zeros((4, 1, size, size), np.uint8), np.zeros(4, np.int64))
    with pytest.raises(UserError, match=sentence) as error:
        TASK.check(config, dataclasses.replace(dataset, class_names=names, train=images))
    assert "\n" not in str(error.value)


def test_the_teacher_answers_once_where_images_stay_as_they_are(dataset, rng):
    prepared = TASK.prepared(CONFIG, dataset)
    chosen = np.array([5, 0, 3])
    images, labels, taught = TASK.batch(CONFIG, prepared, chosen, rng)
    seen = TASK.batch(CONFIG, dataset, chosen, rng)
    np.testing.assert_allclose(taught, VisionTransformer.from_pretrained(SHIPPED).predict(seen[2]), atol=1e-4)
    loss, grads = grads_of(CONFIG, (images, labels, taught))
    in_each_step, wanted = grads_of(CONFIG, seen)
    assert loss == pytest.approx(float(in_each_step), rel=1e-5)
    for name, grad in wanted.items():
        np.testing.assert_allclose(grads[name], grad, atol=1e-5)


def test_a_teacher_of_augmented_images_works_in_each_step(dataset, rng):
    augmented = dataclasses.replace(CONFIG, augment="affine")
    assert TASK.prepared(augmented, dataset) is dataset
    images, _, seen = TASK.batch(augmented, dataset, np.arange(3), rng)
    assert seen.shape == images.shape
    assert TASK.flops(augmented) > 4 * TASK.flops(CONFIG)  # and so it is worth more workers
