"""The convolution against loops over pixels, and against what it must be the same as."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.ops import conv2d_backward, conv2d_forward, linear_forward, patchify_forward

SHAPES = [  # B, C, H, W, k, O, stride, padding
    (2, 1, 5, 4, 3, 2, 1, 1),
    (1, 3, 4, 6, 3, 2, 1, 0),
    (2, 3, 6, 5, 3, 4, 2, 1),
    (2, 2, 7, 4, 1, 3, 2, 0),
    (1, 2, 3, 4, 2, 1, 1, 2),
]


def drawn(rng, B, C, H, W, k, O):
    return rng.standard_normal((B, C, H, W)), rng.standard_normal((C * k * k, O)), rng.standard_normal(O)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_number_is_the_sum_over_its_window(shape, rng):
    *sizes, stride, padding = shape
    B, C, H, W, k, O = sizes
    x, weight, bias = drawn(rng, *sizes)
    y, _ = conv2d_forward(x, weight, bias, stride=stride, padding=padding)
    assert y.shape == (B, O, (H + 2 * padding - k) // stride + 1, (W + 2 * padding - k) // stride + 1)
    for b, o, i, j in np.ndindex(y.shape):
        total = bias[o]
        for row, (c, u, v) in enumerate(np.ndindex(C, k, k)):
            m, n = stride * i + u - padding, stride * j + v - padding
            if 0 <= m < H and 0 <= n < W:
                total += x[b, c, m, n] * weight[row, o]
        assert y[b, o, i, j] == pytest.approx(total, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_both_gradients_are_transposes(shape, rng):
    """Without bias, y is linear in x and in weight: <dy, y> = <dx, x> = <dweight, weight>, whatever dy."""
    *sizes, stride, padding = shape
    x, weight, bias = drawn(rng, *sizes)
    y, saved = conv2d_forward(x, weight, 0 * bias, stride=stride, padding=padding)
    dy = rng.standard_normal(y.shape)
    dx, dweight, dbias = conv2d_backward(dy, saved)
    assert (dx * x).sum() == pytest.approx((dy * y).sum(), rel=1e-12)
    assert (dweight * weight).sum() == pytest.approx((dy * y).sum(), rel=1e-12)
    np.testing.assert_allclose(dbias, [dy[:, o].sum() for o in range(len(bias))], rtol=1e-12)


def test_windows_side_by_side_are_patches(rng):
    """The patch embedding is a convolution whose stride is its kernel size, with the same weight."""
    x, weight, bias = drawn(rng, 2, 3, 4, 6, 2, 5)
    y, _ = conv2d_forward(x, weight, bias, stride=2)
    tokens, _ = linear_forward(patchify_forward(x, patch_size=2)[0], weight, bias)
    np.testing.assert_allclose(y.reshape(2, 5, 6).swapaxes(1, 2), tokens, rtol=1e-12)


def test_a_pixel_is_pulled_by_every_window_that_saw_it():
    x, weight = np.zeros((1, 1, 4, 5)), np.ones((9, 1))
    y, saved = conv2d_forward(x, weight, np.zeros(1))
    dx, _, _ = conv2d_backward(np.ones_like(y), saved)
    np.testing.assert_array_equal(dx[0, 0], [[1, 2, 3, 2, 1], [2, 4, 6, 4, 2], [2, 4, 6, 4, 2], [1, 2, 3, 2, 1]])


def test_pixels_that_no_window_reaches_have_no_gradient(rng):
    x, weight, bias = drawn(rng, 1, 1, 4, 6, 1, 2)
    y, saved = conv2d_forward(x, weight, bias, stride=3)  # sees rows 0 and 3, columns 0 and 3
    dx, _, _ = conv2d_backward(rng.standard_normal(y.shape), saved)
    assert {tuple(place) for place in np.argwhere(dx[0, 0])} == {(0, 0), (0, 3), (3, 0), (3, 3)}


@pytest.mark.parametrize(
    ("x", "weight", "options", "sentence"),
    [
        ((3, 5, 5), (27, 2), {}, r"\(B, C, H, W\), got \(3, 5, 5\): add the missing axes"),
        ((1, 3, 5, 5), (9, 2), {}, r"\(3 channels \* k \* k, out\) for some k, got \(9, 2\): reshape it"),
        ((1, 3, 5, 5), (2, 27), {}, r"for some k, got \(2, 27\)"),
        ((1, 1, 5, 5), (9, 1, 3, 3), {}, r"for some k, got \(9, 1, 3, 3\)"),
        ((1, 0, 5, 5), (9, 2), {}, r"\(0 channels \* k \* k, out\)"),
        ((1, 3, 5, 5), (27, 2), {"stride": 0}, "stride must be at least 1 .*, got 0 and 0: change them"),
        ((1, 3, 5, 5), (27, 2), {"padding": -1}, "padding at least 0, got 1 and -1"),
        ((1, 3, 5, 2), (27, 2), {}, "a 3x3 window is larger than a 5x2 image with padding 0: use more padding"),
    ],
)
def test_what_does_not_fit_gets_one_sentence(x, weight, options, sentence):
    with pytest.raises(UserError, match=sentence):
        conv2d_forward(np.zeros(x), np.zeros(weight), np.zeros(weight[1]), **options)
