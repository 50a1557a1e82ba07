"""Detection: the truth as output is perfect, patches answer for what is near, and boxes of one's own are learned from."""

import dataclasses

import numpy as np
import pytest

from tinyvit.config import ViTConfig, preset
from tinyvit.config.scenes import DetectConfig
from tinyvit.datasets import Dataset, Split
from tinyvit.datasets.boxes import NO_CLASS
from tinyvit.errors import UserError
from tinyvit.ops import focal_forward, giou_forward
from tinyvit.optim import AdamW
from tinyvit.tasks import ALL, TASKS
from tinyvit.tasks.assignment import assigned, patch_weights
from tinyvit.tasks.detect import image_losses, surest

TASK = TASKS["detect"]
MODEL = ViTConfig(img_size=(24, 32), patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2)
CONFIG = DetectConfig(model=MODEL, batch_size=4, max_boxes=5)
NONE = [0, 0, 0, 0, NO_CLASS]
BOXES = np.array([
    [[1, 2, 9, 11, 2], [20, 10, 31, 23, 0]],
    [[12, 3, 15, 6, 1], NONE],
    [NONE, NONE],
], np.float32)  # fmt: skip


@pytest.fixture
def dataset(rng):
    split = Split(rng.integers(0, 256, (3, 1, 24, 32), dtype=np.uint8), BOXES)
    return Dataset("own", ("a", "b", "c"), 0.5, 0.25, split, split, split)


class Says:
    """A model that answers what it is told, and keeps what comes back."""

    dtype, device = np.float64, "cpu"

    def __init__(self, y):
        self.y = y
        self.encoder = self
        self.config = MODEL

    def forward(self, x, *, rng=None):
        return self.y[: len(x)], None

    def backward(self, dy, saved):
        return None, {"y": dy}


def as_output(config, boxes):
    classes, targets = assigned(config, boxes)
    return np.concatenate([np.where(classes[..., None] == np.arange(3), 5.0, -5.0), targets], axis=2)


def test_the_truth_as_output_is_perfect(dataset):
    y = as_output(CONFIG, BOXES)
    found = surest(CONFIG, y)
    assert found.shape == (3, 5, 6)
    np.testing.assert_array_equal((found[..., 5] > 0).sum(axis=1), [2, 1, 0])
    np.testing.assert_array_equal(found[found[..., 5] == 0], np.tile([0, 0, 0, 0, NO_CLASS, 0], (12, 1)))
    result = TASK.judge(CONFIG, TASK.answers(CONFIG, Says(y), dataset, "dev", ALL), dataset, "dev")
    assert result.measures == {"map": 1.0, "map50": 1.0}


@pytest.mark.parametrize(
    "mixed",
    [
        lambda y: y[..., [0, 1, 2, 4, 3, 6, 5]],  # x for y
        lambda y: y[..., [1, 2, 0, 3, 4, 5, 6]],  # classes in another order
        lambda y: y[::-1],
    ],
)
def test_mixed_up_output_is_not(mixed, dataset):
    answers = TASK.answers(CONFIG, Says(mixed(as_output(CONFIG, BOXES))), dataset, "dev", ALL)
    assert TASK.judge(CONFIG, answers, dataset, "dev").measures["map50"] < 0.4


def by_loop(boxes, P=4, grid=(6, 8)):
    """For each patch, the number of the box that it answers for, -1 for none."""
    middles = [((x + 0.5) * P, (y + 0.5) * P) for y in range(grid[0]) for x in range(grid[1])]
    far = {}
    for m, (x1, y1, x2, y2, k) in enumerate(boxes):
        if k != NO_CLASS:
            of_box = [max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2)) for x, y in middles]
            for patch, distance in enumerate(of_box):
                if distance <= 0.75 * P or distance == min(of_box):
                    far.setdefault(patch, []).append((distance, m))
    return [min(far[patch])[1] if patch in far else -1 for patch in range(len(middles))]


def test_patches_answer_for_what_is_near(rng):
    low = rng.uniform(0, 16, (20, 4, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 16, (20, 4, 2)), rng.integers(0, 3, (20, 4, 1))], axis=2)
    boxes[rng.random((20, 4)) < 0.3, 4] = NO_CLASS
    classes, targets = assigned(CONFIG, boxes)
    for image in range(20):
        for patch, m in enumerate(by_loop(boxes[image])):
            if m < 0:
                assert classes[image, patch] == NO_CLASS
            else:
                assert classes[image, patch] == boxes[image, m, 4]
                np.testing.assert_allclose(targets[image, patch], boxes[image, m, :4], rtol=1e-6)
    assert (targets[..., 2:] > targets[..., :2]).all()  # also where there is none


def test_no_boxes_at_all():
    classes, targets = assigned(CONFIG, np.zeros((2, 0, 5), np.float32))
    assert (classes == NO_CLASS).all()
    np.testing.assert_array_equal(targets[0, 9], [4, 4, 8, 8])


