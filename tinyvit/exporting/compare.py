"""Comparison of an exported file with its model: answers of onnxruntime, of onnx itself, or of a compiled program."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import UserError
from .subject import Arrays, Subject

NUM_EXAMPLES = 2
TOLERANCE = 1e-5  # of the largest value of an output
TOLERANCE_FLOAT16 = 2e-2  # which has three digits, and each step rounds to them


def run_onnxruntime(path: Path, given: Arrays) -> Arrays:
    """Outputs by onnxruntime, on the CPU in one thread; ImportError where it is not installed."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return dict(zip((output.name for output in session.get_outputs()), session.run(None, given), strict=True))


def run_reference(path: Path, given: Arrays) -> Arrays:
    """Outputs by onnx's ReferenceEvaluator, the standard itself in NumPy."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(str(path))
    return dict(zip(evaluator.output_names, evaluator.run(None, given), strict=True))


def run_c(path: Path, given: Arrays, wanted: Arrays) -> Arrays:
    """Output of a file of C, compiled with cc, image by image; named and shaped as the one that is `wanted`.

    Raises:
        UserError: there is no compiler, or it refuses the file.
    """
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)
    if compiler is None:
        raise UserError("there is no C compiler (cc, gcc or clang) to compare with: install one, or compare elsewhere")
    (name, outputs), (images,) = *wanted.items(), given.values()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = Path(folder) / "model.so"
        command = [compiler, "-O3", "-std=c99", "-shared", "-fPIC", str(path.resolve()), "-o", str(library), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise UserError(f"{compiler} refuses {path} ({done.stderr.strip()[:200]}): compare with another compiler")
        vit_forward = ctypes.CDLL(str(library)).vit_forward
        found = np.empty(outputs.shape, np.float32)
        for image, row in zip(np.ascontiguousarray(images, np.float32), found, strict=True):
            vit_forward(*(ctypes.c_void_p(array.ctypes.data) for array in (image, row)))
    return {name: found}


ENGINES: dict[str, Callable[[Path, Arrays], Arrays]] = {
    "onnxruntime": run_onnxruntime,
    "ReferenceEvaluator": run_reference,
}


def examples(subject: Subject, dtype: np.dtype) -> tuple[Arrays, Arrays]:
    """Random inputs of the graph of `subject`, its floats in `dtype`, and the model's own answers to them."""
    given = subject.inputs(np.random.default_rng(0), NUM_EXAMPLES)
    given = {name: array.astype(dtype) if array.dtype.kind == "f" else array for name, array in given.items()}
    return given, subject.answers(given)


def difference(got: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, as a part of the largest wanted value; infinite for NaN, or another shape."""
    if got.shape != wanted.shape:
        return float("inf")
    far = float(np.abs(got.astype(np.float64) - wanted).max(initial=0.0))
    size = float(np.abs(wanted).max(initial=0.0))
    return far / (size or 1.0) if np.isfinite(far) else float("inf")
