"""Ranks: the processes that `mpiexec -n 4 tinyvit train --distributed` started, on one machine or on many."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import UserError
from ..interrupts import TrainingInterrupted
from ..ranks import Ranks


class World(Ranks):
    """All ranks of the job, through MPI.

    Raises:
        UserError: mpi4py, or an MPI library for it, is not installed.
    """

    def __init__(self) -> None:
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise UserError(
                "--distributed needs MPI, which is not installed: install it with python -m pip install 'tinyvit[mpi]' "
                "and start with mpiexec -n 2 tinyvit train --distributed"
            ) from error
        self._mpi, self._world = MPI, MPI.COMM_WORLD
        self.rank, self.size = self._world.Get_rank(), self._world.Get_size()

    def add_up(self, array: np.ndarray) -> None:
        self._world.Allreduce(self._mpi.IN_PLACE, array, op=self._mpi.SUM)

    def any(self, flag: bool) -> bool:
        count = np.array([flag], np.int64)
        self.add_up(count)
        return bool(count[0])

    def from_first(self, value: Any) -> Any:
        return self._world.bcast(value, root=0)

    @contextlib.contextmanager
    def bound(self) -> Iterator[None]:
        try:
            yield
        except TrainingInterrupted:  # all ranks have agreed to stop, and rank 0 says so
            if self.rank:
                raise SystemExit(130) from None
            raise
        except BaseException as error:
            if self.rank:
                time.sleep(1)  # what went wrong everywhere is told once, by rank 0
            name = f"rank {self.rank} of {self.size}"
            print(f"tinyvit: {name}: {str(error) or type(error).__name__}", file=sys.stderr, flush=True)
            self._world.Abort(2)
            raise
