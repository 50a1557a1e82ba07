"""Images cropped, mirrored and distorted: how often, how far, and against slow or independent ways to do the same."""

import math

import numpy as np
import pytest
from PIL import Image

from tinyvit.errors import UserError
from tinyvit.images.augment import inverse_maps, warp_affine
from tinyvit.images.augment_pil import OPERATIONS, rand_augment, random_flip, random_resized_crop

RNG = np.random.default_rng
SHARES = (-1.0, -0.5, -0.2, 0.2, 0.5, 1.0)  # strengths 10, 5 and 2, both ways
EXTREME_SIZES = [(1, 1), (1, 2), (2, 1), (1, 3000), (3000, 1), (5, 3)]  # width, height


def picture(mode="RGB", size=(40, 30), seed=0):
    """Soft, coloured, neither very dark nor very bright."""
    coarse = RNG(seed).integers(40, 216, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)


def values(image):
    return np.asarray(image).astype(np.float64)


def varied(image, name, share):
    amount, operation = OPERATIONS[name]
    return operation(image, amount(share))


def coordinates(width, height):
    """An image that says of each pixel where it is: red its column, green its row."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x, y, 0 * x], axis=-1).astype(np.uint8))


def crop_found(image):
    """Of a crop of `coordinates`, resized to nearest: left, top, right, bottom."""
    x, y, _ = np.moveaxis(np.asarray(image).astype(int), -1, 0)
    return x.min(), y.min(), x.max() + 1, y.max() + 1


def test_crops_have_the_areas_and_proportions_asked_for():
    image, rng = coordinates(200, 160), RNG(0)
    options = {"size": (160, 200), "scale": (0.2, 0.5), "ratio": (0.8, 1.25), "resample": "nearest"}
    boxes = np.array([crop_found(random_resized_crop(image, rng, **options)) for _ in range(500)])
    left, top, right, bottom = boxes.T
    area, ratio = (right - left) * (bottom - top) / (200 * 160), (right - left) / (bottom - top)
    assert 0.195 < area.min() < 0.21
    assert 0.49 < area.max() < 0.505
    assert abs(area.mean() - 0.35) < 0.015
    assert 0.78 < ratio.min() < 0.82
    assert 1.22 < ratio.max() < 1.27
    assert abs(np.log(ratio).mean()) < 0.02
    for low, high, end in ((left, right, 200), (top, bottom, 160)):
        assert low.min() == 0
        assert high.max() == end
        assert abs(((low + high) / 2).mean() - end / 2) < 0.025 * end


def test_a_crop_is_that_part_resized():
    image = picture(size=(64, 48))
    draw = random_resized_crop(coordinates(64, 48), RNG(5), size=(48, 64), resample="nearest")
    left, top, right, bottom = crop_found(draw)
    part = Image.fromarray(np.asarray(image)[top:bottom, left:right].copy())
    for name in ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"):
        got = random_resized_crop(image, RNG(5), size=(20, 31), resample=name)
        assert got.size == (31, 20)
        wanted = part.resize((31, 20), Image.Resampling[name.upper()])
        np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(30, 30), (40, 30), (30, 40)])
def test_a_crop_of_all_in_its_own_proportions_is_the_image(mode, size):
    image = picture(mode, size)
    ratio = (size[0] / size[1],) * 2
    got = random_resized_crop(image, RNG(0), size=size[::-1], scale=(1.0, 1.0), ratio=ratio)
    assert got.mode == mode
    np.testing.assert_array_equal(np.asarray(got), np.asarray(image))


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (250, 30, (105, 0, 145, 30)),
        (30, 250, (0, 105, 30, 145)),
        (250, 1, (124, 0, 125, 1)),
        (1, 250, (0, 124, 1, 125)),
    ],
)
def test_of_a_long_image_the_middle_is_taken(width, height, box):
    for seed in range(20):
        options = {"size": (height, width), "scale": (0.9, 1.0), "resample": "nearest"}
        assert crop_found(random_resized_crop(coordinates(width, height), RNG(seed), **options)) == box


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", EXTREME_SIZES)
def test_very_small_and_very_long_images(mode, size):
    image = picture(mode, size)
    for seed in range(5):
        for ratio in ((3 / 4, 4 / 3), (5.0, 9.0), (0.1, 0.2)):
            got = random_resized_crop(image, RNG(seed), size=(7, 6), ratio=ratio)
            assert (got.mode, got.size) == (mode, (6, 7))
            assert np.asarray(got).min() >= 40, "darker than the image: a crop of no pixels"
        assert random_flip(image, RNG(seed)).size == size
        got = rand_augment(image, RNG(seed), strength=9, operations=20)
        assert (got.mode, got.size) == (mode, size)


def test_flips_are_as_frequent_as_asked():
    image, rng = picture(), RNG(0)
    mirrored = np.asarray(image)[:, ::-1]
    for probability, least, most in ((0.0, 0, 0), (0.2, 0.17, 0.23), (0.5, 0.47, 0.53), (1.0, 1, 1)):
        flipped = []
        for _ in range(2000):
            got = np.asarray(random_flip(image, rng, probability=probability))
            flipped.append(np.array_equal(got, mirrored))
            assert flipped[-1] or np.array_equal(got, np.asarray(image))
        assert least <= np.mean(flipped) <= most


def test_one_flip_in_two_is_the_default():
    image, rng = picture(), RNG(1)
    assert 0.45 < np.mean([random_flip(image, rng) is not image for _ in range(1000)]) < 0.55


def test_the_operations_are_those_of_the_paper():
    assert set(OPERATIONS) == {
        "identity", "rotate", "shear_x", "shear_y", "translate_x", "translate_y", "brightness", "colour",
        "contrast", "sharpness", "posterize", "solarize", "autocontrast", "equalize",
    }  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(40, 30), *EXTREME_SIZES])
def test_no_strength_changes_nothing(name, mode, size):
    image = picture(mode, size)
    for zero in (0.0, -0.0):
        np.testing.assert_array_equal(np.asarray(varied(image, name, zero)), np.asarray(image))


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_some_strength_changes_a_copy_and_not_the_image(name, mode):
    image = picture(mode)
    before = np.asarray(image).copy()
    without_effect = {("identity", "RGB"), ("identity", "L"), ("colour", "L")}  # grey has no colour to change
    for share in SHARES:
        changed = not np.array_equal(np.asarray(varied(image, name, share)), before)
        assert changed == ((name, mode) not in without_effect) or (name == "solarize" and abs(share) < 0.5)
        np.testing.assert_array_equal(np.asarray(image), before)


def centred_map(name, share, width, height):
    """The inverse map about the centre, (2, 3), as `warp_affine` takes it."""
    zero = np.zeros(1)
    if name == "rotate":
        return inverse_maps(np.radians([30.0 * share]), zero, zero, np.ones(1), zero)
    lines = {
        "shear_x": [[1, 0.3 * share, 0], [0, 1, 0]],
        "shear_y": [[1, 0, 0], [0.3 * share, 1, 0]],
        "translate_x": [[1, 0, 0.45 * share * width], [0, 1, 0]],
        "translate_y": [[1, 0, 0], [0, 1, 0.45 * share * height]],
    }
    return np.array([lines[name]], dtype=np.float64)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", ["rotate", "shear_x", "shear_y", "translate_x", "translate_y"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_moves_pixels_moves_them_as_our_own_warp_does(name, share, mode):
    image = picture(mode, size=(81, 60))
    maps = centred_map(name, share, 81, 60)
    pixels = np.atleast_3d(values(image)).transpose(2, 0, 1)[None]
    covered = warp_affine(np.ones_like(pixels), maps)[0]  # 1 inside, 0 outside, between them on the edge
    wanted, got = warp_affine(pixels, maps)[0], np.atleast_3d(values(varied(image, name, share))).transpose(2, 0, 1)
    inside, outside = covered > 0.999, covered == 0
    assert inside.mean() > 0.4
    assert outside.mean() > 0.002
    np.testing.assert_allclose(got[inside], wanted[inside], atol=1.01)
    assert (got[outside] == 128).all(), "what comes in is grey"


@pytest.mark.parametrize("share", SHARES)
def test_what_changes_light_and_colour_by_a_factor(share):
    image = picture(size=(80, 60))
    x, factor = values(image), 1 + 0.9 * share
    grey = values(image.convert("L"))[..., None]
    for name, still in (("brightness", 0.0), ("contrast", np.rint(grey.mean())), ("colour", grey)):
        wanted = np.clip(still + factor * (x - still), 0, 255)
        np.testing.assert_allclose(values(varied(image, name, share)), wanted, atol=1.01, err_msg=name)


def test_sharpness_changes_differences_between_neighbours():
    image = picture(size=(24, 18))
    roughness = [np.abs(np.diff(values(varied(image, "sharpness", s)), axis=1)).mean() for s in (-1, -0.5, 0, 0.5, 1)]
    assert (np.diff(roughness) > 0).all()


@pytest.mark.parametrize(("strength", "bits"), [(0, 8), (2, 7), (5, 6), (7, 5), (10, 4)])
def test_posterize_keeps_the_first_bits(strength, bits):
    x = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for sign in (-1, 1):
        got = np.asarray(varied(Image.fromarray(x), "posterize", sign * strength / 10))
        np.testing.assert_array_equal(got, x // 2 ** (8 - bits) * 2 ** (8 - bits))


@pytest.mark.parametrize(("strength", "threshold"), [(0, 256), (5, 192), (10, 128)])
def test_solarize_inverts_what_is_bright(strength, threshold):
    x = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for sign in (-1, 1):
        got = np.asarray(varied(Image.fromarray(x), "solarize", sign * strength / 10))
        np.testing.assert_array_equal(got, [[255 - v if v >= threshold else v for v in row] for row in x.tolist()])


def test_autocontrast_and_equalize_are_mixed_in():
    x = np.repeat(np.array([100, 101, 102, 150], np.uint8), [40000, 40000, 40000, 8000]).reshape(320, 400)
    image = Image.fromarray(x)
    stretched = (x - 100.0) * 255 / 50
    evened = np.select([x == 100, x == 101, x == 102], [0, 85, 170], 255)  # by how many are darker
    for sign in (-1, 1):
        for share in (0.2, 0.5, 1.0):
            for name, full in (("autocontrast", stretched), ("equalize", evened)):
                wanted = x + share * (full - x)
                np.testing.assert_allclose(values(varied(image, name, sign * share)), wanted, atol=2.5, err_msg=name)


@pytest.fixture
def record(monkeypatch):
    """What `rand_augment` has done: (name, share) in order."""
    done = []
    for name in OPERATIONS:
        entry = (lambda s: s, lambda image, s, name=name: done.append((name, s)) or image)
        monkeypatch.setitem(OPERATIONS, name, entry)
    return done


def test_operations_and_directions_are_drawn_evenly_and_again(record):
    image, rng = picture(), RNG(0)
    repeated = 0
    for n in range(3000):
        rand_augment(image, rng, strength=3)
        assert len(record) == 2 * n + 2, "two operations are the default"
        repeated += record[-1][0] == record[-2][0]
    assert {abs(share) for _, share in record} == {0.3}
    assert abs(np.mean([share > 0 for _, share in record]) - 0.5) < 0.02
    counts = [sum(done == name for done, _ in record) for name in OPERATIONS]
    assert 0.8 * 6000 / 14 < min(counts) <= max(counts) < 1.2 * 6000 / 14
    assert 0.05 < repeated / 3000 < 0.095  # 1 in 14
    assert len({(name, share > 0) for name, share in record}) == 28


@pytest.mark.parametrize("operations", [0, 1, 5])
def test_as_many_operations_as_asked(record, operations):
    rand_augment(picture(), RNG(0), strength=10, operations=operations)
    assert len(record) == operations
    assert {abs(share) for _, share in record} <= {1.0}


def test_operations_follow_one_another():
    image = picture()
    names = list(OPERATIONS)
    rng = RNG(3)
    wanted = image
    for index in rng.integers(14, size=4):
        wanted = varied(wanted, names[index], (1 if rng.random() < 0.5 else -1) * 0.7)
    got = rand_augment(image, RNG(3), strength=7, operations=4)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))
    assert not np.array_equal(np.asarray(got), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_strength_0_changes_nothing_whatever_is_drawn(mode):
    image = picture(mode)
    got = rand_augment(image, RNG(0), strength=0, operations=100)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(image))


AUGMENTATIONS = {
    "crop": lambda image, rng: random_resized_crop(image, rng, size=(20, 25)),
    "flip": lambda image, rng: random_flip(image, rng),
    "rand_augment": lambda image, rng: rand_augment(image, rng, strength=8, operations=3),
}


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_generator_decides_everything_and_the_image_stays(name, mode):
    image = picture(mode)
    before = np.asarray(image).copy()
    first = [np.asarray(AUGMENTATIONS[name](image, RNG(seed))) for seed in range(20)]
    again = [np.asarray(AUGMENTATIONS[name](image, RNG(seed))) for seed in reversed(range(20))][::-1]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len({a.tobytes() for a in first}) > (1 if name == "flip" else 10)
    np.testing.assert_array_equal(np.asarray(image), before)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_other_modes_and_empty_images_are_refused(name):
    for mode in ("P", "1", "CMYK", "I;16", "RGBa"):
        with pytest.raises(UserError, match=f"one of the modes L, LA, RGB, RGBA, got {mode}"):
            AUGMENTATIONS[name](Image.new(mode, (4, 4)), RNG(0))
    for size in ((0, 3), (3, 0)):
        with pytest.raises(UserError, match="no pixels"):
            AUGMENTATIONS[name](Image.new("RGB", size), RNG(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (0, 5)}, r"size must be .*got \(0, 5\)"),
        ({"size": (5, -1)}, r"size must be .*got \(5, -1\)"),
        ({"scale": (0.0, 1.0)}, r"share of the image .*got \(0.0, 1.0\)"),
        ({"scale": (0.5, 1.5)}, r"share of the image .*got \(0.5, 1.5\)"),
        ({"ratio": (2.0, 1.0)}, r"width / height .*got \(2.0, 1.0\)"),
        ({"resample": "sinc"}, "resample must be .*got 'sinc'"),
    ],
)
def test_impossible_crops_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        random_resized_crop(picture(), RNG(0), **({"size": (9, 9)} | options))


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_impossible_probabilities_are_refused(probability):
    with pytest.raises(UserError, match=f"probability of a flip .*got {probability}"):
        random_flip(picture(), RNG(0), probability=probability)


def test_impossible_strengths_are_refused():
    for strength in (-1, 11, math.nan):
        with pytest.raises(UserError, match=f"strength must lie in 0..10, got {strength}"):
            rand_augment(picture(), RNG(0), strength=strength)
    with pytest.raises(UserError, match="number of operations must be 0 or more, got -1"):
        rand_augment(picture(), RNG(0), strength=5, operations=-1)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_cropped_and_flipped_but_not_varied(mode):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 6, 4), np.uint8)).convert(mode)
    flipped = random_flip(image, np.random.default_rng(0), probability=1.0)
    np.testing.assert_array_equal(np.asarray(flipped), np.asarray(image)[:, ::-1])
    size = {"size": (4, 4), "scale": (0.5, 1.0), "resample": "bilinear"}
    assert random_resized_crop(image, np.random.default_rng(0), **size).mode == mode
    with pytest.raises(UserError, match="leave out --rand-augment"):
        rand_augment(image, np.random.default_rng(0), strength=3)
