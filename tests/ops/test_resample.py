"""Positions resampled, against slow loops and what must hold of any interpolation."""

import itertools

import numpy as np
import pytest

from tinyvit import ops
from tinyvit.errors import UserError

METHODS = ("bilinear", "bicubic")
EVERY_WAY = [
    {"method": method, "antialias": antialias, "align_corners": align_corners}
    for method, antialias, align_corners in itertools.product(METHODS, (False, True), (False, True))
]
SIZES = [(1, 1), (1, 4), (2, 5), (3, 7), (4, 4), (5, 1), (7, 3), (14, 5), (5, 14)]

every_way = pytest.mark.parametrize("way", EVERY_WAY, ids=lambda way: "-".join(map(str, way.values())))


def cubic(t, a):
    """The four-point kernel as Keys wrote it."""
    t = abs(t)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def slow_matrix(old, new, *, method, antialias):
    """Number by number, neighbour by neighbour; corners not aligned."""
    R = np.zeros((new, old))
    scale = old / new
    width = max(1.0, scale) if antialias else 1.0
    for i in range(new):
        place = scale * (i + 0.5) - 0.5
        for j in range(int(place - 3 * width) - 1, int(place + 3 * width) + 2):
            t = (place - j) / width
            share = max(0.0, 1 - abs(t)) if method == "bilinear" else cubic(t, -0.5 if antialias else -0.75)
            if not antialias:
                R[i, min(max(j, 0), old - 1)] += share
            elif 0 <= j < old:
                R[i, j] += share
        R[i] /= R[i].sum()
    return R


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_the_matrix_against_a_loop(old, new, method, antialias):
    R = ops.resample_matrix(old, new, method=method, antialias=antialias)
    assert (R.shape, R.dtype) == ((new, old), np.float64)
    np.testing.assert_allclose(R, slow_matrix(old, new, method=method, antialias=antialias), atol=1e-14)


def test_by_hand():
    halves = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    np.testing.assert_array_equal(ops.resample_matrix(2, 4, method="bilinear"), halves)
    np.testing.assert_array_equal(
        ops.resample_matrix(4, 2, method="bilinear"), np.array([[1, 1, 0, 0], [0, 0, 1, 1]]) / 2
    )
    wide = np.array([[3, 3, 1, 0], [0, 1, 3, 3]]) / 7
    np.testing.assert_allclose(ops.resample_matrix(4, 2, method="bilinear", antialias=True), wide, rtol=1e-15)
    middle = np.array([-3, 19, 19, -3]) / 32  # a = -3/4, half way between two
    np.testing.assert_allclose(ops.resample_matrix(4, 1), [middle], rtol=1e-15)


@every_way
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_shares_sum_to_one(old, new, way):
    np.testing.assert_allclose(ops.resample_matrix(old, new, **way).sum(axis=1), 1, rtol=1e-14)


@every_way
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_same_size_changes_not_a_bit(size, way):
    np.testing.assert_array_equal(ops.resample_matrix(size, size, **way), np.eye(size))


