# mypy: disable-error-code="no-untyped-def"
"""Lesson 15, many workers."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, NotAskedFor, add

# --- 15.1 ---


def shards(n, workers):
    return _cut(n, workers)


def _cut(n, workers):
    return [(n * rank // workers, n * (rank + 1) // workers) for rank in range(workers)]


def _shares(pairs):
    """How many images each part has, smallest first, and how often each image is taken: any fair cut comes to this."""
    if not isinstance(pairs, list | tuple | np.ndarray):
        raise NotAskedFor(f"it returned {type(pairs).__name__}, wanted a list of pairs (start, stop)")
    if any(np.shape(pair) != (2,) for pair in pairs):
        raise NotAskedFor("what stands in the list are not all pairs; wanted (start, stop) for each worker")
    if any(np.asarray(pair).dtype.kind != "i" for pair in pairs):
        raise NotAskedFor("start and stop are not all whole numbers (`/` gives a float, `//` a whole number)")
    taken = np.zeros(max((stop for _, stop in pairs), default=0), np.int64)
    for start, stop in pairs:
        taken[start:stop] += 1
    return np.array(sorted(stop - start for start, stop in pairs), np.int64), taken


def _shard_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, workers in ((14, 4), (128, 3), (12, 4), (int(rng.integers(20, 90)), 7), (2, 5), (9, 1)):
        yield Case((n, workers))


def _rest_lost(n, workers):
    size = n // workers
    return [(rank * size, (rank + 1) * size) for rank in range(workers)]


def _rest_to_the_last(n, workers):
    size = n // workers
    return [*((rank * size, (rank + 1) * size) for rank in range(workers - 1)), ((workers - 1) * size, n)]


def _rounded_up(n, workers):
    size = -(-n // workers)
    return [(min(rank * size, n), min((rank + 1) * size, n)) for rank in range(workers)]


def _stop_as_last(n, workers):
    return [(start, stop - 1) for start, stop in _cut(n, workers)]


def _overlapping(n, workers):
    return [(start, min(stop + 1, n)) for start, stop in _cut(n, workers)]


def _start_and_size(n, workers):
    return [(start, stop - start) for start, stop in _cut(n, workers)]


add(
    "15.1",
    shards,
    _shard_cases,
    outputs=("sizes, smallest first", "how often each image is taken"),
    mistakes={
        "the images that are left over after n // workers for each are lost": _rest_lost,
        "one worker got all that was left over, and the others wait for it: let sizes differ by one at most": (
            _rest_to_the_last
        ),
        "with sizes rounded up, the last worker gets too few: let sizes differ by one at most": _rounded_up,
        "stop is the first image that is not taken, as in a slice; you gave the last one that is": _stop_as_last,
        "neighbouring parts overlap by one: a part ends where the next begins": _overlapping,
        "each pair is (start, stop), not (start, how many)": _start_and_size,
    },
    summary=_shares,
    not_to_call=("training/",),
)

# --- 15.2 ---

NAMES = ("weight", "bias")


def _by_name(grads):
    if not isinstance(grads, dict):
        raise NotAskedFor(f"it returned {type(grads).__name__}, wanted a dict: name -> gradient")
    if set(grads) != set(NAMES):
        raise NotAskedFor(f"the names in the dict are {list(grads)}, wanted those of the parts: {list(NAMES)}")
    return tuple(grads[name] for name in NAMES)


def average_gradients(parts, sizes):
    return _combined(parts, [size / sum(sizes) for size in sizes])


def _combined(parts, weights):
    return {name: sum(weight * part[name] for part, weight in zip(parts, weights, strict=False)) for name in parts[0]}


def _average_cases(rng: np.random.Generator) -> Iterator[Case]:
    for workers, rows, columns in ((3, 2, 5), (2, 4, 3), (int(rng.integers(4, 7)), 3, 7), (1, 2, 3), (3, 1, 4)):
        parts = [
            {"weight": rng.standard_normal((rows, columns)), "bias": rng.standard_normal(columns)}
            for _ in range(workers)
        ]
        yield Case((parts, [int(size) for size in rng.permutation(np.arange(2, 20))[:workers]]))


add(
    "15.2",
    average_gradients,
    _average_cases,
    outputs=NAMES,
    mistakes={
        "that is the plain mean: a part of 11 images must count more than a part of 5": (
            lambda parts, sizes: _combined(parts, [1 / len(parts)] * len(parts))
        ),
        "that is the plain sum: each part is already a mean, so weigh it by its share of the images": (
            lambda parts, sizes: _combined(parts, [1.0] * len(parts))
        ),
        "you weighed by the sizes, but did not divide by the number of all images": (
            lambda parts, sizes: _combined(parts, sizes)
        ),
        "you divided by the number of parts; divide by the number of all images": (
            lambda parts, sizes: _combined(parts, [size / len(parts) for size in sizes])
        ),
        "only the last part is left: add the parts up": (
            lambda parts, sizes: _combined(parts[-1:], [sizes[-1] / sum(sizes)])
        ),
        "np.mean or np.sum over a list of arrays takes all numbers together: with axis=0 it goes over the parts": (
            lambda parts, sizes: {name: np.mean([part[name] for part in parts]) for name in parts[0]}
        ),
        "that is the gradient of the first part alone": (
            lambda parts, sizes: _combined(parts, [1.0] + [0.0] * (len(parts) - 1))
        ),
        "you divided by the size; a larger part must count more, not less": (
            lambda parts, sizes: _combined(parts, [1 / size for size in sizes])
        ),
    },
    summary=_by_name,
    not_to_call=("training/", "optim/"),
)
