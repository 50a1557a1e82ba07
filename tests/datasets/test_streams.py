"""Streams of tasks are an order of indices: of the right classes, half of them kept, the same from the same seed."""

import numpy as np
import pytest

from tinyvit.datasets.streams import class_tasks, kept_images, stream_order

LABELS = np.random.default_rng(0).integers(0, 6, 600)
TASKS = class_tasks(6, 2)


def order(task, replay=30, seed=1, epoch=None, size=160, batch_size=32):
    return stream_order(
        LABELS,
        TASKS,
        task,
        size=size,
        batch_size=batch_size,
        replay=replay,
        seed=seed,
        epoch=task if epoch is None else epoch,
    )


def test_classes_in_tasks():
    assert class_tasks(10, 2) == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert class_tasks(5, 2) == [(0, 1), (2, 3), (4,)]
    assert class_tasks(3, 5) == [(0, 1, 2)]


@pytest.mark.parametrize("task", range(3))
def test_without_replay_all_are_of_the_task(task):
    assert set(LABELS[order(task, replay=0)]) == set(TASKS[task])
    np.testing.assert_array_equal(order(0, replay=30), order(0, replay=0))  # nothing to replay yet


@pytest.mark.parametrize("task", [1, 2])
@pytest.mark.parametrize(("size", "batch_size"), [(160, 32), (150, 31), (20, 64), (33, 32)])
def test_half_of_each_batch_is_replayed(task, size, batch_size):
    indices = order(task, size=size, batch_size=batch_size)
    assert indices.shape == (size,)
    earlier = {k for classes in TASKS[:task] for k in classes}
    kept = set(kept_images(LABELS, sorted(earlier), 30, seed=1))
    batch_size = min(batch_size, size)
    for start in range(0, size - batch_size + 1, batch_size):
        batch = indices[start : start + batch_size]
        is_new = np.isin(LABELS[batch], TASKS[task])
        assert is_new.sum() == batch_size - batch_size // 2
        assert set(batch[~is_new]) <= kept


def test_all_images_of_a_task_come_before_one_comes_again():
    count = int(np.isin(LABELS, TASKS[0]).sum())
    indices = order(0, replay=0, size=2 * count)
    for part in (indices[:count], indices[count:]):
        assert len(set(part)) == count
    assert not np.array_equal(indices[:count], indices[count:])


@pytest.mark.parametrize(
    ("classes", "count", "each"), [((0, 1), 30, 15), ((0, 1, 2, 3), 30, 7), ((2,), 5, 5), ((0, 1), 1, 0), ((), 30, 0)]
)
def test_as_many_of_each_class_are_kept(classes, count, each):
    kept = kept_images(LABELS, classes, count, seed=1)
    np.testing.assert_array_equal(np.bincount(LABELS[kept], minlength=6), [each * (k in classes) for k in range(6)])
    assert len(set(kept)) == len(kept)
    assert set(kept) <= set(kept_images(LABELS, classes, 2 * count, seed=1))


def test_it_is_made_of_seed_and_epoch_alone():
    np.testing.assert_array_equal(order(1), order(1))
    for other in (order(1, seed=2), order(1, epoch=7)):
        assert not np.array_equal(order(1), other)
