"""Values of the small ops against slow loops and numbers worked out by hand."""

import math

import numpy as np
import pytest

from tinyvit import ops
from tinyvit.errors import UserError


def test_patchify_puts_channel_row_column_in_order(rng):
    images = rng.standard_normal((2, 3, 4, 6))
    patches, _ = ops.patchify_forward(images, patch_size=2)
    assert patches.shape == (2, 6, 12)
    for b in range(2):
        for row in range(2):
            for column in range(3):
                patch = images[b, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                np.testing.assert_array_equal(patches[b, 3 * row + column], patch.reshape(-1))


def test_unpatchify_undoes_patchify(rng):
    images = rng.standard_normal((2, 3, 4, 6))
    patches, _ = ops.patchify_forward(images, patch_size=2)
    back, _ = ops.unpatchify_forward(patches, image_shape=(4, 6), patch_size=2)
    np.testing.assert_array_equal(back, images)


def test_linear_is_a_weighted_sum():
    y, _ = ops.linear_forward(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 3.0], [0.5, 1.0, -1.0]]), np.array([0.0, 10.0, 0.0]))  # fmt: skip
    np.testing.assert_allclose(y, [[2.0, 12.0, 1.0]])


def test_layer_norm_has_mean_0_and_variance_1(rng):
    x = 5 * rng.standard_normal((4, 3, 16)) + 100
    y, _ = ops.layer_norm_forward(x, np.ones(16), np.zeros(16), eps=1e-12)
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-9)
    scaled, _ = ops.layer_norm_forward(x, np.full(16, 3.0), np.full(16, 7.0), eps=1e-12)
    np.testing.assert_allclose(scaled, 3 * y + 7)


def test_layer_norm_of_a_constant_row_is_the_bias():
    y, _ = ops.layer_norm_forward(np.full((2, 4), 3.0), np.ones(4), np.arange(4.0))
    np.testing.assert_allclose(y, [np.arange(4.0)] * 2)


