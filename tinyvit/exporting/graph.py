"""A graph under construction: nodes, weights and outputs, each value known by its name. Nothing here needs ONNX.

    y = g("MatMul", x, g.weight(layer.weight))     adds a node, and returns the name of its output

Weights keep the names of `parameters()`; the first axis of every value is the batch, and stays free.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array

Value = str  # name of a value in the graph
Shape = tuple[int | str, ...]  # an axis of free length has a name
BATCH = "batch"


class Node(NamedTuple):
    op: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attributes: dict[str, Any]


class Tensor(NamedTuple):
    """Input or output of the graph."""

    name: str
    dtype: np.dtype[Any]
    shape: Shape


class Graph:
    """
    Args:
        opset: version of ONNX's operators to write.
        dtype: of the weights and of what flows between the layers.
        parameters: arrays by name; a weight is recognised by its array.
        keeps: whether a backward follows, so that norms and gates are spelled out to keep what it needs.
    """

    def __init__(self, opset: int, dtype: Any, parameters: Mapping[str, Array], *, keeps: bool = False):
        self.opset, self.dtype, self.keeps = opset, np.dtype(dtype), keeps
        self.wide = np.dtype(np.float32) if self.dtype == np.float16 else self.dtype
        self.names = {id(array): name for name, array in parameters.items()}
        self.kept: list[Array] = []
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []

    def __call__(self, op: str, *inputs: Value, **attributes: Any) -> Value:
        """Add a node with one output."""
        return self.several(op, *inputs, count=1, **attributes)[0]

    def several(self, op: str, *inputs: Value, count: int, **attributes: Any) -> tuple[Value, ...]:
        """Add a node with `count` outputs."""
        stem = f"{op}_{len(self.nodes)}"
        outputs = (stem,) if count == 1 else tuple(f"{stem}_{index}" for index in range(count))
        self.nodes.append(Node(op, inputs, outputs, attributes))
        return outputs

    def input(self, name: str, shape: Shape, dtype: Any = None) -> Value:
        self.inputs.append(Tensor(name, np.dtype(dtype or self.dtype), shape))
        return name

    def output(self, name: str, value: Value, shape: Shape) -> None:
        """Give a value to the user of the graph, under a name of its own."""
        self.nodes.append(Node("Identity", (value,), (name,), {}))
        self.outputs.append(Tensor(name, self.dtype, shape))

    def named(self, array: Array, name: str) -> Array:
        """The array itself, which is no parameter, and has a name from now on."""
        self.kept.append(array)  # so that no other gets its id
        self.names[id(array)] = name
        return array

    def weight(self, array: Array | float, name: str | None = None) -> Value:
        """An array or a number as a constant of the graph's dtype; it needs a name, unless it has one already."""
        return self.constant(array, name or self.names[id(array)], self.dtype)

    def number(self, value: float) -> Value:
        """A constant of the dtype in which norms and gates compute."""
        return self.constant(value, f"number_{value:.17g}", self.wide)

    def ints(self, *values: int) -> Value:
        """Integers (n,): axes, shapes, places."""
        return self.constant(values, "ints_" + "_".join(map(str, values)), np.int64)

    def index(self, value: int) -> Value:
        """One integer without axes."""
        return self.constant(value, f"index_{value}", np.int64)

    def constant(self, value: Any, name: str, dtype: Any) -> Value:
        """A constant in a dtype of its own."""
        if name not in self.constants:
            self.constants[name] = np.asarray(value, dtype, order="C")  # no copy of what is as it should be
        return name

    # ------------------------------------------------------- nodes whose spelling depends on the opset, or is long

    def mean(self, x: Value, axis: int, *, keepdims: bool = True) -> Value:
        if self.opset >= 18:  # the axes became an input
            return self("ReduceMean", x, self.ints(axis), keepdims=int(keepdims))
        return self("ReduceMean", x, axes=[axis], keepdims=int(keepdims))

    def sum(self, x: Value, axis: int, *, keepdims: bool = True) -> Value:
        return self("ReduceSum", x, self.ints(axis), keepdims=int(keepdims))

    def reshape(self, x: Value, *shape: int) -> Value:
        """0: as long as the axis of x in this place; -1: what is left."""
        return self("Reshape", x, self.ints(*shape))

    def transpose(self, x: Value, *axes: int) -> Value:
        return self("Transpose", x, perm=list(axes))

    def slice(self, x: Value, start: int, stop: int, axis: int) -> Value:
        return self("Slice", x, self.ints(start), self.ints(stop), self.ints(axis))

    def pad(self, x: Value, before: Sequence[int], after: Sequence[int]) -> Value:
        """Zeros around x, so many before and after along each axis."""
        return self("Pad", x, self.ints(*before, *after))

    def concat(self, *values: Value, axis: int) -> Value:
        return self("Concat", *values, axis=axis)

    def widened(self, x: Value) -> Value:
        """float16 as float32, for norms, gates and softmax, as the ops have it; everything else as it is."""
        return x if self.wide == self.dtype else self("Cast", x, to=self.wide)

    def narrowed(self, x: Value) -> Value:
        return x if self.wide == self.dtype else self("Cast", x, to=self.dtype)

    def prune(self) -> None:
        """Take away what no output depends on."""
        wanted, nodes = {tensor.name for tensor in self.outputs}, []
        for node in reversed(self.nodes):
            if wanted & set(node.outputs):
                nodes.append(node)
                wanted |= set(node.inputs)
        self.nodes = nodes[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in wanted}
