"""Segmentation: the truth as logits is perfect, mixed-up pixels are not, and masks of one's own are learned from."""

import dataclasses

import numpy as np
import pytest

from tinyvit.config import ViTConfig, preset
from tinyvit.config.scenes import SegmentConfig
from tinyvit.datasets import Dataset, Split
from tinyvit.errors import UserError
from tinyvit.ops import cross_entropy_forward
from tinyvit.optim import AdamW
from tinyvit.tasks import ALL, TASKS
from tinyvit.tasks.segment import in_patches, pixel_losses, pixel_weights, predicted_masks

TASK = TASKS["segment"]
MODEL = ViTConfig(img_size=(8, 12), patch_size=4, in_chans=1, num_classes=4, embed_dim=8, depth=1, num_heads=2)
CONFIG = SegmentConfig(model=MODEL, batch_size=4)


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


@pytest.fixture
def masks(rng):
    return rng.integers(0, 4, (3, 8, 12)).astype(np.uint8)


@pytest.fixture
def dataset(masks, rng):
    split = Split(rng.integers(0, 256, (3, 1, 8, 12), dtype=np.uint8), masks)
    return Dataset("own", ("sky", "a", "b", "c"), 0.5, 0.25, split, split, split)


def as_logits(config, masks):
    onehot = np.eye(config.model.num_classes)[in_patches(config, masks)]
    return 9.0 * onehot.reshape(*onehot.shape[:2], -1)


def test_the_truth_as_logits_is_perfect(dataset, masks):
    y = as_logits(CONFIG, masks)
    np.testing.assert_array_equal(predicted_masks(CONFIG, y), masks)
    answers = TASK.answers(CONFIG, Says(y), dataset, "dev", ALL)
    assert TASK.judge(CONFIG, answers, dataset, "dev").measures["miou"] == 1.0


@pytest.mark.parametrize(
    "mixed",
    [
        lambda y: y.reshape(3, 2, 3, -1).swapaxes(1, 2).reshape(y.shape),  # the grid of patches transposed
        lambda y: y.reshape(3, 6, 4, 4, 4).swapaxes(2, 3).reshape(y.shape),  # u and v within a patch swapped
        lambda y: y.reshape(3, 6, 16, 4).swapaxes(2, 3).reshape(y.shape),  # classes before pixels
        lambda y: y[::-1],
    ],
)
def test_mixed_up_pixels_are_not(mixed, dataset, masks):
    answers = TASK.answers(CONFIG, Says(mixed(as_logits(CONFIG, masks))), dataset, "dev", ALL)
    assert TASK.judge(CONFIG, answers, dataset, "dev").measures["miou"] < 0.6


def test_weights_of_pixels(masks):
    masks[0, :4] = 255
    weights = pixel_weights(CONFIG, in_patches(CONFIG, masks))
    np.testing.assert_allclose(weights.sum(axis=(1, 2)), 1 / 3)
    back = weights.reshape(3, 2, 3, 4, 4).transpose(0, 1, 3, 2, 4).reshape(3, 8, 12)
    assert not back[masks == 255].any()
    for image, mask in zip(back, masks, strict=True):
        dark, bright = image[mask == 0], image[(mask > 0) & (mask < 255)]
        np.testing.assert_allclose(bright, 3 * dark[0])
        np.testing.assert_allclose(dark, dark[0])


@pytest.mark.parametrize("of_images", [None, np.array([0.5, 0.2, 0.3])])
def test_the_loss_is_that_of_its_pixels(of_images, masks, rng):
    masks[1, 2:, 3:] = 255
    labels, y = in_patches(CONFIG, masks), rng.standard_normal((3, 6, 64))
    loss, grads = TASK.loss_and_gradients(CONFIG, Says(y), (np.zeros((3, 1, 8, 12)), labels), weights=of_images)
    each = pixel_losses(y.reshape(3, 6, 16, 4), labels)
    assert float(loss) == pytest.approx((pixel_weights(CONFIG, labels, of_images) * each).sum(), rel=1e-12)
    assert not grads["y"].reshape(3, 6, 16, 4)[labels == 255].any()


def test_losses_of_pixels_are_cross_entropy(rng):
    logits, labels = 5 * rng.standard_normal((3, 7, 4)), rng.integers(0, 4, (3, 7))
    wanted, _ = cross_entropy_forward(logits.reshape(-1, 4), labels=labels.reshape(-1))
    assert pixel_losses(logits, labels).mean() == pytest.approx(float(wanted), rel=1e-12)


