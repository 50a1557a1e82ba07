"""Flat vectors: many named arrays in one vector, so that an update is one pass.

An optimizer then needs a dozen calls a step and not a dozen for each parameter, gradients add up in place, and what
travels between processes is one block of memory.
"""

from collections.abc import Callable, Mapping

from ..backend import Array, array_module, device_of
from ..layers import Layer

CACHED = 2**18  # numbers of each array that a CPU's cache holds together with those of a few others


def decays(name: str, parameter: Array) -> bool:
    """Test whether weight decay applies to this parameter: weight matrices only.

    Biases, norms, layer scale, the class token, registers and positions are left alone, as timm and the ViT papers do.
    """
    return name.endswith("weight") and parameter.ndim == 2


class FlatArrays(dict[str, Array]):
    """A dict of arrays that are all views of one `vector` (P,). Those that decay lie in front.

    Args:
        like: arrays whose names, shapes, dtype and device are taken over, not their values; in their order.
        vector: the memory to use, (P,), whose values are kept; zeros if it is left out.
    """

    def __init__(self, like: Mapping[str, Array], vector: Array | None = None):
        super().__init__()
        some = next(iter(like.values()))
        size = sum(array.size for array in like.values())
        self.vector: Array = array_module(some).zeros(size, some.dtype) if vector is None else vector
        views, start = {}, 0
        for name in sorted(like, key=lambda name: not decays(name, like[name])):  # stable: else in their own order
            views[name] = self.vector[start : start + like[name].size].reshape(like[name].shape)
            start += like[name].size
        self.update({name: views[name] for name in like})

    def runs(self, scales: Mapping[str, float]) -> list[tuple[int, int, bool, float]]:
        """Runs of neighbours treated alike, with the same `scales[name]`: (start, stop, whether it decays, scale)."""
        runs: list[tuple[int, int, bool, float]] = []
        start = 0
        for name in sorted(self, key=lambda name: not decays(name, self[name])):
            kind, stop = (decays(name, self[name]), scales.get(name, 1.0)), start + self[name].size
            if runs and runs[-1][2:] == kind:
                runs[-1] = (runs[-1][0], stop, *kind)
            else:
                runs.append((start, stop, *kind))
            start = stop
        return runs

    def pieces(self, start: int = 0, stop: int | None = None) -> list[slice]:
        """Pieces of a long vector on the CPU, so that temporaries stay in its cache."""
        stop = self.vector.size if stop is None else stop
        length = CACHED if device_of(self.vector) == "cpu" else max(1, stop - start)
        return [slice(begin, min(begin + length, stop)) for begin in range(start, stop, length)]

    def add(self, arrays: Mapping[str, Array]) -> None:
        """Add other arrays to those of the same names."""
        for name, array in arrays.items():
            self[name] += array


def flatten(
    layer: Layer, vector: Array | None = None, *, wanted: Callable[[str], bool] = lambda name: True
) -> FlatArrays:
    """Move the parameters of a layer into one vector; the layer goes on with views of it.

    Args:
        vector: the memory to use, (P,), which may be shared with other processes; new memory if it is left out.
        wanted: says by name which parameters to move; the others stay where they are.
    """
    parameters = layer.parameters()
    flat = FlatArrays({name: array for name, array in parameters.items() if wanted(name)}, vector)
    for name, array in flat.items():
        array[...] = parameters[name]
    layer.adopt(parameters | flat)
    return flat


def chunks(arrays: Mapping[str, Array]) -> list[Array]:
    """Arrays that cover every element: pieces of the vector if they are flat, else array by array."""
    if isinstance(arrays, FlatArrays):
        return [arrays.vector[piece] for piece in arrays.pieces()]
    return list(arrays.values())
