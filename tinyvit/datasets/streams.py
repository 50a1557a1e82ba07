"""Streams of tasks: which training images come when, where classes come a few at a time. An order of indices is all."""

from collections.abc import Sequence

import numpy as np

from ..backend import generator


def class_tasks(num_classes: int, classes_per_task: int) -> list[tuple[int, ...]]:
    """Classes 0..K-1 in tasks of so many; the last one may have fewer."""
    return [
        tuple(range(first, min(first + classes_per_task, num_classes)))
        for first in range(0, num_classes, classes_per_task)
    ]


def kept_images(labels: np.ndarray, classes: Sequence[int], count: int, *, seed: int) -> np.ndarray:
    """Indices of `count` images to replay, as many of each of the `classes`: those of a class are always the first
    ones of the same order, so that a smaller memory is a part of a larger one.
    """
    per_class = count // max(1, len(classes))
    kept = [generator(seed, "replay", k).permutation(np.flatnonzero(labels == k))[:per_class] for k in classes]
    return np.concatenate([np.zeros(0, np.int64), *kept])


def stream_order(
    labels: np.ndarray,
    tasks: Sequence[Sequence[int]],
    task: int,
    *,
    size: int,
    batch_size: int,
    replay: int,
    seed: int,
    epoch: int,
) -> np.ndarray:
    """Indices of the training images of an epoch of a task, int64 (size,), made of seed and epoch alone.

    Each batch holds images of the task and, as its second half, some of the `replay` images kept of earlier tasks;
    where images are used up they come again, in another order. With a `replay` of 0, all are of the task.

    Args:
        labels: of the training split, (n,).
        tasks: classes of each task.
        size: images of the epoch.
    """
    kept = kept_images(labels, [k for earlier in tasks[:task] for k in earlier], replay, seed=seed)
    new = np.flatnonzero(np.isin(labels, tasks[task]))
    return half_kept(new, kept, size=size, batch_size=batch_size, rng=generator(seed, "shuffle", epoch))


def half_kept(new: np.ndarray, kept: np.ndarray, *, size: int, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of an epoch, int64 (size,): the second half of each batch is from `kept`, if there are any; where
    indices are used up they come again, in another order.
    """
    batch_size = min(batch_size, size)
    old = batch_size // 2 if len(kept) else 0
    is_old = np.arange(size) % batch_size >= batch_size - old
    order = np.empty(size, np.int64)
    order[~is_old] = _repeated(new, int((~is_old).sum()), rng)
    order[is_old] = _repeated(kept, int(is_old.sum()), rng)
    return order


def _repeated(indices: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the indices: all of them in one order, then all in another."""
    rounds = -(-count // max(1, len(indices)))
    return np.concatenate([indices[:0], *(rng.permutation(indices) for _ in range(rounds))])[:count]
