"""Memory for the arrays of a step: the same in every step, so that a recorded step finds them where they were."""

import math
from collections import defaultdict
from typing import Any

import numpy as np

from ..backend import Array
from .device import Device


class Workspace:
    """Arena of arrays: the same ones asked for in the same order after `restart` lie in the same memory.

    In the first step memory is made, later it is only handed out again. What is given back early, by `free`, goes to
    the next who asks for as many numbers.
    """

    def __init__(self, device: Device):
        self._device = device
        self._all: dict[tuple[int, Any], list[Array]] = defaultdict(list)
        self._left: dict[tuple[int, Any], list[Array]] = defaultdict(list)

    def restart(self) -> None:
        """The next step begins: everything is free again."""
        self._left = defaultdict(list, {key: arrays[::-1] for key, arrays in self._all.items()})

    def empty(self, *shape: int, dtype: Any = np.float32) -> Array:
        """Uninitialised array."""
        key = math.prod(shape), np.dtype(dtype)
        if not self._left[key]:
            self._left[key].append(self._device.xp.empty(key[0], dtype))
            self._all[key].extend(self._left[key])
        return self._left[key].pop().reshape(shape)

    def free(self, *arrays: Array) -> None:
        """Release an array, which is not needed any more in this step."""
        for array in arrays:
            self._left[array.size, array.dtype].append(array.reshape(-1))

    @property
    def nbytes(self) -> int:
        """Memory in all, bytes."""
        return sum(array.nbytes for arrays in self._all.values() for array in arrays)
