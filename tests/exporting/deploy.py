"""The shipped model in every form it can be deployed in; run me for a table of size, accuracy and time for one image.

    OPENBLAS_NUM_THREADS=1 python -m tests.exporting.deploy

Times are medians over images shown one at a time, all forms in turn, in one thread; ONNX needs onnx and onnxruntime, C a
compiler. Accuracy is that on the 10,000 test digits.
"""

import contextlib
import ctypes
import io
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tinyvit import VisionTransformer, load_dataset
from tinyvit.cli import main as tinyvit
from tinyvit.datasets import normalize
from tinyvit.evaluation.judge import SHIPPED

MEAN, STD = 0.1307, 0.3081
C_FLAGS = {"C, `cc -O3`": ["-O3"], "C, `cc -O3 -march=native -ffast-math`": ["-O3", "-march=native", "-ffast-math"]}


def of_numpy():
    model = VisionTransformer.from_pretrained(SHIPPED)
    return lambda pixels: model.predict(normalize(pixels, MEAN, STD))


def of_onnx(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    dtype = {"tensor(float)": np.float32, "tensor(float16)": np.float16}[session.get_inputs()[0].type]
    return lambda pixels: session.run(["logits"], {"images": pixels.astype(dtype)})[0]


def of_c(source, flags):
    library = source.with_name(f"{len(flags)}.so")
    subprocess.run(["cc", *flags, "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    forward = ctypes.CDLL(str(library)).vit_forward

    def answer(pixels):
        logits = np.empty((len(pixels), 10), np.float32)
        for image, row in zip(np.ascontiguousarray(pixels, np.float32), logits, strict=True):
            forward(image.ctypes.data_as(ctypes.c_void_p), row.ctypes.data_as(ctypes.c_void_p))
        return logits

    return answer, library


def forms(folder):
    """Name -> (bytes on disk, the function from pixels (B, 1, 28, 28) to logits)."""
    found = {"NumPy": ((SHIPPED / "model.safetensors").stat().st_size, of_numpy())}
    with contextlib.suppress(ImportError):
        from onnxruntime.quantization import quantize_dynamic

        for name, stem, flags in (("ONNX", "digits", []), ("ONNX, float16", "half", ["--float16"])):
            path = folder / f"{stem}.onnx"
            tinyvit(["export", str(SHIPPED), str(path), "--normalise", *flags])
            found[name] = (path.stat().st_size, of_onnx(path))
        quantize_dynamic(folder / "digits.onnx", folder / "int8.onnx", per_channel=True, reduce_range=True)
        found["ONNX, int8 weights"] = ((folder / "int8.onnx").stat().st_size, of_onnx(folder / "int8.onnx"))
    if shutil.which("cc"):
        tinyvit(["export", str(SHIPPED), str(folder / "digits.c"), "--normalise"])
        for name, flags in C_FLAGS.items():
            answer, library = of_c(folder / "digits.c", flags)
            found[name] = (library.stat().st_size, answer)
    return found


def main(rounds):
    test = load_dataset("mnist").test
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            found = forms(Path(folder))
        wanted, times = None, {name: [] for name in found}
        for number in range(rounds):
            image = test.images[[number % len(test.images)]].astype(np.float32)
            for name, (_, answer) in found.items():
                start = time.perf_counter()
                answer(image)
                times[name].append(time.perf_counter() - start)
        print("| Form | Size | Accuracy | Answers changed | One image |\n|---|---|---|---|---|")
        for name, (size, answer) in found.items():
            parts = np.array_split(test.images, 100)
            guesses = np.concatenate([answer(part.astype(np.float32)).argmax(axis=1) for part in parts])
            wanted = guesses if wanted is None else wanted
            accuracy, milliseconds = (guesses == test.labels).mean(), 1e3 * statistics.median(times[name])
            cells = f"{size / 1e3:.0f} kB | {accuracy:.2%} | {(guesses != wanted).sum()} | {milliseconds:.2f} ms"
            print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 500)
