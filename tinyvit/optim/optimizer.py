"""What every optimizer shares: the live parameters, one buffer per parameter and slot, and a step count."""

from collections.abc import Mapping
from typing import ClassVar

from ..backend import Array, array_module, like
from ..errors import UserError


def decays(name: str, parameter: Array) -> bool:
    """Whether weight decay pulls this parameter towards zero: matrices of weights only.

    Biases, norms, layer scale, the class token, registers and positions are left alone, as timm and the ViT papers do.
    """
    return name.endswith("weight") and parameter.ndim == 2


class Optimizer:
    """Base of `SGD` and `AdamW`. `state[slot][name]` is an array in the parameter's shape."""

    slots: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Mapping[str, Array]):
        self.parameters = dict(parameters)
        self.steps = 0
        self.state = {
            slot: {name: array_module(p).zeros_like(p) for name, p in self.parameters.items()} for slot in self.slots
        }

    def step(self, grads: Mapping[str, Array], *, lr: float) -> None:
        raise NotImplementedError

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
