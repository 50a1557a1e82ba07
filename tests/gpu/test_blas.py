"""The order of cuBLAS's arguments, against a stand-in that thinks in columns as cuBLAS does."""

import ctypes
import types

import numpy as np
import pytest

from tinyvit.gpu import Heads, blas


class Array:
    """A NumPy array with the few things that a CuPy array is asked for."""

    def __init__(self, x):
        self.x = np.ascontiguousarray(x)
        self.shape, self.dtype, self.flags = self.x.shape, self.x.dtype, self.x.flags
        self.data = types.SimpleNamespace(ptr=self.x.ctypes.data)


def number(x):
    return x.value if hasattr(x, "value") else x


def columns(address, rows, distance, count):
    """A matrix stored column by column, `distance` numbers from one to the next."""
    flat = ctypes.cast(address, ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(flat, ((count - 1) * distance + rows,))[
        np.arange(count) * distance + np.arange(rows)[:, None]
    ], flat


class ColumnBlas:
    """cublasGemmEx and cublasGemmBatchedEx, in NumPy."""

    def __init__(self, status=0):
        self.status, self.compute = status, []

    def cublasGemmEx(
        self, handle, ta, tb, m, n, k, alpha, a, a_type, lda, b, b_type, ldb, beta, c, c_type, ldc, compute, algorithm
    ):
        one = number(a), number(b), number(c)
        return self._gemm([one], *map(number, (ta, tb, m, n, k)), alpha, lda, ldb, beta, ldc, compute)

    def cublasGemmBatchedEx(
        self,
        handle,
        ta,
        tb,
        m,
        n,
        k,
        alpha,
        a,
        a_type,
        lda,
        b,
        b_type,
        ldb,
        beta,
        c,
        c_type,
        ldc,
        count,
        compute,
        algorithm,
    ):
        lists = [ctypes.cast(number(x), ctypes.POINTER(ctypes.c_uint64))[: number(count)] for x in (a, b, c)]
        return self._gemm(
            zip(*lists, strict=True), *map(number, (ta, tb, m, n, k)), alpha, lda, ldb, beta, ldc, compute
        )

    def _gemm(self, triples, ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, compute):
        self.compute.append(number(compute))
        assert beta._obj.value == 0.0
        for a, b, c in triples:
            left, _ = columns(a, k if ta else m, number(lda), m if ta else k)
            right, _ = columns(b, n if tb else k, number(ldb), k if tb else n)
            result = alpha._obj.value * ((left.T if ta else left) @ (right.T if tb else right))
            flat = ctypes.cast(c, ctypes.POINTER(ctypes.c_float))
            for column in range(n):
                for row in range(m):
                    flat[column * number(ldc) + row] = result[row, column]
        return self.status


@pytest.fixture
def make_blas():
    def make(precision="fp32", status=0):
        ours = blas.Blas.__new__(blas.Blas)
        ours._library, ours._handle, ours._compute = ColumnBlas(status), None, blas.COMPUTE[precision]
        ours._cupy, ours._pointers = types.SimpleNamespace(asarray=Array), {}
        return ours

    return make


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
def test_products_by_rows_out_of_a_library_by_columns(transpose_a, transpose_b, make_blas, rng):
    a, b = rng.standard_normal((5, 3)).astype(np.float32), rng.standard_normal((3, 7)).astype(np.float32)
    out = Array(np.full((5, 7), np.nan, np.float32))
    make_blas().matmul(
        Array(a.T if transpose_a else a), Array(b.T if transpose_b else b), out, transpose_a, transpose_b
    )
    np.testing.assert_allclose(out.x, a @ b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
def test_products_of_heads_wherever_they_lie(transpose_a, transpose_b, make_blas, rng):
    """Each factor is the middle third of a wider array, as queries, keys and values are of qkv."""
    B, h, d = 2, 3, 4
    shapes = {"a": (d, 5) if transpose_a else (5, d), "b": (7, d) if transpose_b else (d, 7), "out": (5, 7)}
    heads, views = {}, {}
    for name, (rows, wide) in shapes.items():
        array = rng.standard_normal((B, rows, 3, h, wide)).astype(np.float32)
        width = 3 * h * wide
        holder = Array(array)
        heads[name] = Heads(holder, h * wide, rows * width, wide, width, (B, h, rows, wide))
        views[name] = holder.x[:, :, 1].transpose(0, 2, 1, 3)
    before = heads["out"].array.x.copy()
    ours = make_blas()
    ours.matmul_heads(heads["a"], heads["b"], heads["out"], transpose_a, transpose_b, 0.5)
    a = views["a"].swapaxes(2, 3) if transpose_a else views["a"]
    b = views["b"].swapaxes(2, 3) if transpose_b else views["b"]
    np.testing.assert_allclose(views["out"], 0.5 * a @ b, rtol=1e-5, atol=1e-6)
    after = heads["out"].array.x
    np.testing.assert_array_equal(after[:, :, ::2], before[:, :, ::2])  # the neighbours are as they were
    assert len(ours._pointers) == 3
    ours.matmul_heads(heads["a"], heads["b"], heads["out"], transpose_a, transpose_b, 0.5)
    assert len(ours._pointers) == 3  # not sent to the device again


@pytest.mark.parametrize(("precision", "compute"), [("fp32", 68), ("tf32", 77), ("bf16", 75)])
def test_precision(precision, compute, make_blas):
    ours, x = make_blas(precision), Array(np.ones((2, 2), np.float32))
    ours.matmul(x, x, Array(np.ones((2, 2), np.float32)), False, False)
    assert ours._library.compute == [compute]


def test_what_does_not_fit_is_refused(make_blas):
    def square(n, dtype=np.float32):
        return Array(np.ones((n, n), dtype))

    gaps = square(2)
    gaps.flags = np.ones((4, 4), np.float32)[::2, ::2].flags
    for a, b, out in ((square(2), square(3), square(2)), (square(2), square(2), square(3))):
        with pytest.raises(ValueError, match="do not multiply"):
            make_blas().matmul(a, b, out, False, False)
    for a in (gaps, square(2, np.float64)):
        with pytest.raises(ValueError, match="float32 and without gaps"):
            make_blas().matmul(a, square(2), square(2), False, False)
    with pytest.raises(RuntimeError, match="cublasGemmEx failed with cuBLAS status 13"):
        make_blas(status=13).matmul(square(2), square(2), square(2), False, False)
