"""Relevance: the paper's update of whole matrices, and attention that hurts counts for nothing."""

import numpy as np
import pytest

from tests.support.looking import FEW, seen_by
from tinyvit.looking import attention_relevance, readers, relevance_by_block


def by_matrices(attention, dattention, rows):
    """As in the paper: R starts as the identity, and each block in turn adds A @ R."""
    R = np.broadcast_to(np.eye(rows.shape[1]), (len(rows), *[rows.shape[1]] * 2))
    for weights, dweights in zip(attention, dattention, strict=True):
        A = np.zeros_like(R)
        for head in range(weights.shape[1]):
            A += np.clip(weights[:, head] * dweights[:, head], 0, None) / weights.shape[1]
        R = R + A @ R
    return np.stack([row @ (of_image - np.eye(len(row))) for row, of_image in zip(rows, R, strict=True)])


@pytest.mark.parametrize("name", [*FEW, "cls+mean"])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_one_row_is_that_of_the_matrices(name, first, rng):
    seen = seen_by(name, rng)
    attention, dattention, rows = seen.attention[first:], seen.backward(1).attention[first:], readers(seen)
    wanted = by_matrices(attention, dattention, rows)
    mine = attention_relevance(attention, dattention, rows)
    np.testing.assert_allclose(mine, wanted, rtol=1e-10, atol=1e-14)
    assert (mine >= 0).all()
    assert mine.any() == (first < 2)


def test_weights_that_hurt_the_class_count_for_nothing(rng):
    weights = rng.random((2, 3, 4, 4))
    rows = np.array([[1.0, 0, 0, 0], [0, 0.5, 0.5, 0]])
    assert not attention_relevance([weights], [-rng.random(weights.shape)], rows).any()
    dweights = rng.random(weights.shape)
    one = attention_relevance([weights], [dweights], rows)
    np.testing.assert_allclose(one[0], (weights * dweights).mean(axis=1)[0, 0])


@pytest.mark.parametrize("name", FEW)
def test_each_beginning_in_one_pass(name, rng):
    seen = seen_by(name, rng, depth=3)
    attention, dattention, rows = seen.attention, seen.backward(1).attention, readers(seen)
    wanted = [by_matrices(attention[first:], dattention[first:], rows) for first in range(3)]
    np.testing.assert_allclose(relevance_by_block(attention, dattention, rows), wanted, rtol=1e-10, atol=1e-14)
