"""Data parallelism: worker processes on this machine, and ranks of MPI on many."""

from .memory import SharedArrays
from .mpi import World
from .team import Team, resolve_workers
from .workers import Worker, WorkerLostError

__all__ = [
    "SharedArrays",
    "Team",
    "Worker",
    "WorkerLostError",
    "World",
    "resolve_workers",
]
