"""Embedding, by loops: ids of any shape, rows that come often or never, and the same bits in every order of work."""

import numpy as np
import pytest

from tinyvit.backend import to_numpy
from tinyvit.errors import UserError
from tinyvit.ops import embedding_backward, embedding_forward


@pytest.mark.parametrize("shape", [(), (1,), (40,), (5, 7), (2, 3, 4), (3, 1, 2, 5), (0,), (4, 0)])
@pytest.mark.parametrize("V", [1, 6, 300])
def test_every_place_pulls_at_its_row(shape, V, rng, on_device):
    weight, ids = rng.standard_normal((V, 3)), np.asarray(rng.integers(0, V, shape))
    dy = rng.standard_normal((*shape, 3))
    y, saved = embedding_forward(on_device(weight), ids=on_device(ids))
    wanted = np.zeros((V, 3))
    for place in np.ndindex(shape):
        np.testing.assert_array_equal(to_numpy(y)[place], weight[ids[place]])
        wanted[ids[place]] += dy[place]
    np.testing.assert_allclose(to_numpy(embedding_backward(on_device(dy), saved)), wanted, rtol=1e-13, atol=1e-13)


def test_on_a_gpu_the_sums_are_a_product_and_nothing_waits(rng, strict):
    weight, ids = rng.standard_normal((5, 3)), rng.integers(0, 5, (6, 4))
    dy = rng.standard_normal((6, 4, 3))
    on_host = embedding_backward(dy, embedding_forward(weight, ids=ids)[1])
    there = [strict.asarray(x) for x in (weight, ids, dy)]
    dweight = embedding_backward(there[2], embedding_forward(there[0], ids=there[1])[1])
    np.testing.assert_allclose(to_numpy(dweight), on_host, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_any_kind_of_integers_will_do(dtype, rng):
    weight, ids = rng.standard_normal((4, 2)), np.array([3, 0, 3], dtype)
    y, saved = embedding_forward(weight, ids=ids)
    np.testing.assert_array_equal(y, weight[[3, 0, 3]])
    np.testing.assert_array_equal(embedding_backward(np.ones((3, 2)), saved)[:, 0], [1, 0, 0, 2])


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (np.array([0, 4]), r"ids must lie in 0\.\.3, got 0\.\.4"),
        (np.array([[-1], [2]]), r"ids must lie in 0\.\.3, got -1\.\.2"),
        (np.array([0.0, 1.0]), r"ids must be integers, got float64"),
        (np.array([True, False]), r"ids must be integers, got bool"),
        (np.array(["a"]), r"ids must be integers, got <U1"),
        ([0, 1], "ids: an array was expected, got list"),
        (np.ma.masked_array([0, 1], [0, 1]), "ids: a masked array was given"),
    ],
)
def test_other_ids_are_refused(ids, sentence):
    with pytest.raises(UserError, match=sentence):
        embedding_forward(np.zeros((4, 2)), ids=ids)
