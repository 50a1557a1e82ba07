"""Many sums of columns in one launch: the second stage of every bias's and every norm's gradient."""

import numpy as np

from ..backend import Array
from .device import Device

COLUMNS = 32  # of a tile: what one block adds up


class ColumnSums:
    """Collects what is to be added up, and adds it up."""

    def __init__(self, device: Device):
        self._device = device
        self._wanted: list[tuple[int, ...]] = []
        self._tables: dict[tuple[tuple[int, ...], ...], Array] = {}

    def restart(self) -> None:
        """Forget what was collected and not added up."""
        self._wanted.clear()

    def add(self, x: Array, out: Array) -> None:
        """`out`, of n numbers, is to be the sum of x's rows: x (rows, ...), each row n numbers without gaps."""
        self._wanted.append((self._device.address(x), len(x), x.size // len(x), self._device.address(out)))

    def run(self) -> None:
        """Add up all that was collected. One launch.

        The list of what to do goes to the device when it is new; in each later step of the same memory it is there.
        """
        wanted = tuple(self._wanted)
        self._wanted.clear()
        if wanted not in self._tables:
            tiles = [
                (source + 4 * column, rows, columns, min(COLUMNS, columns - column), to + 4 * column)
                for source, rows, columns, to in wanted
                for column in range(0, columns, COLUMNS)
            ]
            self._tables[wanted] = self._device.xp.asarray(np.array(tiles, np.int64))
        table = self._tables[wanted]
        self._device.launch("column_sums", (len(table),), (COLUMNS, 8), table)
