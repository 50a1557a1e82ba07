"""Results in order, only a little ahead, and an end at once."""

import threading
import time

import pytest

from tinyvit.datasets.in_threads import AHEAD, MAX_THREADS, in_threads


def test_results_come_in_the_order_of_the_items():
    def later(item):
        time.sleep(0.01 if item % 5 == 0 else 0.0)
        return -item

    assert list(in_threads(later, range(50))) == [-item for item in range(50)]
    assert list(in_threads(later, [])) == []


def test_several_threads_are_at_work(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    together = threading.Barrier(2, timeout=30)
    assert len(list(in_threads(lambda item: together.wait(), range(4)))) == 4


@pytest.mark.parametrize("end", ["close", "error", "interrupt"])
def test_nothing_is_begun_after_the_end(end):
    begun = []

    def function(item):
        begun.append(item)
        if item == 3 and end == "error":
            raise ZeroDivisionError
        return item

    results = in_threads(function, range(100_000))
    if end == "close":
        assert next(results) == 0
        results.close()
    elif end == "error":
        with pytest.raises(ZeroDivisionError):
            list(results)
    else:
        next(results)
        with pytest.raises(KeyboardInterrupt):
            results.throw(KeyboardInterrupt)
    most = (AHEAD + 1) * MAX_THREADS + 4
    assert len(begun) <= most
    time.sleep(0.05)
    assert len(begun) <= most


def test_what_waits_for_a_thread_is_given_up_at_the_end(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    go_on, begun = threading.Event(), []

    def function(item):
        begun.append(item)
        if item:
            go_on.wait(30)

    results = in_threads(function, range(100))
    next(results)
    results.close()
    go_on.set()
    time.sleep(0.1)
    assert set(begun) <= {0, 1, 2}  # one in each thread


def test_only_a_little_is_read_ahead():
    taken = []

    def items():
        for item in range(100_000):
            taken.append(item)
            yield item

    results = in_threads(lambda item: item, items())
    for _ in range(10):
        next(results)
    assert len(taken) <= 10 + AHEAD * MAX_THREADS
    results.close()
