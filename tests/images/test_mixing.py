"""Images erased and mixed: what the targets say is counted in the pixels."""

import math

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.images import mixing
from tinyvit.images.boxes import box_around
from tinyvit.images.mixing import cutmix, mixed, mixup, random_erasing
from tinyvit.ops import cross_entropy_forward

RNG = np.random.default_rng
WAYS = pytest.mark.parametrize("way", [mixup, cutmix])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def labelled(K=5, B=7, size=(9, 13), dtype=np.float64):
    """Images that say what they are: channel k is 1 in images of class k, so channels and classes can be compared."""
    labels = RNG(1).permutation(np.arange(B) % K)
    images = np.eye(K, dtype=dtype)[labels][:, :, None, None] * np.ones((1, 1, *size), dtype)
    return images, labels


def test_only_inside_the_box_is_noise():
    image, noise = RNG(0).standard_normal((3, 40, 50), dtype=np.float32), []
    shares, ratios = [], []
    for seed in range(500):
        erased = random_erasing(image, RNG(seed), probability=1.0, area=(0.05, 0.2), ratio=(0.5, 2.0))
        changed = erased != image
        rows, columns = np.flatnonzero(changed.any(axis=(0, 2))), np.flatnonzero(changed.any(axis=(0, 1)))
        box = np.s_[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert changed[box].all(), "the box is whole, and the same in each channel"
        assert changed.sum() == changed[box].size, "nothing else has changed"
        noise.append(erased[box].ravel())
        shares.append(changed[0].mean())
        ratios.append(len(columns) / len(rows))
    assert 0.04 < min(shares) < 0.06
    assert 0.19 < max(shares) < 0.21
    assert abs(np.mean(shares) - 0.125) < 0.008  # four standard errors
    assert 0.45 < min(ratios) < 0.55
    assert 1.8 < max(ratios) < 2.2
    noise = np.concatenate(noise)
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01
    assert len(np.unique(noise)) > 0.99 * len(noise), "each pixel and channel has its own"


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_images_are_erased_as_often_as_asked(probability):
    image, rng = np.zeros((3, 16, 16), np.float32), RNG(0)
    found = np.mean([random_erasing(image, rng, probability=probability).any() for _ in range(2000)])
    assert abs(found - probability) < 0.025 * (0 < probability < 1) + 1e-3


@DTYPES
@pytest.mark.parametrize("probability", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(3, 20, 30), (1, 1, 1), (3, 1, 900), (3, 900, 1)])
def test_an_erased_image_is_new_and_of_the_same_kind(dtype, probability, shape):
    image = RNG(0).standard_normal(shape).astype(dtype)
    before = image.copy()
    erased = random_erasing(image, RNG(1), probability=probability)
    assert (erased.dtype, erased.shape) == (dtype, shape)
    assert not np.shares_memory(erased, image)
    np.testing.assert_array_equal(image, before)
    if probability == 0:
        np.testing.assert_array_equal(erased, image)
    np.testing.assert_array_equal(erased, random_erasing(image, RNG(1), probability=probability))


@WAYS
@DTYPES
@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_the_targets_are_what_the_pixels_show(way, dtype, alpha):
    images, labels = labelled(dtype=dtype)
    seen = set()
    for seed in range(60):
        x, targets = way(images, labels, RNG(seed), alpha=alpha, num_classes=5)
        assert (x.shape, x.dtype) == (images.shape, dtype)
        assert (targets.shape, targets.dtype) == ((7, 5), dtype)
        np.testing.assert_allclose(x.mean(axis=(2, 3)), targets, atol=1e-6)
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
        seen.add(targets.tobytes())
    assert len(seen) > 30


def test_mixup_lays_one_image_over_another_each_being_used_once():
    images = RNG(0).standard_normal((6, 2, 4, 5))
    x, targets = mixup(images, np.arange(6), RNG(2), alpha=1.0, num_classes=6)
    np.testing.assert_allclose(x, np.einsum("bk,kchw->bchw", targets, images), atol=1e-12)
    np.testing.assert_allclose(targets.sum(axis=0), 1)
    shares = np.unique(np.round(targets[(targets > 0) & (targets < 1)], 12))
    assert len(shares) == 2, "λ and 1 - λ, for all the batch"
    assert math.isclose(shares.sum(), 1, abs_tol=1e-9)


