"""Rows shared among threads: the same result, in order, and no more threads than the matrix library may use."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tinyvit.backend import by_rows
from tinyvit.backend.threads import LEAST_SIZE


def limits():
    """How many threads NumPy's matrix library may use; other packages' libraries are their own business."""
    return {library["num_threads"] for library in threadpool_info() if "numpy" in library["filepath"]}


def noting(seen):
    def function(x):
        seen.append((threading.current_thread(), len(x), limits()))
        return 2 * x[:, 0]

    return function


@pytest.mark.parametrize("rows", [0, 1, 31, 32, 101, 1000])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_rows_come_back_in_order(rows, limit, rng):
    x = rng.standard_normal((rows, LEAST_SIZE // 16))
    seen = []
    with threadpool_limits(limit, user_api="blas"):
        y = by_rows(noting(seen), x)
        assert limits() <= {limit}
    np.testing.assert_array_equal(y, 2 * x[:, 0])
    assert len(seen) == max(1, min(limit, rows // 16))
    assert sum(n for _, n, _ in seen) == rows
    assert [thread for thread, _, _ in seen].count(threading.main_thread()) == 1  # the caller does its share
    if len(seen) > 1:
        assert all(inside <= {1} for _, _, inside in seen)


def test_a_few_large_rows_are_shared_too(rng):
    seen = []
    with threadpool_limits(4, user_api="blas"):
        by_rows(noting(seen), rng.standard_normal((3, 10 * LEAST_SIZE)))
    assert [n for _, n, _ in seen] == [1, 1, 1]


def test_an_error_in_a_thread_is_the_callers():
    def fail(x):
        raise ValueError("row 7 is bad")

    with threadpool_limits(2, user_api="blas"), pytest.raises(ValueError, match="row 7"):
        by_rows(fail, np.zeros((100, 1000)))