@every_way
@pytest.mark.parametrize(("old", "new"), [(3, 7), (4, 4), (14, 5), (5, 1)])
def test_what_is_mirrored_comes_out_mirrored(old, new, way):
    if way["antialias"] and way["align_corners"] and old != new:
        pytest.skip("PyTorch's rule for both flags together is lopsided, and so is ours")
    if new == 1 and way["align_corners"]:
        pytest.skip("one number cannot be the first and the last")
    R = ops.resample_matrix(old, new, **way)
    np.testing.assert_allclose(R[::-1, ::-1], R, atol=1e-15)


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_aligned_corners_are_scipys_zoom_of_order_1(old, new, rng):
    x = rng.standard_normal(old)
    y = ops.resample_matrix(old, new, method="bilinear", align_corners=True) @ x
    places = np.linspace(0, old - 1, new)  # the first number is kept where there is but one
    np.testing.assert_allclose(y, np.interp(places, np.arange(old), x), atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_aligned_corners_stay(method, rng):
    x = rng.standard_normal(5)
    y = ops.resample_matrix(5, 8, method=method, align_corners=True) @ x
    np.testing.assert_allclose(y[[0, -1]], x[[0, -1]], atol=1e-14)


def test_antialias_weighs_all_and_without_it_some_are_skipped():
    for method in METHODS:
        assert (ops.resample_matrix(12, 3, method=method, antialias=True) != 0).any(axis=0).all()
        assert not (ops.resample_matrix(24, 3, method=method) != 0).any(axis=0).all()


@every_way
def test_the_op_against_a_loop_over_patches(way, rng):
    grid, new_grid, prefix, D = (3, 4), (5, 2), 2, 3
    pos_embed = rng.standard_normal((1, prefix + 12, D))
    y, _ = ops.resample_positions_forward(pos_embed, grid=grid, new_grid=new_grid, num_prefix=prefix, **way)
    assert y.shape == (1, prefix + 10, D)
    np.testing.assert_array_equal(y[:, :prefix], pos_embed[:, :prefix])
    R_h, R_w = (ops.resample_matrix(old, new, **way) for old, new in zip(grid, new_grid, strict=True))
    for i, j, d in itertools.product(*map(range, new_grid), range(D)):
        wanted = sum(R_h[i, k] * R_w[j, l] * pos_embed[0, prefix + 4 * k + l, d] for k in range(3) for l in range(4))
        assert y[0, prefix + 2 * i + j, d] == pytest.approx(wanted)


def test_several_tables_at_once_are_resampled_each_by_itself(rng):
    tables = rng.standard_normal((3, 1 + 6, 2))
    options = {"grid": (2, 3), "new_grid": (4, 4), "num_prefix": 1}
    y, _ = ops.resample_positions_forward(tables, **options)
    for table, one in zip(tables, y, strict=True):
        np.testing.assert_allclose(ops.resample_positions_forward(table[None], **options)[0][0], one, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_matrices_have_the_positions_dtype(dtype, rng):
    """Shares rounded to float16 would no longer add up to one."""
    pos_embed = rng.standard_normal((1, 7, 4)).astype(dtype)
    y, saved = ops.resample_positions_forward(pos_embed, grid=(2, 3), new_grid=(3, 5), num_prefix=1)
    assert {saved.rows.dtype, saved.columns.dtype} == {np.result_type(dtype, np.float32)}
    assert y.dtype == dtype
    assert ops.resample_positions_backward(y, saved).dtype == dtype


def resample(shape, *, grid=(2, 3), new_grid=(4, 5), num_prefix=1, **how):
    return ops.resample_positions_forward(np.zeros(shape), grid=grid, new_grid=new_grid, num_prefix=num_prefix, **how)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: resample((1, 8, 4)), r"2x3 grid of patches need positions of the shape \(1, 7, D\), got \(1, 8, 4\)"),
        (lambda: resample((1, 7, 4), num_prefix=0), r"\(1, 6, D\), got \(1, 7, 4\)"),
        (lambda: resample((7, 4)), r"\(1, 7, D\), got \(7, 4\)"),
        (lambda: resample((4, 7)), r"\(1, 7, D\), got \(4, 7\)"),
        (lambda: resample((1, 5, 4), num_prefix=-1), r"-1 rows .*got \(1, 5, 4\)"),
        (lambda: resample((1, 7, 4), new_grid=(4, 0)), "at least 1 patch along each side, got 3 to become 0"),
        (lambda: resample((1, 1, 4), grid=(0, 3)), "at least 1 patch along each side, got 0 to become 4"),
        (lambda: ops.resample_matrix(3, -1), "got 3 to become -1"),
        (lambda: ops.resample_matrix(3, 4, method="nearest"), "bicubic or bilinear, got 'nearest'"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(call, sentence):
    with pytest.raises(UserError, match=sentence):
        call()