def test_cutmix_pastes_one_box_for_all_the_batch():
    images = RNG(0).standard_normal((6, 2, 12, 15))
    for seed in range(40):
        x, targets = cutmix(images, np.arange(6), RNG(seed), alpha=1.0, num_classes=6)
        np.testing.assert_allclose(targets.sum(axis=0), 1)
        pasted = (x != images).any(axis=1)  # (B,H,W)
        moved = pasted.any(axis=(1, 2))
        for b in np.flatnonzero(moved):
            np.testing.assert_array_equal(pasted[b], pasted[moved][0])
            rows, columns = np.flatnonzero(pasted[b].any(axis=1)), np.flatnonzero(pasted[b].any(axis=0))
            assert pasted[b].sum() == np.ptp([*rows, rows[-1] + 1]) * np.ptp([*columns, columns[-1] + 1])
            partner = next(k for k in np.flatnonzero(targets[b]) if k != b)
            np.testing.assert_array_equal(x[b][:, pasted[b]], images[partner][:, pasted[b]])
            assert math.isclose(targets[b, partner], pasted[b].mean())


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_shares_are_beta_distributed(monkeypatch, alpha):
    images, labels = labelled(K=2, B=2, size=(1, 1))
    asked = []
    monkeypatch.setattr(
        mixing, "box_around", lambda *args, area: asked.append(1 - area) or box_around(*args, area=area)
    )
    drawn, rng = [], RNG(0)
    while len(drawn) < 3000:
        _, targets = mixup(images, labels, rng, alpha=alpha, num_classes=2)
        if not np.array_equal(targets, np.round(targets)):  # or it met itself
            drawn.append(targets[0, labels[0]])
    for _ in range(3000):
        cutmix(images, labels, rng, alpha=alpha, num_classes=2)
    for shares in (drawn, asked):
        assert abs(np.mean(shares) - 0.5) < 0.025
        assert abs(np.var(shares) / (0.25 / (2 * alpha + 1)) - 1) < 0.07


@WAYS
def test_every_pair_is_possible(way):
    images, labels = labelled(K=3, B=3)
    pairs = set()
    for seed in range(100):
        _, targets = way(images, labels, RNG(seed), alpha=1.0, num_classes=3)
        pairs |= {(b, int(k)) for b in range(3) for k in np.flatnonzero(targets[b]) if k != labels[b]}
    assert len(pairs) == 6


@WAYS
@pytest.mark.parametrize("alpha", [1e-6, 1e-300, 1e6])
def test_extreme_alphas_give_numbers(way, alpha):
    images, labels = labelled()
    x, targets = way(images, labels, RNG(0), alpha=alpha, num_classes=5)
    np.testing.assert_allclose(x.mean(axis=(2, 3)), targets, atol=1e-12)


@WAYS
@pytest.mark.parametrize(("B", "size"), [(1, (9, 13)), (4, (1, 1)), (3, (1, 200)), (0, (4, 4))])
def test_small_batches_and_tiny_and_long_images(way, B, size):
    images, labels = labelled(K=4, B=B, size=size)
    for seed in range(20):
        x, targets = way(images, labels, RNG(seed), alpha=1.0, num_classes=4)
        assert x.shape == images.shape
        np.testing.assert_allclose(x.mean(axis=(2, 3)), targets, atol=1e-12)
        if B == 1:
            np.testing.assert_allclose(x, images)


@WAYS
def test_inputs_stay_and_the_generator_decides_everything(way):
    images, labels = labelled()
    before = images.copy(), labels.copy()
    images.flags.writeable = labels.flags.writeable = False
    first = way(images, labels, RNG(3), alpha=1.0, num_classes=5)
    for a, b in zip(first, way(images, labels, RNG(3), alpha=1.0, num_classes=5), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], way(images, labels, RNG(4), alpha=1.0, num_classes=5)[0])
    assert not np.shares_memory(first[0], images)
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(labels, before[1])


