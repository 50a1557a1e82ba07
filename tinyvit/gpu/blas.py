"""cuBLAS by its C interface: CuPy 14 refuses to call it while a stream is recorded, cuBLAS itself does not mind.

cuBLAS thinks in columns: what is a matrix by rows to us is its transpose to cuBLAS. So it is asked for outᵀ = bᵀ aᵀ.
Source: cuBLAS 13 documentation, cublasGemmEx, cublasGemmBatchedEx, "CUDA Graphs support".
"""

import ctypes
import weakref
from types import ModuleType
from typing import Any

import numpy as np

from .heads import Heads

FLOAT32 = 0  # CUDA_R_32F
# CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32 and CUBLAS_COMPUTE_32F_FAST_16BF
COMPUTE = {"fp32": 68, "tf32": 77, "bf16": 75}
Array = Any  # CuPy's: NumPy's have no `data.ptr`
DEFAULT_ALGORITHM = -1  # CUBLAS_GEMM_DEFAULT
WORKSPACE_BYTES = 32 * 2**20  # what NVIDIA advises; our own, so that nothing is allocated while recording


class Blas:
    """A cuBLAS handle on a stream."""

    def __init__(self, cupy: ModuleType, stream: Any, precision: str):
        self._library, self._cupy = _load_library(), cupy
        self._compute = COMPUTE[precision]
        self._handle = ctypes.c_void_p()
        self._pointers: dict[tuple[Any, ...], Array] = {}
        self._workspace = cupy.empty(WORKSPACE_BYTES, np.uint8)
        self._call("cublasCreate_v2", ctypes.byref(self._handle))
        weakref.finalize(self, self._library.cublasDestroy_v2, self._handle).atexit = False  # the driver does it then
        self._call("cublasSetStream_v2", self._handle, ctypes.c_void_p(stream.ptr))
        workspace = ctypes.c_void_p(self._workspace.data.ptr)  # set after the stream, which would forget it
        self._call("cublasSetWorkspace_v2", self._handle, workspace, ctypes.c_size_t(WORKSPACE_BYTES))

    def matmul(self, a: Array, b: Array, out: Array, transpose_a: bool, transpose_b: bool) -> None:
        """out = a @ b, of matrices without gaps.

        Raises:
            ValueError: the shapes do not go together, or a matrix has gaps or is not float32.
        """
        m, k = a.shape[::-1] if transpose_a else a.shape
        k_too, n = b.shape[::-1] if transpose_b else b.shape
        for x in (a, b, out):
            if not x.flags.c_contiguous or x.dtype != np.float32:
                raise ValueError(f"matrices must be float32 and without gaps, got {x.dtype} {x.shape}")
        if k != k_too or out.shape != (m, n):
            raise ValueError(f"{a.shape} and {b.shape} do not multiply to {out.shape}")
        self._call(
            "cublasGemmEx",
            self._handle,
            *map(ctypes.c_int, (transpose_b, transpose_a, n, m, k)),
            ctypes.byref(ctypes.c_float(1.0)),
            *self._matrix(b.data.ptr, b.shape[1]),
            *self._matrix(a.data.ptr, a.shape[1]),
            ctypes.byref(ctypes.c_float(0.0)),
            *self._matrix(out.data.ptr, n),
            ctypes.c_int(self._compute),
            ctypes.c_int(DEFAULT_ALGORITHM),
        )

    def matmul_heads(
        self, a: "Heads", b: "Heads", out: "Heads", transpose_a: bool, transpose_b: bool, scale: float
    ) -> None:
        """out = scale * a @ b for each head of each image, wherever they lie."""
        images, heads, m, n = out.shape
        k = a.shape[2] if transpose_a else a.shape[3]
        self._call(
            "cublasGemmBatchedEx",
            self._handle,
            *map(ctypes.c_int, (transpose_b, transpose_a, n, m, k)),
            ctypes.byref(ctypes.c_float(scale)),
            *self._matrix(self._addresses(b), b.per_row),
            *self._matrix(self._addresses(a), a.per_row),
            ctypes.byref(ctypes.c_float(0.0)),
            *self._matrix(self._addresses(out), out.per_row),
            ctypes.c_int(images * heads),
            ctypes.c_int(self._compute if all(map(_is_aligned, (a, b, out))) else COMPUTE["fp32"]),
            ctypes.c_int(DEFAULT_ALGORITHM),
        )

    @staticmethod
    def _matrix(address: int, row_length: int) -> tuple[Any, ...]:
        """A matrix as cuBLAS takes it: where it lies, its type, and how far its rows lie apart."""
        return ctypes.c_void_p(address), ctypes.c_int(FLOAT32), ctypes.c_int(row_length)

    def _addresses(self, x: "Heads") -> int:
        """Device address of the list of all heads' addresses; made once, as memory is the same in each step."""
        key = (x.array.data.ptr, *x[1:])
        if key not in self._pointers:
            images, heads = np.arange(x.shape[0])[:, None], np.arange(x.shape[1])
            numbers = x.start + images * x.per_image + heads * x.per_head
            self._pointers[key] = self._cupy.asarray((x.array.data.ptr + 4 * numbers).astype(np.uint64).reshape(-1))
        return self._pointers[key].data.ptr

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status:
            raise RuntimeError(f"{name} failed with cuBLAS status {status}")


def _is_aligned(x: "Heads") -> bool:
    """Whether every row of every head begins at a multiple of 16 bytes. cuBLAS cannot see it, as the addresses lie on
    the device, and relies on it where it rounds.
    """
    return all(numbers % 4 == 0 for numbers in x[1:5])


def _load_library() -> Any:
    """cuBLAS, from where NVIDIA's packages or the system keep it."""
    from cuda.pathfinder import load_nvidia_dynamic_lib

    return ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
