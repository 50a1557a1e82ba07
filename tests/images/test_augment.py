"""Augmentations against slow loops that take one pixel at a time."""

import math

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.images.augment import inverse_maps, random_affine, random_shift, warp_affine

RNG = np.random.default_rng
IMAGES = RNG(0).integers(1, 256, (6, 2, 7, 5), dtype=np.uint8)


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """`image` (C, H, W) moved by whole pixels, one pixel at a time."""
    _, H, W = image.shape
    out = np.zeros_like(image)
    for y in range(H):
        for x in range(W):
            if 0 <= y - down < H and 0 <= x - right < W:
                out[:, y, x] = image[:, y - down, x - right]
    return out


def offset_of(image: np.ndarray, moved: np.ndarray, pixels: int) -> tuple[int, int]:
    """The one offset that turns `image` into `moved`."""
    span = range(-pixels, pixels + 1)
    fits = [(dy, dx) for dy in span for dx in span if np.array_equal(shifted(image, dy, dx), moved)]
    assert len(fits) == 1, f"{len(fits)} shifts of up to {pixels} pixels explain the result"
    return fits[0]


def test_every_shifted_image_has_an_offset_of_its_own():
    images = np.repeat(IMAGES, 20, axis=0)
    moved = random_shift(images, RNG(1), pixels=2)
    assert moved.dtype == np.uint8
    assert moved.shape == images.shape
    offsets = [offset_of(a, b, pixels=2) for a, b in zip(images, moved, strict=True)]
    assert set(offsets) == {(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)}


def test_a_shift_beyond_the_image_leaves_nothing():
    moved = random_shift(np.repeat(IMAGES, 20, axis=0), RNG(1), pixels=30)
    assert any(not image.any() for image in moved)


def test_a_shift_of_zero_pixels_is_a_copy():
    moved = random_shift(IMAGES, RNG(1), pixels=0)
    np.testing.assert_array_equal(moved, IMAGES)
    assert not np.shares_memory(moved, IMAGES)


def forward_map(angle: float, move_x: float, move_y: float, scale: float, shear: float) -> np.ndarray:
    """The map itself, (3, 3), as a product of elementary ones."""
    sheared = np.array([[1, math.tan(shear), 0], [0, 1, 0], [0, 0, 1]])
    cos, sin = math.cos(angle), math.sin(angle)
    rotated = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    moved = np.array([[1, 0, move_x], [0, 1, move_y], [0, 0, 1]])
    return moved @ np.diag([scale, scale, 1]) @ rotated @ sheared