def test_gelu_against_the_formulas():
    x = np.linspace(-6, 6, 401)
    exact = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x]
    tanh = [0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) for v in x]
    np.testing.assert_allclose(ops.gelu_forward(x)[0], exact, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(ops.gelu_tanh_forward(x)[0], tanh, rtol=1e-12, atol=1e-15)
    assert np.abs(np.subtract(exact, tanh)).max() == pytest.approx(4.73e-4, rel=0.01)
    quick = [v / (1 + math.exp(-1.702 * v)) for v in x]
    np.testing.assert_allclose(ops.gelu_quick_forward(x)[0], quick, rtol=1e-12, atol=1e-15)
    assert np.abs(np.subtract(exact, quick)).max() == pytest.approx(0.0203, rel=0.01)


@pytest.mark.parametrize("op", ["gelu", "gelu_tanh", "gelu_quick"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_far_out_is_0_or_x_without_a_warning(op, dtype):
    x = np.array([-1e4, -300.0, -50.0, 50.0, 300.0, 1e4], dtype)
    with np.errstate(all="raise", under="ignore"):
        y, saved = ops.OPS[op].forward(x)
        dx = ops.OPS[op].backward(np.full_like(x, 2.0), saved)
    np.testing.assert_allclose(y, [0, 0, 0, 50, 300, 1e4], atol=1e-12)
    np.testing.assert_allclose(dx, [0, 0, 0, 2, 2, 2], atol=1e-12)


def test_softmax_by_hand_and_far_out():
    y, _ = ops.softmax_forward(np.array([[0.0, math.log(3.0)], [1e4, 1e4], [-1e4, 0.0]]))
    np.testing.assert_allclose(y, [[0.25, 0.75], [0.5, 0.5], [0.0, 1.0]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [0.1, 0.49, 0.51, 0.9, 1.1, 100.0])
def test_softmax_of_scores_up_to_and_beyond_what_exp_can_take(dtype, size, rng):
    """Small scores go straight into exp, large ones lose their row's maximum first: nobody can tell which."""
    edge = size * math.log(np.finfo(dtype).max)
    for sign in (-1, 1):
        x = (sign * edge + rng.uniform(-1, 1, (3, 100))).astype(dtype)
        exact = np.exp(x.astype(np.longdouble) - x.max())
        y, _ = ops.softmax_forward(x)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, exact / exact.sum(-1, keepdims=True), rtol=8 * float(np.finfo(dtype).eps))


def test_attention_against_a_loop(rng):
    B, N, h, d = 2, 5, 3, 4
    qkv = rng.standard_normal((B, N, 3 * h * d))
    y, saved = ops.attention_forward(qkv, num_heads=h)
    for b in range(B):
        for head in range(h):
            q, k, v = (qkv[b, :, part * h * d + head * d : part * h * d + (head + 1) * d] for part in range(3))
            for i in range(N):
                shares = np.array([math.exp(q[i] @ k[j] / math.sqrt(d)) for j in range(N)])
                shares /= shares.sum()
                np.testing.assert_allclose(saved.weights[b, head, i], shares)
                np.testing.assert_allclose(y[b, i, head * d : (head + 1) * d], sum(s * v[j] for j, s in enumerate(shares)))  # fmt: skip


@pytest.mark.parametrize("num_queries", [1, 3, 5])
def test_the_first_queries_alone_get_what_they_get_among_all(num_queries, rng):
    qkv, dy = rng.standard_normal((2, 5, 24)), rng.standard_normal((2, 5, 8))
    dy[:, num_queries:] = 0.0  # as if nobody looked at the others
    y, saved = ops.attention_forward(qkv, num_heads=2)
    first, first_saved = ops.attention_forward(qkv, num_heads=2, num_queries=num_queries)
    np.testing.assert_allclose(first, y[:, :num_queries], atol=1e-14)
    dqkv = ops.attention_backward(dy[:, :num_queries], first_saved)
    np.testing.assert_allclose(dqkv, ops.attention_backward(dy, saved), atol=1e-14)


def test_cross_entropy_by_hand():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
    loss, saved = ops.cross_entropy_forward(logits, labels=np.array([0, 1]))
    assert float(loss) == pytest.approx(-(math.log(0.7) + math.log(0.1)) / 2)
    assert loss.shape == ()
    dlogits = ops.cross_entropy_backward(1.0, saved)
    np.testing.assert_allclose(dlogits, np.array([[-0.3, 0.2, 0.1], [0.1, -0.9, 0.8]]) / 2)  # what it said minus truth
    smoothed, _ = ops.cross_entropy_forward(logits, labels=np.array([0, 1]), label_smoothing=0.3)
    soft, _ = ops.cross_entropy_forward(logits, labels=np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]))
    assert float(smoothed) == pytest.approx(float(soft))


def test_cross_entropy_of_huge_logits_is_finite():
    with np.errstate(all="raise", under="ignore"):
        loss, saved = ops.cross_entropy_forward(np.array([[1e4, 0.0], [0.0, -1e4]]), labels=np.array([1, 0]))
        dlogits = ops.cross_entropy_backward(1.0, saved)
    assert float(loss) == pytest.approx(5e3)
    np.testing.assert_allclose(dlogits, [[0.5, -0.5], [0, 0]])


def test_cross_entropy_of_a_class_that_was_ruled_out():
    loss, saved = ops.cross_entropy_forward(np.array([[-np.inf, 0.0, 0.0]]), labels=np.array([1]))
    assert float(loss) == pytest.approx(math.log(2))
    np.testing.assert_allclose(ops.cross_entropy_backward(1.0, saved), [[0, -0.5, 0.5]])
    wanted_it, _ = ops.cross_entropy_forward(np.array([[-np.inf, 0.0]]), labels=np.array([0]))
    assert float(wanted_it) == np.inf
    lost, _ = ops.cross_entropy_forward(np.array([[np.nan, 0.0]]), labels=np.array([1]))
    assert np.isnan(lost)


def test_tokens_and_positions():
    x = np.arange(12.0).reshape(2, 2, 3)
    y, _ = ops.prepend_tokens_forward(x, np.full((1, 1, 3), -1.0))
    assert y.shape == (2, 3, 3)
    np.testing.assert_array_equal(y[:, 0], -1)
    np.testing.assert_array_equal(y[:, 1:], x)
    z, _ = ops.add_position_forward(y, np.arange(9.0).reshape(1, 3, 3))
    np.testing.assert_array_equal(z[1] - y[1], np.arange(9.0).reshape(3, 3))


def test_pools():
    x = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_array_equal(ops.cls_pool_forward(x)[0], x[:, 0])
    np.testing.assert_array_equal(ops.mean_pool_forward(x, num_prefix=2)[0], (x[:, 2] + x[:, 3]) / 2)
    np.testing.assert_array_equal(
        ops.cls_pool_forward(x, num_tokens=2)[0], [[*first, *second] for first, second, *_ in x]
    )
    both = ops.cls_mean_pool_forward(x, num_prefix=2)[0]
    np.testing.assert_array_equal(both, [[*first, *(third + fourth) / 2] for first, _, third, fourth in x])


def test_dropout_keeps_the_expected_value(rng):
    x = np.full((200, 500), 3.0)
    y, _ = ops.dropout_forward(x, keep_mask=rng.random(x.shape) >= 0.25, drop_prob=0.25)
    assert set(np.unique(y)) == {0.0, 4.0}
    assert y.mean() == pytest.approx(3.0, rel=0.01)


def test_sincos_positions_against_a_loop():
    D, rows, columns = 8, 2, 3
    table = ops.sincos2d(D, (rows, columns), num_prefix=2)
    assert table.shape == (1, 2 + rows * columns, D)
    np.testing.assert_array_equal(table[0, :2], 0)
    for row in range(rows):
        for column in range(columns):
            wanted = [
                function(position / 10000 ** (i / (D // 4)))
                for position in (column, row)
                for function in (math.sin, math.cos)
                for i in range(D // 4)
            ]
            np.testing.assert_allclose(table[0, 2 + row * columns + column], wanted, atol=1e-15)


@pytest.mark.parametrize("options", [{}, {"eps": 1e-2}])
def test_layer_norm_has_an_epsilon_of_a_millionth(options):
    x = np.array([[1e-3, -1e-3, 2e-3, -2e-3]])
    y, _ = ops.layer_norm_forward(x, np.ones(4), np.zeros(4), **options)
    np.testing.assert_allclose(y, x / np.sqrt(2.5e-6 + options.get("eps", 1e-6)), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ops.patchify_forward(np.zeros((2, 28, 28)), patch_size=7), r"\(B, C, H, W\), got \(2, 28, 28\)"),
        (lambda: ops.patchify_forward(np.zeros((2, 1, 28, 28)), patch_size=5), "28x28 image does not divide into 5x5"),
        (lambda: ops.unpatchify_forward(np.zeros((1, 5, 4)), image_shape=(4, 4), patch_size=2), "5 patches of 4"),
        (lambda: ops.linear_forward(np.zeros((2, 3)), np.zeros((4, 5))), "3 features.*takes 4"),
        (lambda: ops.attention_forward(np.zeros((2, 3, 10)), num_heads=2), r"got \(2, 3, 10\)"),
        (
            lambda: ops.attention_forward(np.zeros((2, 3, 12)), num_heads=5),
            r"none of them 0, got \(2, 3, 12\) and 5 heads",
        ),
        (lambda: ops.cross_entropy_forward(np.zeros((2, 3)), labels=np.array([0, 3])), r"0\.\.2, got 0\.\.3"),
        (lambda: ops.cross_entropy_forward(np.zeros((2, 3)), labels=np.array([0, -1])), r"0\.\.2, got -1\.\.0"),
        (lambda: ops.cross_entropy_forward(np.zeros((2, 3)), labels=np.array([0.0, 1.0])), "labels must be integers"),
        (lambda: ops.cross_entropy_forward(np.zeros((2, 3)), labels=np.array([0])), r"got int64 \(1,\)"),
        (lambda: ops.cross_entropy_forward(np.zeros((0, 3)), labels=np.zeros(0, int)), r"at least one row.*\(0, 3\)"),
        (lambda: ops.cross_entropy_forward(np.zeros(3), labels=np.array([0])), r"logits must be \(R, K\).*got \(3,\)"),
        (lambda: ops.cross_entropy_forward(np.zeros((1, 2)), labels=np.array([[1.5, -0.5]])), "add up to 1"),
        (lambda: ops.cross_entropy_forward(np.zeros((1, 2)), labels=np.array([[np.nan, 1.0]])), "add up to 1"),
        (lambda: ops.cross_entropy_forward(np.zeros((1, 2)), labels=np.array([[0.5, 0.4]])), "add up to 1"),
        (
            lambda: ops.cross_entropy_forward(np.zeros((1, 2)), labels=np.array([0]), label_smoothing=1.1),
            r"0\.\.1, got 1\.1",
        ),
        (
            lambda: ops.cross_entropy_forward(np.zeros((1, 2)), labels=np.array([0]), label_smoothing=math.nan),
            "got nan",
        ),
        (lambda: ops.patchify_forward(np.zeros((2, 1, 28, 28)), patch_size=0), "does not divide into 0x0"),
        (lambda: ops.unpatchify_forward(np.zeros((1, 5, 4)), image_shape=(4, 4), patch_size=0), "5 patches of 4"),
        (lambda: ops.attention_forward(np.zeros((2, 3, 12)), num_heads=0), "0 heads"),
        (lambda: ops.attention_forward(np.zeros((2, 3, 12)), num_heads=2, num_queries=4), "the 3 tokens .*, got 4"),
        (lambda: ops.attention_forward(np.zeros((2, 3, 12)), num_heads=2, num_queries=0), "the 3 tokens .*, got 0"),
        (lambda: ops.erf(np.arange(3)), "floating-point numbers, got int64"),
        (lambda: ops.gelu_forward(np.arange(3)), "floating-point numbers, got int64"),
        (lambda: ops.sincos2d(6, (2, 2)), "multiple of 4, got 6"),
    ],
)
def test_wrong_shapes_get_one_sentence(call, sentence):
    with pytest.raises(UserError, match=sentence):
        call()
