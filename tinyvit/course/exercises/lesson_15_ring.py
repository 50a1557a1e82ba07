# mypy: disable-error-code="no-untyped-def"
"""Lesson 15, all-reduce on a ring, and what it costs."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 15.3 ---


def reduce_scatter(pieces):
    return _ring(pieces)


def _ring(pieces, *, steps=-1, forward=1, turn=-1, fresh=False, replace=False, begin=0, keep=True):
    state = pieces.copy()
    workers = len(state)
    for step in range(begin, workers + steps):
        for rank in range(workers):
            piece, neighbour = (rank + turn * step) % workers, (rank + forward) % workers
            sent = (pieces if fresh else state)[rank, piece]
            state[neighbour, piece] = sent if replace else state[neighbour, piece] + sent
            state[rank, piece] = state[rank, piece] if keep else 0
    return state


def _loops_swapped(pieces):
    state, workers = pieces.copy(), len(pieces)
    for rank in range(workers):
        for step in range(workers - 1):
            state[(rank + 1) % workers, (rank - step) % workers] += state[rank, (rank - step) % workers]
    return state


def _no_way_round(pieces):
    state, workers = pieces.copy(), len(pieces)
    for step in range(workers - 1):
        for rank in range(workers):
            state[rank + 1, (rank - step) % workers] += state[rank, (rank - step) % workers]
    return state


def _ring_cases(rng: np.random.Generator) -> Iterator[Case]:
    for workers, length in ((4, 3), (3, 5), (2, 7), (int(rng.integers(5, 8)), 2), (4, 1), (1, 3)):
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
        "one worker did all its steps before the next began: the outer loop goes over the steps": _loops_swapped,
        "the right neighbour of the last worker is worker 0: (rank + 1) % workers": _no_way_round,
        "the steps count from 0: in the first one, worker r sends piece r": lambda pieces: _ring(
            pieces, steps=0, begin=1
        ),
        "the unfinished pieces are gone: who sends a piece keeps the sum that it has reached": (
            lambda pieces: _ring(pieces, keep=False)
        ),
        "that is the whole sum, once; wanted is what each worker holds after the steps": lambda pieces: pieces.sum(0),
        "every worker has the whole sum, and nothing was sent: follow the ring": (
            lambda pieces: np.broadcast_to(pieces.sum(0), pieces.shape)
        ),
    },
    not_to_call=("training/",),
)

# --- 15.4 ---


def step_seconds(compute, workers, parameters, gigabits, latency):
    return _seconds(compute, workers, parameters, gigabits, latency)


def _seconds(
    compute, workers, parameters, gigabits, latency, *, number=4, bits=8, twice=2, sends=None, rounds=None, giga=1e9
):
    wire = twice * ((workers - 1) / workers if sends is None else sends) * number * parameters
    rounds = 2 * (workers - 1) if rounds is None else rounds
    return compute / workers + rounds * latency + wire * bits / (gigabits * giga)


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
        "a byte has 8 bits, so there are 8 times as many bits as bytes to send, not an eighth": (
            lambda *given: _seconds(*given, bits=1 / 8)
        ),
        "gigabits is in 10⁹ bits per second: gigabits * 1e9": lambda *given: _seconds(*given, giga=1),
        "parameters / gigabits * 1e9 multiplies by 1e9; put brackets around gigabits * 1e9": (
            lambda *given: _seconds(*given, giga=1e-9)
        ),
        "that counts numbers, and a network counts bits: a number has 4 bytes, a byte has 8 bits": (
            lambda *given: _seconds(*given, number=1, bits=1)
        ),
        "2 log2(W) messages are another algorithm's; on a ring, 2 (workers - 1) messages wait for each other": (
            lambda compute, workers, *given: _seconds(compute, workers, *given, rounds=2 * np.log2(workers))
        ),
        "the time for the bytes is missing": lambda *given: _seconds(*given, number=0),
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
