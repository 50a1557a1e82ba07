"""Device interface of fused ops: memory, launches, matrix products."""

import contextlib
import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..backend import Array, cupy_module
from ..config import ViTConfig
from .blas import Blas
from .heads import Heads
from .sources import constants, signatures, source, typed


class Device:
    """Device that `FusedOps` computes on: a GPU here, and in the tests its stand-in on the CPU."""

    xp: ModuleType  # of its arrays
    launches: int  # how many kernels and products have been launched

    def launch(self, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], *args: Any) -> None:
        """Start a kernel. Arrays are passed as they lie, numbers in the types that the kernel declares."""
        raise NotImplementedError

    def matmul(self, a: Array, b: Array, out: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> None:
        """out = a @ b, of matrices without gaps; each of them may be taken transposed."""
        raise NotImplementedError

    def matmul_heads(
        self,
        a: Heads,
        b: Heads,
        out: Heads,
        *,
        transpose_a: bool = False,
        transpose_b: bool = False,
        scale: float = 1.0,
    ) -> None:
        """out = scale * a @ b for each head of each image."""
        raise NotImplementedError

    def zero(self, array: Array) -> None:
        """Fill `array` with zeros."""
        raise NotImplementedError

    def address(self, array: Any) -> int:
        """Address of the first element of `array`."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing more will be launched."""

    def record(self, run: Callable[[], None]) -> Callable[[], None]:
        """Note down what `run` launches, without doing it; returns what does it, all in one go.

        Raises:
            RuntimeError: something in it cannot be recorded.
        """
        raise NotImplementedError


class CudaDevice(Device):
    """An NVIDIA GPU, by CuPy. Until `close`, CuPy's work goes to this device's own stream, so that all stays in order.

    Args:
        config: the model to compile the kernels for.
        precision: of matrix products: "fp32", "tf32" (inputs rounded to 10 bits) or "bf16" (to 7 bits, with the range
            of fp32). Sums, and everything that is stored, are float32 always.
        device: "cuda:0" and so on.
    """

    def __init__(self, config: ViTConfig, *, precision: str = "fp32", device: str = "cuda:0"):
        self.xp = cupy = cupy_module()
        self.launches = 0
        cupy.cuda.Device(int(device.partition(":")[2] or 0)).use()
        self._before = cupy.cuda.get_current_stream()
        self._before.synchronize()
        self.stream = cupy.cuda.Stream(non_blocking=True)  # the default stream cannot be recorded
        self.stream.use()
        text = source(config)
        options = tuple(f"-D{name}={value}" for name, value in constants(config).items())
        self._signatures = signatures(text)
        self._module = cupy.RawModule(code=text, options=("--std=c++14", *options))
        self._kernels = {name: self._module.get_function(name) for name in self._signatures}
        self._blas = Blas(cupy, self.stream, precision)

    def launch(self, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], *args: Any) -> None:
        self.launches += 1
        with self.stream:  # whichever CuPy's is by now
            self._kernels[kernel](grid, block, tuple(typed(kernel, self._signatures[kernel], args)))

    def matmul(self, a: Array, b: Array, out: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> None:
        self.launches += 1
        self._blas.matmul(a, b, out, transpose_a, transpose_b)

    def matmul_heads(
        self,
        a: Heads,
        b: Heads,
        out: Heads,
        *,
        transpose_a: bool = False,
        transpose_b: bool = False,
        scale: float = 1.0,
    ) -> None:
        self.launches += 1
        self._blas.matmul_heads(a, b, out, transpose_a, transpose_b, scale)

    def zero(self, array: Array) -> None:
        self.launches += 1
        with self.stream:
            array.fill(0)

    def address(self, array: Any) -> int:
        return array.data.ptr

    def record(self, run: Callable[[], None]) -> Callable[[], None]:
        gc.collect()  # nothing is to be freed in the middle of a recording
        was_enabled = gc.isenabled()
        gc.disable()
        self.stream.begin_capture()
        try:
            run()
            graph = self.stream.end_capture()
        except BaseException:
            with contextlib.suppress(Exception):  # a stream must be told, also of a recording that has failed
                self.stream.end_capture()
            raise
        finally:
            if was_enabled:
                gc.enable()
        graph.upload(self.stream)
        return lambda: graph.launch(self.stream)

    def close(self) -> None:
        """Wait for what was launched; from now on CuPy's work goes where it went before."""
        self.stream.synchronize()
        self._before.use()
