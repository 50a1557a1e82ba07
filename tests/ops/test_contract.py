"""What every op promises, tried on every op: exact tests that need no finite differences."""

import numpy as np
import pytest

from tinyvit.backend import to_numpy
from tinyvit.errors import UserError
from tinyvit.gradcheck.cases import op_cases
from tinyvit.gradcheck.samples import op_samples
from tinyvit.ops import OPS, Op

CASES = [case for name in OPS for case in op_cases(name)]
# Linear in their first input, so the backward is the transpose: <dy, f(x)> = <backward(dy), x>, to the last bits.
LINEAR = (
    "patchify", "unpatchify", "linear", "conv2d", "layer_scale", "dropout", "drop_path", "cls_pool", "mean_pool",
    "cls_mean_pool", "prepend_tokens", "add_position", "resample_positions", "gather_tokens", "scatter_tokens",
    "embedding", "modulate", "gate",
)  # fmt: skip
LOSSES = ("cross_entropy", "distillation", "binary_cross_entropy", "mse", "focal", "giou")  # means over the batch
PER_IMAGE = [name for name in OPS if name not in (*LOSSES, "embedding")]  # whose one input all images share
SHARED = ("weight", "bias", "tokens", "mask_token", "pos_embed", "gamma")  # inputs that all images share

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def as_tuple(grads):
    return grads if isinstance(grads, tuple) else (grads,)


@pytest.fixture
def sample(case, rng, on_device):
    """op, inputs, options, y, saved, dy of one case, on the device."""
    op, inputs, options = case.build(rng)
    inputs, options = on_device(inputs), on_device(options)
    y, saved = op.forward(*inputs.values(), **options)
    return op, inputs, options, y, saved, on_device(rng.standard_normal(y.shape))


def test_an_op_without_samples_fails(monkeypatch):
    monkeypatch.setitem(OPS, "new_op", Op(lambda x: (x, ()), lambda dy, saved: dy))
    with pytest.raises(UserError, match=r"no sample inputs.*new_op.*add some to gradcheck_samples"):
        op_samples("new_op", np.random.default_rng(0))


@pytest.mark.parametrize("name", OPS)
def test_samples_have_several_shapes(name, rng):
    samples = op_samples(name, rng)
    assert len({tuple(x.shape for x in inputs.values() if x is not None) for inputs, _ in samples}) > 1
    assert any(next(iter(inputs.values())).shape[0] > 1 for inputs, _ in samples)


@each_case
def test_one_gradient_per_input_in_its_shape_and_dtype(sample):
    op, inputs, _, _, saved, dy = sample
    grads = op.backward(dy, saved)
    assert isinstance(grads, tuple) == (len(inputs) > 1)
    assert isinstance(saved, tuple)
    assert hasattr(saved, "_fields")
    for x, grad in zip(inputs.values(), as_tuple(grads), strict=True):
        assert (grad is None) == (x is None)
        if x is not None:
            assert (grad.shape, grad.dtype) == (x.shape, x.dtype)


@each_case
def test_float32_in_float32_out(case, rng, on_device):
    op, inputs, options = case.build(rng)
    inputs = on_device({name: None if x is None else x.astype(np.float32) for name, x in inputs.items()})
    y, saved = op.forward(*inputs.values(), **on_device(options))
    assert y.dtype == np.float32
    for grad in as_tuple(op.backward(on_device(rng.standard_normal(y.shape).astype(np.float32)), saved)):
        assert grad is None or grad.dtype == np.float32


@each_case
def test_nothing_given_is_changed(sample):
    op, inputs, options, _, _, dy = sample

    def copies():
        arrays = [*inputs.values(), *options.values(), dy]
        return [to_numpy(x).copy() for x in arrays if hasattr(x, "shape")]

    before = copies()
    _, saved = op.forward(*inputs.values(), **options)
    first = as_tuple(op.backward(dy, saved))
    first = [None if grad is None else to_numpy(grad).copy() for grad in first]
    second = as_tuple(op.backward(dy, saved))  # `saved` is not used up
    for kept, now in zip(before, copies(), strict=True):
        np.testing.assert_array_equal(kept, now)
    for one, other in zip(first, second, strict=True):
        if one is not None:
            np.testing.assert_array_equal(one, to_numpy(other))


