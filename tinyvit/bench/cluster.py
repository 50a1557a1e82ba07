"""Cost model of a training step on many machines: a formula, not a measurement.

Every rank computes the gradient of its own `batch_size` images, then an all-reduce adds up the P gradients of 4 bytes:

    step(R) = compute + wire(R) / bandwidth + 2 log2(R) latency,   wire(R) = 2 (R - 1) / R * 4 P bytes

A rank sends and receives each part of the vector twice: once to have it added up, once to learn the sum. That is the
least any algorithm needs, and what MPI libraries come close to for long vectors; they take about 2 log2(R) rounds.
Source: Thakur, Rabenseifner, Gropp 2005, "Optimization of Collective Communication Operations in MPICH".
"""

import math
from typing import NamedTuple

from ..config import ViTConfig
from ..config.costs import model_costs

RANKS = (1, 2, 4, 8, 16, 64, 256, 1024)
GIGABITS = (10, 100)  # a second, of the network
LATENCY = 20e-6  # seconds for a message between two machines, a usual figure for Ethernet


class Point(NamedTuple):
    """One number of ranks on one network."""

    ranks: int
    gigabits: int
    wire_bytes: float  # sent by each rank in a step
    seconds: float  # of a step
    efficiency: float  # images a second, over ranks times those of one rank


def cluster(config: ViTConfig, *, compute_seconds: float) -> list[Point]:
    """Steps of 1 to 1,024 ranks, if one rank computes its part of a batch in `compute_seconds`."""
    size = 4 * sum(cost.parameters for cost in model_costs(config).values())
    points = []
    for gigabits in GIGABITS:
        for ranks in RANKS:
            wire = 2 * (ranks - 1) / ranks * size
            seconds = compute_seconds + wire / (gigabits * 1e9 / 8) + 2 * math.log2(ranks) * LATENCY
            points.append(Point(ranks, gigabits, wire, seconds, compute_seconds / seconds))
    return points
