"""Elastic distortion: as far as it says, smooth, and one example's is its own."""

import math

import numpy as np
import pytest

from tinyvit.backend.random import BatchRows
from tinyvit.errors import UserError
from tinyvit.images.augment import inverse_maps, random_affine, warp_affine
from tinyvit.images.elastic import NODES, random_elastic

RNG = np.random.default_rng
IMAGES = RNG(0).integers(1, 256, (6, 2, 12, 9), dtype=np.uint8)
STILL = inverse_maps(np.zeros(6), np.zeros(6), np.zeros(6), np.ones(6), np.zeros(6))


@pytest.mark.parametrize("size", [(28, 28), (12, 40), (1, 7)])
def test_every_pixel_is_displaced_by_the_deviation_asked_for(size):
    bend = random_elastic(4000, RNG(1), elastic=1.5, size=size)
    assert bend.shape == (4000, 2, *size)
    assert bend.dtype == np.float32
    np.testing.assert_allclose(bend.std(axis=0), 1.5, rtol=0.06)
    np.testing.assert_allclose(bend.mean(axis=0), 0, atol=0.1)
    assert abs(np.corrcoef(bend[:, 0, 0, 0], bend[:, 1, 0, 0])[0, 1]) < 0.06  # the axes have draws of their own


def test_it_is_the_sum_over_places_of_its_docstring():
    H, W = 12, 9
    drawn = 0.7 * RNG(2).standard_normal((3, 2, NODES, NODES))

    def weights(length, i):
        gap = (length - 1) / (NODES - 1)
        row = np.array([math.exp(-((i - a * gap) ** 2) / (2 * (0.6 * gap) ** 2)) for a in range(NODES)])
        return row / math.sqrt((row**2).sum())

    wanted = np.empty((3, 2, H, W))
    for i in range(H):
        for j in range(W):
            wanted[:, :, i, j] = np.einsum("a,b,ncab->nc", weights(H, i), weights(W, j), drawn)
    np.testing.assert_allclose(random_elastic(3, RNG(2), elastic=0.7, size=(H, W)), wanted, rtol=1e-5)


def test_neighbours_are_displaced_alike():
    bend = random_elastic(500, RNG(3), elastic=1.0, size=(28, 28))
    near = np.abs(np.diff(bend, axis=3)).mean()
    far = np.abs(bend[..., 14:] - bend[..., :14]).mean()
    assert near < 0.2 < 1.0 < far


def test_a_bend_moves_where_each_pixel_looks():
    bend = np.zeros((6, 2, 12, 9), np.float32)
    bend[:, 0], bend[:, 1] = 2.0, -1.0
    moved = warp_affine(IMAGES, STILL, bend)
    wanted = np.zeros(IMAGES.shape)
    wanted[:, :, 1:, :-2] = IMAGES[:, :, :-1, 2:]
    np.testing.assert_array_equal(moved, wanted)
    bend[:, :, 3:, :] = 0  # only above are pixels displaced
    partly = warp_affine(IMAGES, STILL, bend)
    np.testing.assert_array_equal(partly[:, :, :3], wanted[:, :, :3])
    np.testing.assert_array_equal(partly[:, :, 3:], IMAGES[:, :, 3:])


def test_without_it_nothing_is_drawn_and_with_it_the_maps_stay():
    amounts = {"degrees": 20.0, "translate": 2.0, "scale": 0.2, "shear": 5.0}
    plain, none = RNG(4), RNG(4)
    np.testing.assert_array_equal(
        random_affine(IMAGES, plain, **amounts), random_affine(IMAGES, none, **amounts, elastic=0.0)
    )
    assert plain.random() == none.random()
    slightly = random_affine(IMAGES, RNG(4), **amounts, elastic=1e-4)
    np.testing.assert_allclose(slightly, random_affine(IMAGES, RNG(4), **amounts), atol=0.5)
    assert np.abs(random_affine(IMAGES, RNG(4), **amounts, elastic=1.0) - slightly).max() > 20


def test_an_example_is_bent_alike_in_any_piece_of_its_batch():
    whole = random_elastic(8, RNG(5), elastic=1.0, size=(6, 6))
    part = random_elastic(3, BatchRows(RNG(5), 8, slice(2, 5)), elastic=1.0, size=(6, 6))
    np.testing.assert_array_equal(part, whole[2:5])


@pytest.mark.parametrize("elastic", [-0.5, math.inf, math.nan])
def test_impossible_amounts_are_refused(elastic):
    with pytest.raises(UserError, match=f"elastic must be at least 0 .*got {elastic}"):
        random_affine(IMAGES, RNG(0), degrees=0, translate=0, scale=0, elastic=elastic)
