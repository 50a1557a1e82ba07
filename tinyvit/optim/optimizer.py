"""What every optimizer shares: the live parameters, one buffer per parameter and slot, and a step count."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..backend import Array, like
from ..errors import UserError
from .flat import FlatArrays, decays


class Optimizer:
    """Base of `SGD` and `AdamW`. `state[slot][name]` is an array in the parameter's shape.

    Args:
        parameters: the live arrays by name, changed in place: `model.parameters()` or, faster, `flatten(model)`.
        lr_scales: factors of the learning rate by name; 1 for what is not named.
    """

    slots: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Mapping[str, Array], lr_scales: Mapping[str, float] | None = None):
        self.parameters = parameters if isinstance(parameters, FlatArrays) else dict(parameters)
        self.lr_scales = lr_scales or {}
        self.steps = 0
        self.state = {slot: FlatArrays(self.parameters) for slot in self.slots}

    def step(self, grads: Mapping[str, Array], *, lr: float) -> None:
        raise NotImplementedError

    def _pieces(self, grads: Mapping[str, Array]) -> Iterator[tuple[Any, ...]]:
        """What is updated in one go, as (decays, lr scale, parameter, gradient, one array per slot): where all is flat,
        pieces of the vectors; else parameter by parameter.
        """
        flat, slots = self.parameters, self.state.values()
        if isinstance(flat, FlatArrays) and isinstance(grads, FlatArrays):
            for start, stop, decayed, scale in flat.runs(self.lr_scales):
                for piece in flat.pieces(start, stop):
                    arrays = (state.vector[piece] for state in slots)
                    yield decayed, scale, flat.vector[piece], grads.vector[piece], *arrays
        else:
            for name, parameter in self.parameters.items():
                arrays = (state[name] for state in slots)
                yield decays(name, parameter), self.lr_scales.get(name, 1.0), parameter, grads[name], *arrays

    def state_arrays(self) -> dict[str, Array]:
        """The live state as one flat dict, `"m.blocks.0.norm1.weight"` and so on."""
        return {f"{slot}.{name}": array for slot, arrays in self.state.items() for name, array in arrays.items()}

    def load_state(self, arrays: Mapping[str, Array], *, steps: int) -> None:
        """Take up where another optimizer of this kind stood.

        Raises:
            UserError: the arrays do not belong to these parameters.
        """
        own = self.state_arrays()
        if set(own) != set(arrays) or any(own[name].shape != arrays[name].shape for name in own):
            raise UserError("the optimizer state does not belong to this model: resume with the config that wrote it")
        for name, array in own.items():
            array[...] = like(arrays[name], array)
        self.steps = steps
