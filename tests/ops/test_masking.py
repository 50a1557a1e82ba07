"""Tokens taken out and put back: by loops, against what is refused, and weights of rows in the mean squared error."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.ops import (
    gather_tokens_forward,
    mse_backward,
    mse_forward,
    scatter_tokens_backward,
    scatter_tokens_forward,
)


def test_taken_out_and_put_back(rng):
    x, mask = rng.standard_normal((2, 4, 3)), rng.standard_normal((1, 1, 3))
    ids = np.array([[2, 0], [3, 1]])
    some, _ = gather_tokens_forward(x, ids=ids)
    np.testing.assert_array_equal(some, [[x[0, 2], x[0, 0]], [x[1, 3], x[1, 1]]])
    whole, saved = scatter_tokens_forward(some, mask, ids=ids, num_tokens=4)
    m = mask[0, 0]
    np.testing.assert_array_equal(whole, [[x[0, 0], m, x[0, 2], m], [m, x[1, 1], m, x[1, 3]]])
    dy = rng.standard_normal((2, 4, 3))
    np.testing.assert_allclose(
        scatter_tokens_backward(dy, saved)[1][0, 0], dy[0, 1] + dy[0, 3] + dy[1, 0] + dy[1, 2], rtol=1e-14
    )


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (np.array([[0, 4]]), "different places from 0 to 3"),
        (np.array([[-1, 2]]), "different places from 0 to 3"),
        (np.array([[2, 2]]), "different places from 0 to 3"),
        (np.array([[0.0, 1.0]]), r"integers of the shape \(1, V\), got float64"),
        (np.array([0, 1]), r"got int64 \(2,\)"),
        (np.array([[0], [1]]), r"got int64 \(2, 1\)"),
        ([[0, 1]], "ids: an array was expected, got list"),
    ],
)
def test_other_places_are_refused(ids, sentence):
    with pytest.raises(UserError, match=sentence):
        gather_tokens_forward(np.zeros((1, 4, 2)), ids=ids)
    with pytest.raises(UserError, match=sentence):
        scatter_tokens_forward(np.zeros((1, 2, 2)), np.zeros((1, 1, 2)), ids=ids, num_tokens=4)


def test_pieces_of_the_mean_squared_error_add_up(rng):
    x, target, weights = rng.standard_normal((7, 3)), rng.standard_normal((7, 3)), rng.dirichlet(np.ones(7))
    loss, saved = mse_forward(x, target=target, weights=weights)
    assert float(loss) == pytest.approx((weights[:, None] * (x - target) ** 2).sum() / 3, rel=1e-14)
    losses, parts = [], []
    for rows in (slice(0, 2), slice(2, 7)):
        share = weights[rows].sum()
        one, one_saved = mse_forward(x[rows], target=target[rows], weights=weights[rows] / share)
        losses.append(share * float(one))
        parts.append(mse_backward(share, one_saved))
    assert sum(losses) == pytest.approx(float(loss), rel=1e-14)
    np.testing.assert_allclose(np.concatenate(parts), mse_backward(1.0, saved), atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_of_what_is_compared_stays(dtype, rng):
    loss, saved = mse_forward(rng.standard_normal((4, 3)).astype(dtype), target=rng.standard_normal((4, 3)))
    assert loss.dtype == mse_backward(np.float32(0.5), saved).dtype == dtype


@pytest.mark.parametrize("target", [np.zeros((3, 4)), np.zeros(3), np.zeros((4, 3, 1))])
def test_a_target_of_another_shape_is_refused(target):
    with pytest.raises(UserError, match=r"target must have the shape \(4, 3\)"):
        mse_forward(np.zeros((4, 3)), target=target)