@WAYS
@DTYPES
def test_the_loss_takes_the_targets(way, dtype):
    images, labels = labelled(dtype=dtype)
    _, targets = way(images, labels, RNG(0), alpha=1.0, num_classes=5)
    logits = RNG(1).standard_normal((7, 5)).astype(dtype)
    loss, _ = cross_entropy_forward(logits, labels=targets)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(loss, -(targets * log_probs).sum() / 7, rtol=1e-5)


def kind_of(x):
    """How a batch made of `labelled` was mixed; cutmix leaves whole zeros and ones."""
    return "cutmix" if np.isin(x, (0.0, 1.0)).all() else "mixup"


@pytest.mark.parametrize(
    ("alphas", "share"), [((1.0, 1.0), 0.5), ((0.8, 5.0), 0.5), ((1.0, 0.0), 1.0), ((0.0, 1.0), 0.0)]
)
def test_one_of_the_two_is_drawn(alphas, share):
    images, labels = labelled(K=8, B=8, size=(3, 3))
    rng, count = RNG(0), 0
    for _ in range(1000):
        x, targets = mixed(images, labels, rng, mixup=alphas[0], cutmix=alphas[1], num_classes=8)
        np.testing.assert_allclose(x.mean(axis=(2, 3)), targets, atol=1e-12)
        count += kind_of(x) == "mixup"
    assert abs(count / 1000 - share) < 0.04


def test_each_way_has_its_own_alpha():
    images, labels = labelled(K=8, B=8, size=(60, 60))
    rng, shares = RNG(0), {"mixup": [], "cutmix": []}
    for _ in range(400):
        x, targets = mixed(images, labels, rng, mixup=200.0, cutmix=0.1, num_classes=8)
        shares[kind_of(x)].append(np.abs(targets[0, labels[0]] - 0.5))
    assert np.median(shares["mixup"]) < 0.05
    assert np.median(shares["cutmix"]) > 0.4


def test_with_both_off_images_and_labels_are_given_back():
    images, labels = labelled()
    x, y = mixed(images, labels, RNG(0), mixup=0.0, cutmix=0.0, num_classes=5)
    assert x is images
    assert y is labels


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
@pytest.mark.parametrize("alpha", [-0.1, math.nan, math.inf])
def test_impossible_alphas_are_refused(name, alpha):
    images, labels = labelled()
    with pytest.raises(UserError, match=f"got {alpha}"):
        mixed(images, labels, RNG(0), **({"mixup": 0.0, "cutmix": 0.0} | {name: alpha}), num_classes=5)
    for bad in (alpha, 0.0):
        with pytest.raises(UserError, match=f"alpha must be above 0 and finite, got {bad}"):
            getattr(mixing, name)(images, labels, RNG(0), alpha=bad, num_classes=5)


@WAYS
def test_impossible_batches_are_refused(way):
    images, labels = labelled()
    cases = [
        (images[0], labels, "images to mix must be floats"),
        ((images * 255).astype(np.uint8), labels, "images to mix must be floats .*got uint8"),
        (images, labels[:-1], r"labels to mix must be integers \(7,\), got int64 \(6,\)"),
        (images, labels[:, None], "labels to mix must be integers"),
        (images, labels.astype(float), "labels to mix must be integers .*got float64"),
        (images, labels + 1, r"labels to mix must lie in 0..4, got 1..5"),
        (images, labels - 1, r"labels to mix must lie in 0..4, got -1..3"),
    ]
    for bad_images, bad_labels, message in cases:
        with pytest.raises(UserError, match=message):
            way(bad_images, bad_labels, RNG(0), alpha=1.0, num_classes=5)


def test_impossible_erasures_are_refused_even_at_chance_zero():
    image = np.zeros((3, 8, 8), np.float32)
    for bad in (image[0], image[None], image.astype(np.uint8)):
        with pytest.raises(UserError, match="erase from must be floats"):
            random_erasing(bad, RNG(0), probability=0.0)
    for options, message in (
        ({"probability": 1.5}, "probability of erasing must lie in 0..1, got 1.5"),
        ({"probability": math.nan}, "got nan"),
        ({"area": (0.0, 0.3)}, r"share of the image .*got \(0.0, 0.3\)"),
        ({"ratio": (3.0, 0.3)}, r"width / height .*got \(3.0, 0.3\)"),
    ):
        with pytest.raises(UserError, match=message):
            random_erasing(image, RNG(0), **({"probability": 0.0} | options))
