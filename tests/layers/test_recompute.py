"""Recomputed, a block gives the same gradients to the last bit, and keeps nothing but its input."""

import numpy as np

from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import Block, Recompute


def arrays_in(saved):
    """All arrays somewhere inside nested saved tuples."""
    if isinstance(saved, np.ndarray):
        return [saved]
    if isinstance(saved, dict):
        saved = list(saved.values())
    return [array for part in saved for array in arrays_in(part)] if isinstance(saved, tuple | list) else []


def test_the_same_bits_with_dropout_and_with_fewer_queries():
    rng = np.random.default_rng(0)
    block = shaken(Block(6, 2, 8, drop_rate=0.3, drop_path_rate=0.4, rng=rng), rng)
    again = Recompute(block)
    assert list(again.parameters()) == list(block.parameters())
    x = rng.standard_normal((4, 5, 6))
    for options in ({"rng": 7}, {"rng": None}, {"rng": 7, "num_queries": 2}):
        seed = options.pop("rng")

        def fresh(seed=seed):
            return None if seed is None else np.random.default_rng(seed)

        y, saved = block.forward(x, rng=fresh(), **options)
        y2, saved2 = again.forward(x, rng=fresh(), **options)
        np.testing.assert_array_equal(y, y2)
        assert len(arrays_in(saved2)) == 1
        assert arrays_in(saved2)[0] is x
        dy = rng.standard_normal(y.shape)
        for _ in range(2):  # a backward may be asked for twice
            dx, grads = block.backward(dy, saved)
            dx2, grads2 = again.backward(dy, saved2)
            np.testing.assert_array_equal(dx, dx2)
            assert list(grads) == list(grads2)
            for name in grads:
                np.testing.assert_array_equal(grads[name], grads2[name])


def test_the_randomness_that_follows_is_the_same():
    rng = np.random.default_rng(0)
    block = Block(6, 2, 8, drop_rate=0.3, rng=rng)
    draws = []
    for layer in (block, Recompute(block)):
        mine = np.random.default_rng(7)
        layer.forward(np.ones((2, 3, 6), np.float32), rng=mine)
        draws.append(mine.random())
    assert draws[0] == draws[1]