@pytest.mark.parametrize("of_images", [None, np.array([0.5, 0.2, 0.3])])
def test_the_loss_is_that_of_its_images(of_images, rng):
    """Each divided by its own number of patches that answer."""
    y = as_output(CONFIG, BOXES) + 0.3 * rng.standard_normal((3, 48, 7))
    batch = np.zeros((3, 1, 24, 32)), *assigned(CONFIG, BOXES)
    config = dataclasses.replace(CONFIG, box_weight=2.0)
    loss, grads = TASK.loss_and_gradients(config, Says(y), batch, weights=of_images)
    each = []
    for one, classes, targets in zip(y, *batch[1:], strict=True):
        there = classes != NO_CLASS
        count = max(1, there.sum())
        focal = focal_forward(one[:, :3], targets=classes[:, None] == np.arange(3))[0] * len(one) / count
        giou = float(giou_forward(one[there, 3:], target=targets[there])[0]) if there.any() else 0.0
        each.append(float(focal) + 2 * giou)
    assert float(loss) == pytest.approx(np.average(each, weights=of_images), rel=1e-12)
    np.testing.assert_allclose(image_losses(config, y, BOXES), each, rtol=1e-12)
    assert not grads["y"][..., 3:][batch[1] == NO_CLASS].any()
    assert grads["y"][..., :3].all()


def test_an_image_of_ones_own():
    """Boxes are told in the image's own pixels: here twice as high and thrice as wide as the model takes it."""
    image = np.zeros((1, 24, 32), np.uint8)
    says = Says(as_output(CONFIG, BOXES))
    found = TASK.predict(CONFIG, says, np.zeros((1, 1, 24, 32)), image, (48, 96), ["a", "b", "c"])
    assert set(found.words.split(", ")) == {"c 99 % at 3 4 27 22", "a 99 % at 60 20 93 46"}
    assert len(found.draw("a name").axes[0].patches) == 2
    nothing = TASK.predict(CONFIG, Says(says.y[2:]), np.zeros((1, 1, 24, 32)), image, (48, 96), ["a", "b", "c"])
    assert nothing.words == "nothing found"


def test_weights_of_patches():
    classes = np.array([[0, NO_CLASS, 2, 2], [NO_CLASS] * 4])
    every, positive = patch_weights(classes)
    np.testing.assert_allclose(every, [[1 / 6] * 4, [1 / 2] * 4])
    np.testing.assert_allclose(positive, [[1 / 6, 0, 1 / 6, 1 / 6], [0] * 4])


def test_boxes_are_learned_from(rng):
    """One bright square in each image: class and box say where."""
    images, boxes = np.zeros((16, 1, 24, 32), np.uint8), np.zeros((16, 1, 5), np.float32)
    for image, row in zip(images, boxes, strict=True):
        x, y, side, k = *rng.integers(0, 10, 2), rng.integers(6, 12), rng.integers(0, 2)
        image[0, y : y + side, x : x + side] = 255 if k else 120
        row[0] = x, y, x + side, y + side, k
    split = Split(images, boxes)
    data = Dataset("own", ("grey", "white"), 0.1, 0.3, split, split, split)
    model = dataclasses.replace(MODEL, num_classes=2, embed_dim=16, init_std=0.2)
    config = dataclasses.replace(CONFIG, model=model)
    net = TASK.build(config, np.random.default_rng(0))
    optimizer = AdamW(net.parameters(), weight_decay=0.0)
    before = TASK.judge(config, TASK.answers(config, net, data, "dev", ALL), data, "dev")
    for step in range(150):
        batch = TASK.batch(config, data, np.arange(16), np.random.default_rng(step))
        optimizer.step(TASK.loss_and_gradients(config, net, batch)[1], lr=1e-2)
    result = TASK.judge(config, TASK.answers(config, net, data, "dev", ALL), data, "dev")
    assert before.measures["map50"] < 0.3
    assert result.measures["map50"] > 0.7
    assert set(TASK.figures(config, net, data, "test")) == {"boxes"}


@pytest.mark.parametrize("place", ["dev", "test"])
def test_answers_that_are_no_numbers(place, dataset):
    answers = np.zeros((3, TASK.answer_size(CONFIG)))
    answers[:, -1] = np.nan
    if place == "dev":  # where the loop tells it
        assert np.isnan(TASK.judge(CONFIG, answers, dataset, place).loss)
        return
    with pytest.raises(UserError, match="not a number"):
        TASK.judge(CONFIG, answers, dataset, place)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"augment": "affine"}, "has no use for augment, got"),
        ({"label_smoothing": 0.1}, "has no use for label_smoothing, got"),
        ({"class_weights": "balanced"}, "has no use for class_weights, got"),
    ],
)
def test_what_it_lacks_is_refused(changes, sentence, dataset):
    TASK.check(CONFIG, dataset)
    with pytest.raises(UserError, match=sentence):
        TASK.check(dataclasses.replace(CONFIG, **changes), dataset)


def test_one_step_of_a_large_model(rng):
    """In the shapes of ViT-B/16, but for its depth."""
    model = dataclasses.replace(preset("vit_base_patch16_224"), depth=1, num_classes=80)
    config = DetectConfig(model=model, batch_size=1)
    boxes = np.array([[[10, 20, 100, 220, 5], NONE]], np.float32)
    split = Split(rng.integers(0, 256, (1, 3, 224, 224), dtype=np.uint8), boxes)
    data = Dataset("own", tuple(map(str, range(80))), (0.5,) * 3, (0.2,) * 3, split, split, split)
    TASK.check(config, data)
    net = TASK.build(config, np.random.default_rng(0))
    loss, grads = TASK.loss_and_gradients(config, net, TASK.batch(config, data, np.arange(1), rng))
    assert np.isfinite(loss)
    assert grads["head.scores.weight"].shape == (768, 80)
    assert grads.keys() == net.parameters().keys()