def warped(image: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """`image` (C, H, W) through one inverse map (2, 3), one pixel at a time."""
    C, H, W = image.shape
    out = np.zeros((C, H, W))
    for row in range(H):
        for column in range(W):
            x, y = inverse @ [column - (W - 1) / 2, row - (H - 1) / 2, 1] + [(W - 1) / 2, (H - 1) / 2]
            left, top = math.floor(x), math.floor(y)
            for r, c in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
                if 0 <= r < H and 0 <= c < W:
                    out[:, row, column] += image[:, r, c] * (1 - abs(y - r)) * (1 - abs(x - c))
    return out


AMOUNTS = RNG(2).uniform([-3, -4, -4, 0.4, -1], [3, 4, 4, 1.8, 1], size=(6, 5))


def test_the_inverse_maps_invert():
    maps = inverse_maps(*AMOUNTS.T)
    for amounts, inverse in zip(AMOUNTS, maps, strict=True):
        product = np.vstack([inverse, [0, 0, 1]]) @ forward_map(*amounts)
        np.testing.assert_allclose(product, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_warp_is_the_slow_loop(dtype):
    maps = inverse_maps(*AMOUNTS.T)
    images = IMAGES.astype(dtype)
    before = images.copy()
    got = warp_affine(images, maps)
    assert got.dtype == np.float32
    wanted = np.stack([warped(image, inverse) for image, inverse in zip(images, maps, strict=True)])
    assert (wanted > 0).mean() > 0.2, "the maps must leave something to compare"
    assert (wanted == 0).mean() > 0.05, "the maps must reach beyond the edge"
    np.testing.assert_allclose(got, wanted, atol=2e-3)
    np.testing.assert_array_equal(images, before)


def test_the_identity_leaves_every_pixel_exactly_as_it_was():
    got = random_affine(IMAGES, RNG(3), degrees=0, translate=0, scale=0)
    np.testing.assert_array_equal(got, IMAGES.astype(np.float32))


def test_a_quarter_turn_is_counter_clockwise():
    images = RNG(0).integers(0, 256, (1, 2, 6, 6), dtype=np.uint8)
    zero = np.zeros(1)
    maps = inverse_maps(np.array([math.pi / 2]), zero, zero, np.ones(1), zero)
    np.testing.assert_allclose(warp_affine(images, maps), np.rot90(images, axes=(2, 3)), atol=1e-3)


def test_a_move_of_whole_pixels_is_a_shift():
    zero = np.zeros(1)
    maps = inverse_maps(zero, np.array([2.0]), np.array([-1.0]), np.ones(1), zero)
    np.testing.assert_array_equal(warp_affine(IMAGES[:1], maps)[0], shifted(IMAGES[0], down=-1, right=2))


def test_a_map_far_outside_gives_zeros():
    zero = np.zeros(1)
    maps = inverse_maps(zero, np.array([1e7]), zero, np.ones(1), zero)
    assert not warp_affine(IMAGES[:1], maps).any()


@pytest.mark.parametrize(
    ("amount", "column", "low", "high"),
    [
        ({"degrees": 20.0}, 0, -math.radians(20), math.radians(20)),
        ({"translate": 3.0}, 1, -3, 3),
        ({"translate": 3.0}, 2, -3, 3),
        ({"scale": 0.25}, 3, 0.75, 1.25),
        ({"shear": 10.0}, 4, -math.radians(10), math.radians(10)),
    ],
    ids=["degrees", "translate x", "translate y", "scale", "shear"],
)
def test_each_amount_fills_its_range_alone(monkeypatch, amount, column, low, high):
    drawn = []

    def record(*amounts):
        drawn.append(np.array(amounts))
        return inverse_maps(*amounts)

    monkeypatch.setattr("tinyvit.images.augment.inverse_maps", record)
    settings = {"degrees": 0.0, "translate": 0.0, "scale": 0.0} | amount
    random_affine(np.zeros((2000, 1, 2, 2), np.uint8), RNG(4), **settings)
    values = drawn[0][column]
    assert low <= values.min() < low + 0.01 * (high - low)
    assert high >= values.max() > high - 0.01 * (high - low)
    assert len(np.unique(values)) == 2000
    others = set(range(5)) - {column} - ({1, 2} if "translate" in amount else set())
    for other in others:
        assert (drawn[0][other] == (1.0 if other == 3 else 0.0)).all()


def test_the_generator_decides_everything():
    affine = {"degrees": 10.0, "translate": 1.0, "scale": 0.1, "shear": 5.0}
    for augment, settings in ((random_shift, {"pixels": 2}), (random_affine, affine)):
        first = augment(IMAGES, RNG(7), **settings)
        np.testing.assert_array_equal(first, augment(IMAGES, RNG(7), **settings))
        assert not np.array_equal(first, augment(IMAGES, RNG(8), **settings))


def test_impossible_amounts_are_refused():
    with pytest.raises(UserError, match="got -1"):
        random_shift(IMAGES, RNG(0), pixels=-1)
    good = {"degrees": 0.0, "translate": 0.0, "scale": 0.0, "shear": 0.0}
    bad = {"degrees": -1.0, "translate": math.nan, "scale": 1.0, "shear": 90.0}
    for name, amount in bad.items():
        with pytest.raises(UserError, match=f"{name} .*got {amount}"):
            random_affine(IMAGES, RNG(0), **(good | {name: amount}))
