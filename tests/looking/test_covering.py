"""Covering: patch by patch as a slow loop does it, windows that tile any grid, and no fall where nothing is painted."""

import numpy as np
import pytest

from tests.support.looking import model_of
from tinyvit import UserError
from tinyvit.looking import Windows, covered, covering


@pytest.mark.parametrize("name", ["cls token, erf", "mean pooling", "conv stem", "square, one channel"])
def test_each_patch_by_itself(name, rng):
    model = model_of(name, rng)
    config = model.config
    (rows, columns), P = config.grid_size, config.patch_size
    image, fill = rng.standard_normal(config.input_shape), rng.standard_normal((config.in_chans, 1, 1))
    before = image.copy()
    falls = covering(model, image, 1, fill=fill)
    np.testing.assert_array_equal(image, before)
    for index in range(rows * columns):
        i, j = divmod(index, columns)
        painted = image.copy()
        painted[:, P * i : P * i + P, P * j : P * j + P] = fill
        wanted = model.predict(image[None])[0, 1] - model.predict(painted[None])[0, 1]
        np.testing.assert_allclose(falls[index], wanted, rtol=1e-9)


def test_where_nothing_changes_nothing_falls(rng):
    model = model_of("cls token, erf", rng).astype(np.float32)
    image = np.full(model.config.input_shape, 0.25, np.float32)
    image[1, 3, 5] = 2.0  # one pixel of the last patch
    falls = covering(model, image, 0, fill=np.full((2, 1, 1), 0.25, np.float32))
    assert np.flatnonzero(falls).tolist() == [5]
    assert falls.dtype == np.float32


@pytest.mark.parametrize("grid", [(2, 3), (7, 7), (14, 14), (5, 13), (1, 40), (3, 3)])
@pytest.mark.parametrize("size", [None, 1, 2, 4, 50])
def test_windows_tile_the_grid(grid, size):
    windows = Windows(grid, size)
    masks = windows.masks
    assert masks.shape == (windows.count, *grid)
    np.testing.assert_array_equal(masks.sum(axis=0), 1)
    assert masks.any(axis=(1, 2)).all()
    heights, widths = masks.any(axis=2).sum(axis=1), masks.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(heights * widths, masks.sum(axis=(1, 2)))  # rectangles
    assert max(heights.max(), widths.max()) <= windows.size
    assert size or windows.count <= 64


def test_many_patches_are_covered_in_few_windows():
    assert Windows((14, 14)).count == 16
    assert Windows((8, 8)).count == 64


def test_values_of_windows_as_maps_and_back(rng):
    windows = Windows((5, 7), 3)
    values = rng.standard_normal((2, windows.count))
    heat = windows.as_map(values)
    assert heat.shape == (2, 5, 7)
    np.testing.assert_allclose(windows.sums(heat), values)
    np.testing.assert_allclose(windows.sums(np.ones((5, 7)))[:3], [9, 9, 3])


def test_windows_in_a_model(rng):
    model = model_of("cls token, erf", rng)
    image, fill, windows = rng.standard_normal((2, 4, 6)), np.zeros((2, 1, 1)), Windows((2, 3), 2)
    falls = covering(model, image, 2, fill=fill, windows=windows)
    painted = image.copy()
    painted[:, :, :4] = 0
    np.testing.assert_allclose(falls[0], (model.predict(image[None]) - model.predict(painted[None]))[0, 2])
    assert falls.shape == (2,)


def test_all_painted_is_the_fill(rng):
    model = model_of("cls token, erf", rng)
    fill = rng.standard_normal((2, 1, 1))
    painted = covered(rng.standard_normal((2, 4, 6)), np.ones((1, 2, 3), bool), fill, model.config)
    np.testing.assert_array_equal(painted[0], np.broadcast_to(fill, (2, 4, 6)))


def test_a_window_of_nothing():
    with pytest.raises(UserError, match="at least one patch"):
        Windows((2, 2), 0)
