"""ONNX files, complete or absent: one file, or where protobuf's limit of 2 GB is passed, a second one with the weights.

The second has a name of its own for each content and is written first, so that a kill at any moment leaves the old pair
or the new one.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from ..storage.files import disk_errors, replacing, write_file
from .graph import Graph
from .proto import Place, require_onnx, to_proto

MAX_BYTES = 2**31 - 2**24  # of weights in a protobuf, which has at most 2 GiB
MIN_EXTERNAL = 1024  # bytes of what goes to the second file; shapes and small weights stay


def save_onnx(path: str | Path, graph: Graph, metadata: Mapping[str, str], *, max_bytes: int = MAX_BYTES) -> list[Path]:
    """Write a finished graph, which onnx's own checker has looked at. Returns the files that were written.

    Raises:
        UserError: the package onnx is not installed, the disk is full, or the place cannot be written; what stood there
            before still does.
    """
    onnx, path = require_onnx(), Path(path)
    written = [path]
    if sum(array.nbytes for array in graph.constants.values()) <= max_bytes:
        model = to_proto(graph, metadata)
        onnx.checker.check_model(model, full_check=True)
        write_file(path, model.SerializeToString())
    else:
        places = _write_weights(path, graph)
        written += [path.with_name(next(iter(places.values())).file)]
        write_file(path, to_proto(graph, metadata, places).SerializeToString())
        onnx.checker.check_model(str(path), full_check=True)
    for old in set(weight_files(path)) - set(written):
        old.unlink(missing_ok=True)
    return written


def weight_files(path: Path) -> list[Path]:
    """Files beside `path` that hold weights of what is, or was, written there."""
    name = re.compile(re.escape(path.name) + r"\.[0-9a-f]{16}\.data")
    return [other for other in path.parent.iterdir() if name.fullmatch(other.name)] if path.parent.is_dir() else []


def _write_weights(path: Path, graph: Graph) -> dict[str, Place]:
    """Write the large constants; where each of them lies."""
    large = {name: array for name, array in graph.constants.items() if array.nbytes >= MIN_EXTERNAL}
    digest = hashlib.sha256()
    for name, array in large.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    data = path.with_name(f"{path.name}.{digest.hexdigest()[:16]}.data")
    places, start = {}, 0
    with replacing(data) as file, disk_errors(data):
        for name, array in large.items():
            file.write(array.data)
            places[name] = Place(data.name, start, array.nbytes)
            start += array.nbytes
    return places
