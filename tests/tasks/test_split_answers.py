"""Answers for a whole split: every example once, in order, by threads, in pieces that no number of cores changes."""

import dataclasses
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.small_run import SMALL_MODEL
from tinyvit.backend.threads import _matrix_library
from tinyvit.config.run import TrainConfig
from tinyvit.datasets import in_threads
from tinyvit.tasks import ALL, Classify
from tinyvit.tasks.split_answers import split_answers
from tinyvit.tasks.task import TOKENS_AT_ONCE
from tinyvit.vit import VisionTransformer

CONFIG = TrainConfig(model=SMALL_MODEL)


class Noting(Classify):
    """A task that notes the rows it is asked for, and how many threads a product may use meanwhile."""

    def __init__(self):
        self.rows, self.threads, self.together = [], set(), threading.Barrier(2, timeout=30)

    def answers(self, config, model, dataset, split, rows):
        self.rows.append(rows)
        self.threads.add(_matrix_library.threads())
        if rows.start == 0 or rows.start == rows.stop - rows.start:  # the first two: at the same time
            self.together.wait()
        return getattr(dataset, split).images[rows]


class Images(SimpleNamespace):
    def __len__(self):
        return len(self.images)


def dataset_of(n):
    return SimpleNamespace(test=Images(images=np.arange(n)))


def test_pieces_are_answered_by_threads_in_order(monkeypatch):
    monkeypatch.setattr(in_threads, "cores", lambda: 2)
    size = TOKENS_AT_ONCE // CONFIG.model.num_tokens
    task, n = Noting(), 3 * size + 5
    answers = split_answers(task, CONFIG, SimpleNamespace(device="cpu"), dataset_of(n), "test")
    np.testing.assert_array_equal(answers, np.arange(n))
    assert sorted(rows.stop - rows.start for rows in task.rows) == [5, size, size, size]
    assert task.threads == {1}


def test_the_bits_depend_on_no_number_of_cores(small_dataset, monkeypatch):
    model = VisionTransformer(SMALL_MODEL, rng=np.random.default_rng(3))
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(in_threads, "cores", lambda cores=cores: cores)
        found.append(split_answers(Classify(), CONFIG, model, small_dataset, "test"))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    at_once = Classify().answers(CONFIG, model, small_dataset, "test", ALL)
    np.testing.assert_allclose(found[0], at_once, rtol=1e-5)


def test_an_example_of_many_tokens_is_answered_alone(monkeypatch):
    config = dataclasses.replace(CONFIG, model=dataclasses.replace(SMALL_MODEL, img_size=1400))
    monkeypatch.setattr(in_threads, "cores", lambda: 2)
    task = Noting()
    split_answers(task, config, SimpleNamespace(device="cpu"), dataset_of(3), "test")
    assert [rows.stop - rows.start for rows in task.rows] == [1, 1, 1]


@pytest.mark.parametrize(("device", "n"), [("cuda", 300), ("cpu", 0)])
def test_a_gpu_and_an_empty_split_are_answered_at_once(device, n):
    task = Noting()
    task.answers = lambda config, model, dataset, split, rows: (rows, len(getattr(dataset, split)))
    assert split_answers(task, CONFIG, SimpleNamespace(device=device), dataset_of(n), "test") == (ALL, n)


def test_an_error_in_a_thread_is_raised():
    task = Noting()

    def answers(*args):
        raise ValueError("no answer")

    task.answers = answers
    with pytest.raises(ValueError, match="no answer"):
        split_answers(task, CONFIG, SimpleNamespace(device="cpu"), dataset_of(3), "test")
