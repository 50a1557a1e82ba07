"""The order of cuBLAS's arguments, against a stand-in that thinks in columns as cuBLAS does."""

import types

import numpy as np
import pytest

from tests.support.fake_cupy import Array, ColumnBlas, asarray
from tinyvit.gpu import Heads, blas


@pytest.fixture
def make_blas():
    def make(precision="fp32", status=0):
        ours = blas.Blas.__new__(blas.Blas)
        ours._library, ours._handle, ours._compute = ColumnBlas(status), None, blas.COMPUTE[precision]
        ours._cupy, ours._pointers = types.SimpleNamespace(asarray=asarray), {}
        return ours

    return make


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
def test_products_by_rows_out_of_a_library_by_columns(transpose_a, transpose_b, make_blas, rng):
    a, b = rng.standard_normal((5, 3)).astype(np.float32), rng.standard_normal((3, 7)).astype(np.float32)
    out = asarray(np.full((5, 7), np.nan, np.float32))
    make_blas().matmul(
        asarray(a.T if transpose_a else a), asarray(b.T if transpose_b else b), out, transpose_a, transpose_b
    )
    np.testing.assert_allclose(out, a @ b, rtol=1e-5, atol=1e-6)


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
        holder = asarray(array)
        heads[name] = Heads(holder, h * wide, rows * width, wide, width, (B, h, rows, wide))
        views[name] = holder[:, :, 1].transpose(0, 2, 1, 3)
    before = heads["out"].array.copy()
    ours = make_blas()
    ours.matmul_heads(heads["a"], heads["b"], heads["out"], transpose_a, transpose_b, 0.5)
    a = views["a"].swapaxes(2, 3) if transpose_a else views["a"]
    b = views["b"].swapaxes(2, 3) if transpose_b else views["b"]
    np.testing.assert_allclose(views["out"], 0.5 * a @ b, rtol=1e-5, atol=1e-6)
    after = heads["out"].array
    np.testing.assert_array_equal(after[:, :, ::2], before[:, :, ::2])  # the neighbours are as they were
    assert len(ours._pointers) == 3
    ours.matmul_heads(heads["a"], heads["b"], heads["out"], transpose_a, transpose_b, 0.5)
    assert len(ours._pointers) == 3  # not sent to the device again


@pytest.mark.parametrize(("precision", "compute"), [("fp32", 68), ("tf32", 77), ("bf16", 75)])
def test_precision(precision, compute, make_blas):
    ours, x = make_blas(precision), asarray(np.ones((2, 2), np.float32))
    ours.matmul(x, x, asarray(np.ones((2, 2), np.float32)), False, False)
    assert ours._library.compute == [compute]


@pytest.mark.parametrize(("place", "compute"), [({}, 77), ({"start": 2}, 68), ({"per_row": 6}, 68)])
def test_heads_that_lie_askew_are_not_rounded(place, compute, make_blas):
    """cuBLAS relies on 16 bytes where it rounds, and cannot see the addresses: that would be a fault on the device."""
    ours = make_blas("tf32")
    heads = Heads(asarray(np.ones(100, np.float32)), 0, 16, 16, 4, (1, 1, 2, 2))
    ours.matmul_heads(
        heads, heads._replace(**place), heads._replace(array=asarray(np.ones(100, np.float32))), False, False, 1.0
    )
    assert ours._library.compute == [compute]


def test_a_handle_is_given_back(monkeypatch):
    library = ColumnBlas()
    monkeypatch.setattr(blas, "_load_library", lambda: library)
    cupy = types.SimpleNamespace(empty=lambda n, dtype: asarray(np.empty(1, dtype)))
    ours = blas.Blas(cupy, types.SimpleNamespace(ptr=0), "fp32")
    assert library.destroyed == 0
    del ours
    assert library.destroyed == 1


def test_what_does_not_fit_is_refused(make_blas):
    def square(n, dtype=np.float32):
        return asarray(np.ones((n, n), dtype))

    gaps = np.ones((4, 4), np.float32).view(Array)[::2, ::2]
    for a, b, out in ((square(2), square(3), square(2)), (square(2), square(2), square(3))):
        with pytest.raises(ValueError, match="do not multiply"):
            make_blas().matmul(a, b, out, False, False)
    for a in (gaps, square(2, np.float64)):
        with pytest.raises(ValueError, match="float32 and without gaps"):
            make_blas().matmul(a, square(2), square(2), False, False)
    with pytest.raises(RuntimeError, match="cublasGemmEx failed with cuBLAS status 13"):
        make_blas(status=13).matmul(square(2), square(2), square(2), False, False)
