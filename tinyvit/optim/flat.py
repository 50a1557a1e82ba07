"""Many named arrays in one vector, so that what is done to all of them is done in one go.

An optimizer then needs a dozen calls a step and not a dozen for each parameter, gradients add up in place, and what
travels between processes is one block of memory.
"""

from collections.abc import Mapping

from ..backend import Array, array_module, device_of
from ..layers import Layer

CACHED = 2**18  # numbers of each array that a CPU's cache holds together with those of a few others


def decays(name: str, parameter: Array) -> bool:
    """Whether weight decay pulls this parameter towards zero: matrices of weights only.

    Biases, norms, layer scale, the class token, registers and positions are left alone, as timm and the ViT papers do.
    """
    return name.endswith("weight") and parameter.ndim == 2


class FlatArrays(dict[str, Array]):
    """A dict of arrays that are all views of one `vector` (P,). Those that decay lie in front, the first `num_decayed`.

    Args:
        like: arrays whose names, shapes, dtype and device are taken over, not their values; in their order.
        vector: the memory to use, (P,), whose values are kept; zeros if it is left out.
    """

    def __init__(self, like: Mapping[str, Array], vector: Array | None = None):
        super().__init__()
        some = next(iter(like.values()))
        size = sum(array.size for array in like.values())
        self.vector: Array = array_module(some).zeros(size, some.dtype) if vector is None else vector
        self.num_decayed = sum(array.size for name, array in like.items() if decays(name, array))
        views, start = {}, 0
        for name in sorted(like, key=lambda name: not decays(name, like[name])):  # stable: else in their own order
            views[name] = self.vector[start : start + like[name].size].reshape(like[name].shape)
            start += like[name].size
        self.update({name: views[name] for name in like})

    def pieces(self, start: int = 0, stop: int | None = None) -> list[slice]:
        """Where to work in one go: a long vector on the CPU is cut, so that temporaries stay in its cache."""
        stop = self.vector.size if stop is None else stop
        length = CACHED if device_of(self.vector) == "cpu" else max(1, stop - start)
        return [slice(begin, min(begin + length, stop)) for begin in range(start, stop, length)]

    def add(self, arrays: Mapping[str, Array]) -> None:
        """Add other arrays of the same names to these."""
        for name, array in self.items():
            array += arrays[name]


def flatten(layer: Layer, vector: Array | None = None) -> FlatArrays:
    """Move the parameters of a layer into one vector; the layer goes on with views of it.

    Args:
        vector: the memory to use, (P,), which may be shared with other processes; new memory if it is left out.
    """
    parameters = layer.parameters()
    flat = FlatArrays(parameters, vector)
    for name, array in parameters.items():
        flat[name][...] = array
    layer.adopt(flat)
    return flat


def blocks(arrays: Mapping[str, Array]) -> list[Array]:
    """What has to be gone through to touch every number: pieces of the vector if they are flat, else array by array."""
    if isinstance(arrays, FlatArrays):
        return [arrays.vector[piece] for piece in arrays.pieces()]
    return list(arrays.values())
