"""Rows shared among threads: the same result, in order, and no more threads than the matrix library may use."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from tinyvit.backend import by_rows, one_matrix_thread
from tinyvit.backend.threads import MIN_SIZE


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
    x = rng.standard_normal((rows, MIN_SIZE // 16))
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
        by_rows(noting(seen), rng.standard_normal((3, 10 * MIN_SIZE)))
    assert [n for _, n, _ in seen] == [1, 1, 1]


def test_an_error_in_a_thread_is_the_callers():
    def fail(x):
        raise ValueError("row 7 is bad")

    with threadpool_limits(2, user_api="blas"), pytest.raises(ValueError, match="row 7"):
        by_rows(fail, np.zeros((100, 1000)))


def matrix_threads():
    return max(limits())


def test_one_thread_for_all_who_overlap_until_the_last_ends():
    """The first to begin ends first: what it found comes back only when the second has ended, too."""
    with threadpool_limits(3, user_api="blas"):
        first, second, third = one_matrix_thread(), one_matrix_thread(), one_matrix_thread()
        seen = []
        for enter in (first, second):
            enter.__enter__()
            seen.append(matrix_threads())
        first.__exit__(None, None, None)
        seen.append(matrix_threads())
        third.__enter__()
        second.__exit__(None, None, None)
        seen.append(matrix_threads())
        third.__exit__(None, None, None)
        assert seen == [1, 1, 1, 1]
        assert matrix_threads() == 3


def in_thread(function):
    """Its result, computed in a thread that is gone afterwards."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(20)


def within_one_thread():
    with one_matrix_thread():
        return matrix_threads()


@pytest.mark.parametrize("before", ["nobody", "one who has limited", "one who limits"])
@pytest.mark.parametrize("by", ["one_matrix_thread", "by_rows"])
def test_any_thread_of_the_process_can_set_the_limit(before, by, rng):
    """Whoever set one before, as the main thread whose run has ended, or that has set it for a block of its own."""
    inside = []
    work = within_one_thread if by == "one_matrix_thread" else lambda: by_rows(noting(inside), rng.random((64, 1000)))
    with contextlib.ExitStack() as stack:
        if before == "one who limits":
            stack.enter_context(threadpool_limits(3, user_api="blas"))
        stack.callback(ThreadpoolController().limit(limits=3, user_api="blas").restore_original_limits)
        if before == "one who has limited":
            assert within_one_thread() == 1
        found = in_thread(work)
        assert (found == 1) if by == "one_matrix_thread" else all(seen <= {1} for _, _, seen in inside)
        assert matrix_threads() == 3
        assert within_one_thread() == 1
        with threadpool_limits(2, user_api="blas"):
            assert matrix_threads() == 2
        assert matrix_threads() == 3


@pytest.mark.parametrize("first", ["main", "other"])
def test_the_last_to_end_gives_the_threads_back_from_any_thread(first):
    go_on, began = threading.Event(), threading.Event()

    def other():
        with one_matrix_thread():
            began.set()
            go_on.wait(20)
            return matrix_threads()

    with threadpool_limits(3, user_api="blas"), ThreadPoolExecutor(1) as pool:
        if first == "main":
            with one_matrix_thread():
                seen = pool.submit(other)
                assert began.wait(20)
        else:
            seen = pool.submit(other)
            assert began.wait(20)
            assert within_one_thread() == 1
        assert matrix_threads() == 1
        go_on.set()
        assert seen.result(20) == 1
        assert matrix_threads() == 3


def test_rows_in_several_threads_get_the_pieces_they_get_alone(rng):
    x = rng.standard_normal((64, MIN_SIZE // 4))
    inside, go_on = threading.Event(), threading.Event()

    def slow(piece):
        inside.set()
        go_on.wait(20)
        return piece

    with threadpool_limits(3, user_api="blas"):
        other = threading.Thread(target=by_rows, args=(slow, x))
        other.start()
        assert inside.wait(20)
        seen = []
        by_rows(noting(seen), x)
        assert [n for _, n, _ in sorted(seen, key=lambda s: -s[1])] == [22, 21, 21]
        with one_matrix_thread():  # a training that begins while both are at work
            seen = []
            by_rows(noting(seen), x)
            assert [n for _, n, _ in seen] == [64]
        go_on.set()
        other.join()
        assert matrix_threads() == 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_gives_the_threads_back(error):
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(error), one_matrix_thread():
            raise error
        assert matrix_threads() == 2


def test_an_overflow_in_a_thread_is_treated_as_in_the_callers(recwarn):
    x = np.full((64, MIN_SIZE // 4), 3e38, np.float32)
    with threadpool_limits(3, user_api="blas"):
        with np.errstate(all="ignore"):
            assert np.isinf(by_rows(lambda piece: piece * 2, x)).all()
        assert not recwarn.list
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            by_rows(lambda piece: piece * 2, x)


@pytest.mark.parametrize("to_be_had", [0, 1])
def test_where_no_thread_is_left_one_does_it_all(monkeypatch, rng, to_be_had):
    x, start, started = rng.standard_normal((64, MIN_SIZE // 4)), threading.Thread.start, []

    def limited(thread):
        if len(started) == to_be_had:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with threadpool_limits(4, user_api="blas"):
        np.testing.assert_array_equal(by_rows(lambda piece: 2 * piece, x), 2 * x)
        assert matrix_threads() == 4
    assert len(started) == to_be_had
