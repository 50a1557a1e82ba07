"""A layer owns parameters and settings, never activations: those travel in `saved`.

So one layer may serve several threads, or run twice in one forward.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from ..backend import Array, array_module, device_of, like, to_device, to_numpy
from ..errors import UserError

Grads = dict[str, Array]  # of a layer's parameters, by their names; `dmlp` is that of the layer `mlp`


def prefixed(name: str, grads: Mapping[str, Array]) -> Grads:
    """`{"weight": dw}` of the part called `name`, as `{"name.weight": dw}`."""
    return {f"{name}.{key}": grad for key, grad in grads.items()}


class Layer:
    """Names and moves parameters: every array attribute is one, and every attribute that is a layer, or a list of
    layers, holds more. A subclass has `forward(x, *, rng=None) -> (y, saved)` and `backward(dy, saved) -> (dx, grads)`.
    """

    fixed: ClassVar[tuple[str, ...]] = ()  # attributes that hold constant tables, not parameters

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, Any]:
        raise NotImplementedError

    def backward(self, dy: Array, saved: Any) -> tuple[Array, Grads]:
        raise NotImplementedError

    def parameters(self) -> dict[str, Array]:
        """The live arrays by dotted name; writing into one changes the model."""
        return {
            ".".join(path): getattr(owner, path[-1]) for path, owner in self._arrays() if path[-1] not in owner.fixed
        }

    @property
    def dtype(self) -> Any:
        """Of its parameters, all of which have the same; UserError where there are none."""
        return self._first().dtype

    @property
    def device(self) -> str:
        """Device of the parameters: "cpu", "cuda:0"."""
        return device_of(self._first())

    def _first(self) -> Array:
        for path, owner in self._arrays():  # not parameters(): all of them take as long as a block's forward
            if path[-1] not in owner.fixed:
                return getattr(owner, path[-1])
        raise UserError(f"{type(self).__name__} has no parameters, so no dtype and no device: ask the model for them")

    def num_parameters(self) -> int:
        return sum(array.size for array in self.parameters().values())

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters by name."""
        return {name: array.copy() for name, array in self.parameters().items()}

    def load_state_dict(self, state: Mapping[str, Array], *, strict: bool = True) -> tuple[list[str], list[str]]:
        """Copy `state` into the parameters, in their dtype and on their device.

        Returns the names missing from `state` and the unexpected names. With `strict=False` these are
        skipped; a wrong shape is never skipped. When an error is raised, nothing has been changed.

        Raises:
            UserError: names are missing or unexpected (if strict), or shapes or kinds differ; all of them are listed.
        """
        own = self.parameters()
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        given = {name: state[name] for name in own if name in state}
        numeric = {name: value for name, value in given.items() if getattr(value, "dtype", np.dtype("O")).kind in "fiu"}
        complaints = {
            "not an array of real numbers": [name for name in given if name not in numeric],
            "wrong shape": [
                f"{name} {tuple(value.shape)} instead of {tuple(own[name].shape)}"
                for name, value in numeric.items()
                if tuple(value.shape) != tuple(own[name].shape)
            ],
        }
        if strict:
            complaints = {"missing": missing, "unexpected": unexpected, **complaints}
        text = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in complaints.items() if names)
        if text:
            raise UserError(
                f"the weights do not fit this model, so none were loaded ({text}); check the model's config"
            )
        for name, value in given.items():
            same = array_module(value) is array_module(own[name])
            own[name][...] = value if same else like(to_numpy(value), own[name])
        return missing, unexpected

    def adopt(self, arrays: Mapping[str, Array]) -> None:
        """Make `arrays` the parameters themselves, where `load_state_dict` would copy from them: what is written into
        them later, the layer sees. Names, shapes, dtype and device must be those of `parameters()`.
        """
        for path, owner in self._arrays():
            if path[-1] not in owner.fixed:
                setattr(owner, path[-1], arrays[".".join(path)])

    def to(self, device: str) -> Self:
        """A copy of this layer on `device` ("cpu", "cuda", "cuda:1"); the layer itself stays as it is."""
        return self._map(lambda array: to_device(array, device))

    def astype(self, dtype: Any) -> Self:
        """A copy of this layer in `dtype`; the layer itself stays as it is. Fixed tables keep their full precision."""
        return self._map(lambda array: array.astype(dtype), with_fixed=False)

    def _map(self, function: Any, *, with_fixed: bool = True) -> Self:
        """A deep copy with `function` applied to every array."""
        twin = copy.deepcopy(self)
        for path, owner in twin._arrays():
            if with_fixed or path[-1] not in owner.fixed:
                setattr(owner, path[-1], function(getattr(owner, path[-1])))
        return twin

    def _arrays(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Layer"]]:
        """For every array of this layer and those inside it: its path of names, and the layer that holds it."""
        for name, value in list(vars(self).items()):
            if isinstance(value, Layer):
                yield from value._arrays((*path, name))
            elif isinstance(value, list):
                for index, part in enumerate(value):
                    yield from part._arrays((*path, name, str(index)))
            elif hasattr(value, "dtype") and not isinstance(value, np.generic):  # a NumPy scalar is a setting
                yield (*path, name), self


class Identity(Layer):
    """Does nothing, in the place of a part that a model has not got, so that its forward reads the same without it."""

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, None]:
        return x, None

    def backward(self, dy: Array, saved: None) -> tuple[Array, Grads]:
        return dy, {}