def test_an_image_of_ones_own(masks):
    names = ["sky", "a", "b", "c"]
    masks[0, :4] = 2
    found = TASK.predict(
        CONFIG, Says(as_logits(CONFIG, masks)), np.zeros((1, 1, 8, 12)), np.zeros((1, 8, 12), np.uint8), (80, 60), names
    )
    words = dict(part.rsplit(" ", 2)[:2] for part in found.words.removeprefix("pixels of ").split(", "))
    assert next(iter(words)) == "b"
    assert {name: float(share) for name, share in words.items()} == {
        names[k]: pytest.approx(100 * (masks[0] == k).mean(), abs=0.051) for k in np.unique(masks[0])
    }
    assert "a name" in found.draw("a name").get_suptitle()


def digits(side=28, channels=1):
    split = Split(np.zeros((6, channels, side, side), np.uint8), np.arange(6) % 5)
    return Dataset("digits", tuple("abcde"), 0.5, 0.25, split, split, split)


@pytest.mark.parametrize(
    ("data", "free", "wanted"),
    [
        (digits(), ("img_size", "patch_size", "in_chans", "num_classes"), {"num_classes": 6, "image_shape": (56, 56)}),
        (digits(32, 3), ("img_size", "patch_size", "in_chans", "num_classes"), {"image_shape": (64, 64), "patch_size": 8, "in_chans": 3}),
        (digits(), ("in_chans", "num_classes"), {"num_classes": 6, "image_shape": (84, 84)}),
    ],
)  # fmt: skip
def test_the_model_fits_the_canvases(data, free, wanted):
    model = SegmentConfig().model if "img_size" in free else dataclasses.replace(SegmentConfig().model, img_size=84)
    config = TASK.fit(SegmentConfig(model=model), data, free, lambda sentence: None)
    assert {name: getattr(config.model, name) for name in wanted} == wanted
    TASK.check(config, data)


def test_a_model_of_other_classes_is_refused(dataset):
    with pytest.raises(UserError, match="6 classes, but the model has 11"):
        TASK.check(SegmentConfig(), digits())
    small = dataclasses.replace(SegmentConfig().model, img_size=21, num_classes=6)
    with pytest.raises(UserError, match="images of 28x28 pixels do not fit on canvases of 21x21"):
        TASK.check(SegmentConfig(model=small), digits())
    config = TASK.fit(SegmentConfig(), dataset, ("img_size", "patch_size", "in_chans", "num_classes"), print)
    assert (config.model.num_classes, config.model.image_shape) == (4, (8, 12))


def test_masks_are_learned_from(rng):
    """Brightness says the class."""
    masks = np.repeat(np.repeat(rng.integers(0, 3, (8, 2, 3)), 4, axis=1), 4, axis=2).astype(np.uint8)
    masks[:, 0, 0] = 255
    split = Split((100 * np.minimum(masks, 2))[:, None], masks)
    data = Dataset("own", ("a", "b", "c"), 0.4, 0.3, split, split, split)
    config = dataclasses.replace(CONFIG, model=dataclasses.replace(MODEL, num_classes=3, init_std=0.3))
    model = TASK.build(config, np.random.default_rng(0))
    optimizer = AdamW(model.parameters(), weight_decay=0.0)
    for step in range(60):
        batch = TASK.batch(config, data, np.arange(8), np.random.default_rng(step))
        optimizer.step(TASK.loss_and_gradients(config, model, batch)[1], lr=2e-2)
    result = TASK.judge(config, TASK.answers(config, model, data, "dev", ALL), data, "dev")
    assert result.measures["miou"] > 0.9
    assert result.confusion.sum() == (masks < 255).sum()
    assert set(TASK.figures(config, model, data, "test")) == {"masks"}


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
    model = dataclasses.replace(preset("vit_base_patch16_224"), depth=1, num_classes=21)
    config = SegmentConfig(model=model, batch_size=1)
    split = Split(
        rng.integers(0, 256, (2, 3, 224, 224), dtype=np.uint8), rng.integers(0, 21, (2, 224, 224), dtype=np.uint8)
    )
    data = Dataset("own", tuple(map(str, range(21))), (0.5,) * 3, (0.2,) * 3, split, split, split)
    TASK.check(config, data)
    net = TASK.build(config, np.random.default_rng(0))
    loss, grads = TASK.loss_and_gradients(config, net, TASK.batch(config, data, np.arange(1), rng))
    assert float(loss) == pytest.approx(np.log(21), rel=0.2)
    assert grads["head.weight"].shape == (768, 16 * 16 * 21)
    assert grads.keys() == net.parameters().keys()
