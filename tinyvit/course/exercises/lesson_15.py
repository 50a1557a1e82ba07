# mypy: disable-error-code="no-untyped-def"
"""Lesson 15, many workers."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 15.1 ---


def shards(n, workers):
    return _cut(n, workers)


def _cut(n, workers):
    return [(n * rank // workers, n * (rank + 1) // workers) for rank in range(workers)]


def _shares(pairs):
    """How many images each part has, smallest first, and how often each image is taken: any fair cut comes to this."""
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
        "the last worker got all that was left over, and the others wait for it: let sizes differ by one at most": (
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


def average_gradients(parts, sizes):
    return _combined(parts, [size / sum(sizes) for size in sizes])


def _combined(parts, weights):
    return {name: sum(weight * part[name] for part, weight in zip(parts, weights, strict=False)) for name in parts[0]}


def _average_cases(rng: np.random.Generator) -> Iterator[Case]:
    for workers, rows, columns in ((3, 2, 5), (2, 4, 3), (int(rng.integers(4, 7)), 3, 7)):
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
        "that is the gradient of the first part alone": (
            lambda parts, sizes: _combined(parts, [1.0] + [0.0] * (len(parts) - 1))
        ),
        "you divided by the size; a larger part must count more, not less": (
            lambda parts, sizes: _combined(parts, [1 / size for size in sizes])
        ),
    },
    summary=lambda grads: tuple(grads[name] for name in NAMES),
    not_to_call=("training/", "optim/"),
)

# --- 15.3 ---


def reduce_scatter(pieces):
    return _ring(pieces)


def _ring(pieces, *, steps=-1, forward=1, turn=-1, fresh=False, replace=False):
    state = pieces.copy()
    workers = len(state)
    for step in range(workers + steps):
        for rank in range(workers):
            piece, neighbour = (rank + turn * step) % workers, (rank + forward) % workers
            sent = (pieces if fresh else state)[rank, piece]
            state[neighbour, piece] = sent if replace else state[neighbour, piece] + sent
    return state


def _ring_cases(rng: np.random.Generator) -> Iterator[Case]:
    for workers, length in ((4, 3), (3, 5), (2, 7), (int(rng.integers(5, 8)), 2)):
        yield Case((rng.standard_normal((workers, workers, length)),))


add(
    "15.3",
    reduce_scatter,
    _ring_cases,
    outputs=("state",),
    mistakes={
        "one step too many: after workers - 1 steps every piece has met every worker": (
            lambda pieces: _ring(pieces, steps=0)
        ),
        "one step too few: a piece has to meet workers - 1 others": lambda pieces: _ring(pieces, steps=-2),
        "every worker sends the same piece at each step; pass on the piece that you received in the step before": (
            lambda pieces: _ring(pieces, turn=0)
        ),
        "at step s worker r sends piece r - s: yours counts up": lambda pieces: _ring(pieces, turn=1),
        "you sent to the left neighbour; the ring runs to the right, to rank + 1": (
            lambda pieces: _ring(pieces, forward=-1)
        ),
        "you sent a worker's own numbers; send its sum so far": lambda pieces: _ring(pieces, fresh=True),
        "the neighbour's numbers are lost: add what arrives to them": lambda pieces: _ring(pieces, replace=True),
        "every worker has the whole sum, and nothing was sent: follow the ring": (
            lambda pieces: np.broadcast_to(pieces.sum(0), pieces.shape)
        ),
    },
    not_to_call=("training/",),
)

# --- 15.4 ---


def step_seconds(compute, workers, parameters, gigabits, latency):
    return _seconds(compute, workers, parameters, gigabits, latency)


def _seconds(compute, workers, parameters, gigabits, latency, *, number=4, bits=8, twice=2, sends=None, rounds=None):
    wire = twice * ((workers - 1) / workers if sends is None else sends) * number * parameters
    rounds = 2 * (workers - 1) if rounds is None else rounds
    return compute / workers + rounds * latency + wire * bits / (gigabits * 1e9)


def _cost_cases(rng: np.random.Generator) -> Iterator[Case]:
    for workers in (4, 7, int(rng.integers(8, 30)), 1):
        compute, latency = rng.uniform(0.5, 2), rng.uniform(0.01, 0.03)
        yield Case((compute, workers, int(rng.integers(10**8, 3 * 10**8)), int(rng.integers(5, 20)), latency))


add(
    "15.4",
    step_seconds,
    _cost_cases,
    outputs=("seconds",),
    mistakes={
        "a network's speed is in bits, and a byte has 8 of them": lambda *given: _seconds(*given, bits=1),
        "a number of float32 has 4 bytes": lambda *given: _seconds(*given, number=1),
        "each worker computes only its part of the batch: compute / workers": (
            lambda compute, workers, *given: _seconds(compute * workers, workers, *given)
        ),
        "every piece goes around the ring twice: to be added up, and to be handed out": (
            lambda *given: _seconds(*given, twice=1)
        ),
        "a worker sends (workers - 1) pieces of parameters / workers numbers, not the whole vector": (
            lambda *given: _seconds(*given, sends=1)
        ),
        "the pieces are small: parameters / workers numbers each": (
            lambda compute, workers, *given: _seconds(compute, workers, *given, sends=workers - 1)
        ),
        "the latency is counted once, but 2 (workers - 1) messages wait for each other": (
            lambda *given: _seconds(*given, rounds=1)
        ),
        "the latency is missing: 2 (workers - 1) messages wait for each other": (
            lambda *given: _seconds(*given, rounds=0)
        ),
        "the latency counts for both halves of the ring: 2 (workers - 1) messages": (
            lambda compute, workers, *given: _seconds(compute, workers, *given, rounds=workers - 1)
        ),
    },
    not_to_call=("bench/",),
)
