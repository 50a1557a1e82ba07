"""CuPy and cuBLAS as `CudaDevice` uses them, without a GPU: kernels on the emulator, products in NumPy."""

import contextlib
import ctypes
import types

import numpy as np

from tests.support import emulator


class Array(np.ndarray):
    """A NumPy array that tells its address as CuPy's do."""

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.ctypes.data)

    def fill(self, value):
        FakeCupy.stream.do(lambda: super(Array, self).fill(value))


def asarray(x):
    return np.ascontiguousarray(x).view(Array)


def number(x):
    return x.value if hasattr(x, "value") else x


def by_columns(address, rows, columns, distance):
    """A matrix stored column by column, `distance` numbers from one to the next."""
    flat = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), (1,))
    return np.lib.stride_tricks.as_strided(flat, (rows, columns), (4, 4 * distance))


class ColumnBlas:
    """cublasGemmEx and cublasGemmBatchedEx, which think in columns.

    Args:
        status: what every call returns.
        stream: where calls go while it is recorded.
    """

    def __init__(self, status=0, stream=None):
        self.status, self.stream, self.compute, self.destroyed = status, stream, [], 0

    def cublasGemmEx(
        self, handle, ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, beta, c, ct, ldc, compute, algorithm
    ):
        addresses = [[number(x)] for x in (a, b, c)]
        return self._multiply(addresses, ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, compute)

    def cublasGemmBatchedEx(
        self, handle, ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, beta, c, ct, ldc, count, compute, algorithm
    ):  # fmt: skip
        pointers = ctypes.POINTER(ctypes.c_uint64)
        addresses = [ctypes.cast(number(x), pointers)[: number(count)] for x in (a, b, c)]
        return self._multiply(addresses, ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, compute)

    def __getattr__(self, name):
        if name not in ("cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2"):
            raise AttributeError(name)
        return lambda *arguments: self.status

    def cublasDestroy_v2(self, handle):
        self.destroyed += 1
        return self.status

    def _multiply(self, addresses, ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, compute):
        ta, tb, m, n, k, lda, ldb, ldc = map(number, (ta, tb, m, n, k, lda, ldb, ldc))
        scale = alpha._obj.value  # taken when it is called, as cuBLAS does
        assert beta._obj.value == 0.0
        self.compute.append(number(compute))

        def run():
            for a, b, c in zip(*addresses, strict=True):
                left = by_columns(a, *((k, m) if ta else (m, k)), lda)
                right = by_columns(b, *((n, k) if tb else (k, n)), ldb)
                by_columns(c, m, n, ldc)[...] = scale * ((left.T if ta else left) @ (right.T if tb else right))

        self.stream.do(run) if self.stream else run()
        return self.status


class Stream:
    """Does what it is given at once, or notes it down while it is recorded.

    CuPy's work goes to the current one. What may not be recorded, spoils a recording: it must still be ended.
    """

    ptr = 0

    def __init__(self, non_blocking=False):
        self.recorded, self.is_spoilt, self.outside = None, False, []

    def do(self, run):
        run() if self.recorded is None else self.recorded.append(run)

    def use(self):
        FakeCupy.stream = self

    def __enter__(self):
        self.outside.append(FakeCupy.stream)
        self.use()

    def __exit__(self, *error):
        self.outside.pop().use()

    def synchronize(self):
        if self.recorded is not None:
            self.is_spoilt = True
            raise RuntimeError("cudaErrorStreamCaptureUnsupported")

    def begin_capture(self):
        self.recorded = []

    def end_capture(self):
        runs, self.recorded = self.recorded, None
        if self.is_spoilt:
            self.is_spoilt = False
            raise RuntimeError("cudaErrorStreamCaptureInvalidated")
        return types.SimpleNamespace(upload=lambda stream: None, launch=lambda stream: [run() for run in runs])


class RawModule:
    """Kernels, compiled for the CPU; the options are the compiler's."""

    def __init__(self, *, code, options):
        defines = dict(option[2:].split("=") for option in options if option.startswith("-D"))
        self.library = emulator.build(code, defines)

    def get_function(self, kernel):
        def launch(grid, block, arguments):
            kinds = [np.uintp(x.ctypes.data) if isinstance(x, np.ndarray) else x for x in arguments]
            held = [np.array([x]) for x in kinds]
            pointers = (ctypes.c_void_p * len(held))(*[x.ctypes.data for x in held])
            size = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])

            def run(held=held):
                assert getattr(self.library, f"run_{kernel}")(pointers, size, 0) == 0

            FakeCupy.stream.do(run)

        return launch


class FakeCupy:
    """The module."""

    stream = Stream()  # the current one
    cuda = types.SimpleNamespace(
        Device=lambda index: types.SimpleNamespace(use=lambda: None),
        Stream=Stream,
        get_current_stream=lambda: FakeCupy.stream,
    )
    RawModule = RawModule
    asarray = staticmethod(asarray)

    def __getattr__(self, name):
        function = getattr(np, name)
        return lambda *args, **kwargs: asarray(function(*args, **kwargs))


@contextlib.contextmanager
def in_place_of_cupy(monkeypatch):
    """`CudaDevice` finds this module and this cuBLAS."""
    with monkeypatch.context() as patch:
        patch.setattr("tinyvit.gpu.device.cupy_module", FakeCupy)
        patch.setattr("tinyvit.gpu.blas._load_library", lambda: ColumnBlas(stream=FakeCupy.stream))
        yield
