"""Attention rollout: by hand, as rows that sum to one, and a sum of rows as a sum of rows of the whole."""

import numpy as np

from tinyvit.looking import attention_rollout


def random_attention(batch, heads, tokens, blocks=3):
    weights = np.random.default_rng(0).random((blocks, batch, heads, tokens, tokens))
    return list(weights / weights.sum(axis=-1, keepdims=True))


def test_rollout_by_hand():
    # Block 1: the two heads average to [[0, 1], [1, 0]], so R1 = [[1/2, 1/2], [1/2, 1/2]].
    first = np.array([[[[0.5, 0.5], [1.0, 0.0]], [[-0.5, 1.5], [1.0, 0.0]]]])
    # Block 2: [[1, 0], [1/2, 1/2]], so R2 = [[1, 0], [1/4, 3/4]].
    second = np.array([[[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]]])
    # Block 3: [[0, 1], [0, 1]], so R3 = [[1/2, 1/2], [0, 1]].
    third = np.array([[[[0.0, 1.0], [0.0, 1.0]]]])
    # R3 R2 = [[5/8, 3/8], [1/4, 3/4]]
    np.testing.assert_allclose(attention_rollout([second, third]), [[[0.625, 0.375], [0.25, 0.75]]])
    np.testing.assert_allclose(attention_rollout([third, second]), [[[0.5, 0.5], [0.125, 0.875]]])
    np.testing.assert_allclose(attention_rollout([first, second, third]), [[[0.5, 0.5], [0.5, 0.5]]])


def test_rollout_of_a_batch_has_rows_that_sum_to_one():
    attention = random_attention(2, 4, 5)
    rollout = attention_rollout(attention)
    assert rollout.shape == (2, 5, 5)
    np.testing.assert_allclose(rollout.sum(axis=-1), 1.0)
    np.testing.assert_allclose(rollout[1:], attention_rollout([weights[1:] for weights in attention]))


def test_a_weighted_sum_of_rows(rng):
    attention, rows = random_attention(3, 2, 6), rng.random((3, 6))
    wanted = np.einsum("bi,bij->bj", rows, attention_rollout(attention))
    np.testing.assert_allclose(attention_rollout(attention, rows), wanted, rtol=1e-12)


def test_later_blocks_alone_are_a_rollout_of_their_own(rng):
    attention, rows = random_attention(1, 2, 4), rng.random((1, 4))
    first = attention_rollout(attention[2:], rows)
    np.testing.assert_allclose(attention_rollout(attention[:2], first), attention_rollout(attention, rows), rtol=1e-12)
