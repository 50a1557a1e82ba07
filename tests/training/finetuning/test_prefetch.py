"""Batches are made ahead, each once, in order, and what goes wrong is told where it is asked for."""

import threading

import pytest

from tinyvit.training.finetuning.prefetch import Prefetch


def test_the_next_steps_are_made_before_they_are_asked_for():
    made, third = [], threading.Event()

    def make(step):
        made.append(step)
        if step == 7:
            third.set()
        return step * 10

    prefetch = Prefetch(make, ahead=2)
    assert prefetch.take(5) == 50
    assert third.wait(10)
    assert prefetch.take(6) == 60
    assert prefetch.take(7) == 70
    prefetch.close()
    assert made[:3] == [5, 6, 7]
    assert len(made) == len(set(made)) <= 5


def test_nothing_is_made_beyond_the_end_nor_kept():
    made = []
    prefetch = Prefetch(lambda step: made.append(step), ahead=4, last=3)
    prefetch.take(2)
    prefetch.close()
    assert made == [2]
    prefetch = Prefetch(lambda step: step, ahead=4)
    prefetch.take(0)
    assert prefetch.take(9) == 9
    assert set(prefetch._made) <= {10, 11, 12, 13}
    prefetch.close()


def test_what_was_raised_in_the_background_waits_for_its_step():
    def make(step):
        if step == 1:
            raise ValueError("one")
        return step

    prefetch = Prefetch(make)
    assert prefetch.take(0) == 0
    with pytest.raises(ValueError, match="one"):
        prefetch.take(1)
    assert prefetch.take(2) == 2
    prefetch.close()
