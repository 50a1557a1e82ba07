"""A finished graph as ONNX's protobuf, made by `onnx.helper` alone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from .graph import Graph, Node, Tensor

MIN_OPSET, DEFAULT_OPSET = 13, 17
PRODUCER = "tinyvit"


class Place(NamedTuple):
    """Bytes of a weight that lies in another file."""

    file: str
    start: int
    length: int


def require_onnx() -> Any:
    """The package onnx.

    Raises:
        UserError: it is not installed.
    """
    try:
        import onnx
        import onnx.checker
    except ImportError as error:
        raise UserError(
            f"ONNX needs the package onnx, which is not installed ({error}): python -m pip install 'tinyvit[onnx]'"
        ) from error
    return onnx


def check_opset(opset: int) -> None:
    """Check that onnx, as it is installed, can write this version of the operators.

    Raises:
        UserError: it is newer, or older than what was tested; or onnx is not installed.
    """
    newest = require_onnx().defs.onnx_opset_version()
    if not MIN_OPSET <= opset <= newest:
        raise UserError(
            f"the opset must be from {MIN_OPSET} to {newest}, the newest of this onnx, got {opset}: choose one"
        )


def to_proto(graph: Graph, metadata: Mapping[str, str], places: Mapping[str, Place] | None = None) -> Any:
    """The graph as a `ModelProto`.

    Args:
        places: of the constants that lie in another file.

    Raises:
        UserError: onnx is not installed.
    """
    onnx, places = require_onnx(), places or {}
    helper = onnx.helper
    body = helper.make_graph(
        [_node(helper, node) for node in graph.nodes],
        PRODUCER,
        [_info(helper, tensor) for tensor in graph.inputs],
        [_info(helper, tensor) for tensor in graph.outputs],
        [_constant(onnx, name, array, places.get(name)) for name, array in graph.constants.items()],
    )
    opsets = [helper.make_opsetid("", graph.opset)]
    ir_version = helper.find_min_ir_version_for(opsets)  # the oldest: runtimes refuse what is newer than they are
    model = helper.make_model(body, opset_imports=opsets, producer_name=PRODUCER, ir_version=ir_version)
    helper.set_model_props(model, dict(metadata))
    return model


def _node(helper: Any, node: Node) -> Any:
    attributes = {
        name: helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value
        for name, value in node.attributes.items()
    }
    return helper.make_node(node.op, node.inputs, node.outputs, name=node.outputs[0], **attributes)


def _info(helper: Any, tensor: Tensor) -> Any:
    return helper.make_tensor_value_info(tensor.name, helper.np_dtype_to_tensor_dtype(tensor.dtype), tensor.shape)


def _constant(onnx: Any, name: str, array: np.ndarray, place: Place | None) -> Any:
    if place is None:
        return onnx.numpy_helper.from_array(array, name)
    dtype = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = onnx.TensorProto(name=name, data_type=dtype, dims=array.shape, data_location=onnx.TensorProto.EXTERNAL)
    for key, value in zip(("location", "offset", "length"), place, strict=True):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
