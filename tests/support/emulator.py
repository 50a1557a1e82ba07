"""A GPU on the CPU: the kernels' own source under g++, NumPy for the matrix products, NaN wherever nothing was written.

`cuda_on_cpu.h` defines what CUDA C++ adds to C++ (threadIdx, __syncthreads, warp shuffles), so g++ compiles the kernels as
they are. The threads of a block take turns, each up to its next barrier, in one of three orders: a missing barrier makes
results differ from order to order, a missing write leaves NaN. `Emulator` has the interface of `tinyvit.gpu.Device`, so
steps run on it as on a GPU. It says nothing of speed, and nothing of races between blocks.
"""

import atexit
import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tinyvit.gpu import Device
from tinyvit.gpu.sources import constants, files, signatures, typed

HERE = Path(__file__).parent
COMPILER = shutil.which("g++")
_built = {}
ORDERS = {"forward": 0, "backward": 1, "shuffled": 2}


def build(text, defines):
    """The kernels in `text` as a library for the CPU; built once."""
    key = text, tuple(defines.items())
    if key not in _built:
        _built[key] = _build(text, defines)
    return _built[key]


def _build(text, defines):
    runs = "\n".join(
        f'extern "C" int run_{name}(void** arguments, const unsigned* size, int order) '
        f"{{ return cpu::launch({name}, arguments, size, order); }}"
        for name in signatures(text)
    )
    macros = "\n".join(f"#define {name} {value}" for name, value in defines.items())
    code = "\n".join(['#include "cuda_on_cpu.h"', macros, text, runs])
    # -Bsymbolic: a kernel may be named like something that Python has loaded already.
    (path := _folder() / f"{len(_built)}.cpp").write_text(code)
    _compile("-shared", "-Wl,-Bsymbolic", path, "-o", path.with_suffix(".so"))
    return ctypes.CDLL(str(path.with_suffix(".so")))


@functools.cache
def _folder():
    """Where libraries are built in this process, with the emulator's header compiled in advance: it takes longest."""
    folder = Path(tempfile.mkdtemp(prefix="tinyvit-emulator-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    header = Path(shutil.copy(HERE / "cuda_on_cpu.h", folder))
    _compile(header, "-o", f"{header}.gch")
    return folder


def _compile(*arguments):
    subprocess.run([COMPILER, "-std=c++17", "-O1", "-w", "-fPIC", *arguments], check=True)


class Poisoned:
    """NumPy, whose new arrays hold NaN, or numbers as unlikely, until something is written to them."""

    def empty(self, shape, dtype=np.float32):
        return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else -(2**30), dtype)

    def __getattr__(self, name):
        return getattr(np, name)


class Emulator(Device):
    """A device whose arrays are NumPy's.

    Args:
        order: in which the threads of a block take turns.
        sabotage: pairs of text; in the source, the first is replaced by the second.
    """

    def __init__(self, config, *, order="forward", sabotage=()):
        self.xp = Poisoned()
        self.launches = 0
        self.order = ORDERS[order]
        self.names = []  # of what was launched
        self.recording = None
        texts = files(config)
        for old, new in sabotage:
            if not any(old in text for text in texts.values()):
                raise ValueError(f"nothing to sabotage: {old}")
            texts = {name: text.replace(old, new) for name, text in texts.items()}
        common = texts.pop("common")
        self._constants = constants(config)
        self._signatures = signatures("\n".join(texts.values()))
        self._texts = {kernel: f"{common}\n{text}" for text in texts.values() for kernel in signatures(text)}

    def launch(self, kernel, grid, block, *args):
        self._note(kernel)
        values = typed(kernel, self._signatures[kernel], args)
        held = [
            ctypes.c_void_p(value.ctypes.data if isinstance(value, np.ndarray) else int(value))
            if "*" in kind
            else np.ctypeslib.as_ctypes_type(type(value))(value)
            for kind, value in zip(self._signatures[kernel], values, strict=True)
        ]
        pointers = (ctypes.c_void_p * len(held))(*map(ctypes.addressof, held))
        size = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])

        library = build(self._texts[kernel], self._constants)

        def run():
            if getattr(library, f"run_{kernel}")(pointers, size, self.order):
                raise RuntimeError(f"{kernel}: some threads wait where the others never come")

        self._do(lambda keep=(held, values): run())

    def matmul(self, a, b, out, *, transpose_a=False, transpose_b=False):
        self._note("matmul")
        for x in (a, b, out):
            assert x.flags.c_contiguous
            assert x.dtype == np.float32
        left, right = a.T if transpose_a else a, b.T if transpose_b else b
        assert left.shape[1] == right.shape[0]
        assert out.shape == (left.shape[0], right.shape[1])
        self._do(lambda: np.matmul(left, right, out=out))

    def matmul_heads(self, a, b, out, *, transpose_a=False, transpose_b=False, scale=1.0):
        self._note("matmul_heads")
        left, right, result = (_strided(x) for x in (a, b, out))
        left = left.swapaxes(2, 3) if transpose_a else left
        right = right.swapaxes(2, 3) if transpose_b else right

        def run():
            result[...] = np.float32(scale) * (left @ right)

        self._do(run)

    def zero(self, array):
        self._note("zero")
        self._do(lambda: array.fill(0))

    def address(self, array):
        return array.ctypes.data

    def record(self, run):
        self.recording = []
        try:
            run()
            commands = self.recording
        finally:
            self.recording = None
        return lambda: [command() for command in commands]

    def _note(self, name):
        self.launches += 1
        self.names.append(name)

    def _do(self, command):
        """At once, or, while recording, when the recording is replayed."""
        if self.recording is None:
            command()
        else:
            self.recording.append(command)


def _strided(heads):
    numbers = heads.array.reshape(-1)[heads.start :]
    strides = [4 * distance for distance in (heads.per_image, heads.per_head, heads.per_row, 1)]
    return np.lib.stride_tricks.as_strided(numbers, heads.shape, strides)
