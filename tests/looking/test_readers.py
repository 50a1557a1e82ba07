"""Who the head reads: as the backward of each pool says, and maps that leave out what is no patch."""

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, seen_by
from tinyvit.looking import on_grid, readers


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_shares_are_those_of_the_pool(name, rng):
    seen = seen_by(name, rng)
    shares = readers(seen)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    prefix = seen.model.config.num_prefix_tokens
    if seen.model.config.pool == "map":
        assert not shares[:, :prefix].any()
        np.testing.assert_allclose(shares[:, prefix:], seen.saved.pool.attention.weights.mean(axis=(1, 2)))
        return
    dpooled = np.ones((3, seen.model.config.num_pooled))
    dtokens = seen.model.pool.backward(dpooled, seen.saved.pool)[0][..., 0]  # 1 a row that is read, or its share
    np.testing.assert_allclose(shares, dtokens / dtokens.sum(axis=1, keepdims=True))


def test_a_map_is_the_patches_row_by_row(rng):
    config = CLASSIFIERS["registers"]  # a class token, two registers, 2 x 3 patches
    rows = rng.random((2, 5, 9))
    np.testing.assert_array_equal(on_grid(rows, config)[1, 4], rows[1, 4, 3:].reshape(2, 3))
