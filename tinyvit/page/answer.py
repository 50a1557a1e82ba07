"""An answer to the page: named arrays and a few words about them, sent as a safetensors file."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import to_numpy
from ..storage.tensors import arrays_to_bytes


class Answer(NamedTuple):
    arrays: dict[str, Any]  # of any dtype, on any device; they are sent as float32
    metadata: dict[str, str] = {}  # noqa: RUF012  never written to

    def to_bytes(self) -> bytes:
        """A safetensors file: the browser reads it with a few lines, and weights come in the same format."""
        arrays = {name: np.ascontiguousarray(to_numpy(x), dtype=np.float32) for name, x in self.arrays.items()}
        return arrays_to_bytes(arrays, self.metadata)