@each_case
def test_memory_layout_does_not_matter(sample, xp):
    op, inputs, options, y, saved, dy = sample

    def strided(x):
        if x is None:
            return None
        wide = xp.zeros((*x.shape, 2), x.dtype)
        wide[..., 0] = x
        return wide[..., 0]

    other_y, other_saved = op.forward(*map(strided, inputs.values()), **options)
    np.testing.assert_allclose(to_numpy(other_y), to_numpy(y), rtol=1e-12)
    other_dy = strided(dy) if dy.ndim else dy
    for one, other in zip(as_tuple(op.backward(dy, saved)), as_tuple(op.backward(other_dy, other_saved)), strict=True):
        if one is not None:
            np.testing.assert_allclose(to_numpy(other), to_numpy(one), rtol=1e-11, atol=1e-13)


@each_case
def test_the_backward_is_linear_in_dy(sample, rng, on_device):
    op, _, _, _, saved, dy = sample
    other = on_device(rng.standard_normal(dy.shape))
    mixed = as_tuple(op.backward(2.0 * dy - 3.0 * other, saved))
    for whole, one, two in zip(
        mixed, as_tuple(op.backward(dy, saved)), as_tuple(op.backward(other, saved)), strict=True
    ):
        if whole is not None:
            np.testing.assert_allclose(to_numpy(whole), to_numpy(2.0 * one - 3.0 * two), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c.name in LINEAR], ids=lambda case: case.name)
def test_the_backward_of_a_linear_op_is_its_transpose(case, rng):
    op, inputs, options = case.build(rng)
    x, *others = inputs.values()
    zeros = [None if o is None or name == "weight" else 0 * o for name, o in list(inputs.items())[1:]]
    others = [o if z is None or name in ("weight", "gamma", "scale", "gate") else z for (name, o), z in zip(list(inputs.items())[1:], zeros, strict=True)]  # fmt: skip
    y, saved = op.forward(x, *others, **options)
    dy = rng.standard_normal(y.shape)
    dx = as_tuple(op.backward(dy, saved))[0]
    assert (dy * y).sum() == pytest.approx((dx * x).sum(), rel=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c.name in PER_IMAGE], ids=lambda case: case.name)
def test_images_of_a_batch_do_not_see_each_other(case, rng):
    op, inputs, options = case.build(rng)
    y, saved = op.forward(*inputs.values(), **options)
    dy = rng.standard_normal(y.shape)
    dx = as_tuple(op.backward(dy, saved))[0]
    for i in range(len(y)):

        def row(name, x, i=i):
            return x if x is None or name in SHARED else x[i : i + 1]

        only = {name: row(name, x) for name, x in inputs.items()}
        only_options = {name: x[i : i + 1] if hasattr(x, "shape") else x for name, x in options.items()}
        y_i, saved_i = op.forward(*only.values(), **only_options)
        np.testing.assert_allclose(y_i, y[i : i + 1], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(as_tuple(op.backward(dy[i : i + 1], saved_i))[0], dx[i : i + 1], rtol=1e-11, atol=1e-13)  # fmt: skip


@pytest.mark.parametrize("case", [c for c in CASES if c.name in PER_IMAGE], ids=lambda case: case.name)
def test_an_empty_batch_goes_forward_and_back(case, rng):
    op, inputs, options = case.build(rng)
    inputs = {name: x if x is None or name in SHARED else x[:0] for name, x in inputs.items()}
    options = {name: x[:0] if hasattr(x, "shape") else x for name, x in options.items()}
    y, saved = op.forward(*inputs.values(), **options)
    assert len(y) == 0
    for x, grad in zip(inputs.values(), as_tuple(op.backward(y, saved)), strict=True):
        assert x is None or (grad.shape == x.shape and not grad.any())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_agree_with_finite_differences(case):
    report, _ = case.check()
    assert report.error < 1e-8, report
