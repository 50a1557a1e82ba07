"""The base of optimizers: the live parameters, one buffer per parameter and slot, and a step count."""

import math
from collections.abc import Iterator, Mapping, Set
from typing import Any, ClassVar

from ..backend import Array, array_module, like
from ..errors import UserError
from .flat import FlatArrays, decays


class Optimizer:
    """Base of `SGD` and `AdamW`. `state[slot][name]` is an array in the parameter's shape.

    Args:
        parameters: the live arrays by name, changed in place: `model.parameters()` or, faster, `flatten(model)`.
        lr_scales: factors of the learning rate by name; 1 for what is not named.

    Raises:
        UserError: there are no parameters, or a scale is negative, NaN, or of none of them.
    """

    slots: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Mapping[str, Array], lr_scales: Mapping[str, float] | None = None):
        self.parameters = parameters if isinstance(parameters, FlatArrays) else dict(parameters)
        if not self.parameters:
            raise UserError("there are no parameters to optimize, got an empty dict: give those of a model")
        self.lr_scales = dict(lr_scales or {})
        check_names("lr_scales", self.lr_scales, self.lr_scales.keys() & self.parameters.keys())
        for name, scale in self.lr_scales.items():
            check_number(f"the lr_scale of {name}", scale)
        self.decayed = {name: decays(name, parameter) for name, parameter in self.parameters.items()}
        self.steps = 0
        self.state = {slot: FlatArrays(self.parameters) for slot in self.slots}

    def step(self, grads: Mapping[str, Array], *, lr: float) -> None:
        """One step against the gradient; `grads` is keyed like the parameters.

        Raises:
            UserError: a gradient is missing, is of no parameter or has another shape than its own, or `lr` is infinite,
                NaN or no number. Then no weight has moved.
        """
        check_number("lr", lr, least=-math.inf)  # with a negative one, a step goes up the loss
        check_names("gradients", grads, self.parameters.keys())
        for name, parameter in self.parameters.items():
            array_module(grads[name])  # says what to do with a list, or a masked array
            if grads[name].shape != parameter.shape:
                raise UserError(
                    f"the gradient of {name} must have its shape {tuple(parameter.shape)}, got "
                    f"{tuple(grads[name].shape)}: give what the model's backward returned"
                )
        self.steps += 1
        self._update(grads, lr)

    def _update(self, grads: Mapping[str, Array], lr: float) -> None:
        """Step number `steps`, from gradients that fit."""
        raise NotImplementedError

    def _pieces(self, grads: Mapping[str, Array]) -> Iterator[tuple[Any, ...]]:
        """Pieces updated in one go: (decays, lr scale, parameter, gradient, one array per slot). Where all is flat,
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
                yield self.decayed[name], self.lr_scales.get(name, 1.0), parameter, grads[name], *arrays

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


def check_number(name: str, value: Any, *, least: float = 0.0, below: float = math.inf) -> None:
    """Check that an option of an optimizer is a finite number from `least` to `below`, excluded.

    Raises:
        UserError: it is not.
    """
    try:
        right = least <= value < below and -math.inf < value
    except (TypeError, ValueError):  # no number at all, or several
        right = False
    if not right:
        wanted = "finite" if below == math.inf else f"below {below:g}"
        wanted = f"that is {wanted}" if least < 0 else f"of at least {least:g} and {wanted}"
        raise UserError(f"{name} must be a number {wanted}, got {value!r}: choose another")


def check_names(what: str, given: Any, wanted: Set[str]) -> None:
    """Check that `given` has the names in `wanted` and no others.

    Raises:
        UserError: it has not, or it is no dict.
    """
    if not isinstance(given, Mapping):
        raise UserError(f"{what} must be a dict by the parameters' names, got {type(given).__name__}: give one")
    for problem, names in (("nothing for", wanted - given.keys()), ("the unknown", given.keys() - wanted)):
        if names:
            some = ", ".join(sorted(map(str, names))[:5])
            raise UserError(
                f"{what} must be named as the parameters are, got {problem} {some}: give one for each of them"
            )
