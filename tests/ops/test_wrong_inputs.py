"""What is no array of floats, or has another shape, is either fine or refused in one sentence that names a way out."""

import numpy as np
import pytest

from tinyvit import ops
from tinyvit.config.presets import preset
from tinyvit.errors import UserError
from tinyvit.gradcheck.cases import op_cases
from tinyvit.layers import LayerNorm
from tinyvit.ops import OPS
from tinyvit.vit import VisionTransformer

MOVES = ("patchify", "unpatchify")  # numbers only move, so integers may
CASES = [op_cases(name)[0] for name in OPS]
BREAKS = {
    "a list": (lambda x: x.tolist(), "an array was expected, got list: use np.asarray"),
    "a number": (lambda x: 1.5, "an array was expected, got float"),
    "nothing": (lambda x: None, "an array was expected, got NoneType"),
    "text": (lambda x: "x", "an array was expected, got str"),
    "masked": (lambda x: np.ma.masked_array(x, x > 0), "a masked array was given.*: fill it, or leave the masked out"),
    "integers": (lambda x: x.astype(np.int32), r"floating-point numbers, got int32: use \w+.astype"),
    "bytes": (lambda x: x.astype(np.uint8), "floating-point numbers, got uint8"),
    "booleans": (lambda x: x > 0, "floating-point numbers, got bool"),
    "complex numbers": (lambda x: x * 1j, "floating-point numbers, got complex128"),
    "objects": (lambda x: x.astype(object), "floating-point numbers, got object"),
    "no axis": (lambda x: x.reshape(-1)[:1].reshape(()), r"got a single number: use \w+.reshape|got \(\)"),
}
FINE = {(name, kind) for name in MOVES for kind in ("integers", "bytes", "booleans", "complex numbers", "objects")}
OPTIONAL = {("linear", "bias", "nothing")}


def each_input():
    for case in CASES:
        _, inputs, _ = case.build(np.random.default_rng(0))
        for name in inputs:
            for kind in BREAKS:
                if (case.name, name, kind) not in OPTIONAL:
                    yield case, name, kind


@pytest.mark.parametrize(("case", "name", "kind"), list(each_input()), ids=lambda x: getattr(x, "name", x))
def test_what_is_no_array_of_floats_is_refused(case, name, kind, rng):
    op, inputs, options = case.build(rng)
    change, sentence = BREAKS[kind]
    inputs[name] = change(inputs[name])
    if (case.name, kind) in FINE:
        assert op.forward(*inputs.values(), **options)[0].dtype == inputs[name].dtype
        return
    with pytest.raises(UserError, match=sentence) as error:
        op.forward(*inputs.values(), **options)
    assert str(error.value).startswith(
        (name, "qkv must", "images must", "patches must", "logits must", "boxes must", "x must", "pos_embed")
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("kind", ["a list", "masked", "integers"])
def test_so_are_upstream_gradients(case, kind, rng):
    op, inputs, options = case.build(rng)
    y, saved = op.forward(*inputs.values(), **options)
    if (case.name, kind) in FINE or case.name.endswith(("cross_entropy", "distillation", "mse", "focal", "giou")):
        return  # whose dloss may be a number
    change, sentence = BREAKS[kind]
    with pytest.raises(UserError, match=sentence):
        op.backward(change(rng.standard_normal(y.shape)), saved)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_an_empty_axis_is_fine_or_refused(case, axis, rng):
    op, inputs, options = case.build(rng)
    name, x = next(iter(inputs.items()))
    if axis >= x.ndim:
        return
    inputs[name] = np.take(x, [], axis)
    try:
        y, saved = op.forward(*inputs.values(), **options)
    except UserError:
        return
    dx = op.backward(np.zeros_like(y), saved)
    assert (dx[0] if isinstance(dx, tuple) else dx).shape == inputs[name].shape


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("change", [lambda x: x[None], lambda x: x[0], lambda x: x[..., 0], lambda x: x[..., :1]])
def test_another_shape_is_fine_or_refused(case, change, rng):
    op, inputs, options = case.build(rng)
    for name in list(inputs):
        changed = inputs | {name: change(inputs[name])}
        if changed[name].shape == inputs[name].shape:
            continue
        try:
            y, saved = op.forward(*changed.values(), **options)
        except UserError:
            continue
        grads = op.backward(rng.standard_normal(y.shape), saved)
        for x, grad in zip(changed.values(), grads if isinstance(grads, tuple) else (grads,), strict=True):
            assert x is None or grad.shape == x.shape


x = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ops.cross_entropy_forward(x, labels=[0, 1]), "labels: an array was expected, got list"),
        (
            lambda: ops.cross_entropy_forward(x, labels=np.ma.masked_array([0, 1], [0, 1])),
            "labels.*masked|masked array",
        ),
        (
            lambda: ops.cross_entropy_forward(np.array([[1, 2]]), labels=np.array([0])),
            "logits must hold floating-point",
        ),
        (lambda: ops.cross_entropy_forward(x, labels=np.array([True, False])), r"got bool \(2,\): convert"),
        (
            lambda: ops.softmax_forward(np.array([[1, 2]])),
            r"x must hold floating.*got int64: use x.astype\('float32'\)",
        ),
        (lambda: ops.softmax_forward(np.zeros((4, 0))), r"at least one score in each row, got \(4, 0\)"),
        (lambda: ops.softmax_forward(np.zeros((0, 0))), r"at least one score"),
        (lambda: ops.layer_norm_forward(np.zeros((2, 0)), np.zeros(0), np.zeros(0)), r"at least one feature.*\(2, 0\)"),
        (lambda: ops.layer_norm_forward(x, np.ones(3), np.ones(2)), r"bias must have the shape \(3,\), got \(2,\)"),
        (lambda: ops.layer_norm_forward(x, np.ones(3), np.ones(3), eps=-1.0), "eps of at least 0, got .* -1.0"),
        (lambda: ops.layer_norm_forward(x, np.ones(3), np.ones(3), eps=np.nan), "eps of at least 0, got .* nan"),
        (lambda: ops.attention_forward(np.zeros((2, 3, 0)), num_heads=2), "none of them 0"),
        (lambda: ops.attention_forward(np.zeros((2, 0, 6)), num_heads=2), "none of them 0"),
        (lambda: ops.linear_forward(x, np.zeros((3, 4)), np.zeros(1)), r"bias must have the shape \(4,\), got \(1,\)"),
        (lambda: ops.linear_forward(x, np.zeros(3)), r"weight must have the shape \(in, out\), got \(3,\)"),
        (lambda: ops.mean_pool_forward(np.zeros((2, 3, 4)), num_prefix=3), "leave one of the 3 tokens, got 3"),
        (lambda: ops.cls_pool_forward(np.zeros((2, 0, 4))), "between 1 and the 0 tokens there are, got 1"),
        (lambda: ops.dropout_forward(x, keep_mask=[1, 0], drop_prob=0.5), "keep_mask: an array was expected, got list"),
        (lambda: ops.dropout_forward(x, keep_mask=x[0] > 0, drop_prob=0.5), r"x's shape \(2, 3\).*got \(3,\)"),
        (lambda: ops.dropout_forward(x, keep_mask=x > 0, drop_prob=1.0), "at least 0 and below 1, got 1.0"),
        (lambda: ops.dropout_forward(x, keep_mask=x > 0, drop_prob=np.nan), "below 1, got nan"),
        (lambda: ops.prepend_tokens_forward(np.zeros((2, 3, 4)), np.zeros((1, 1, 5))), r"\(1, T, 4\), got \(1, 1, 5\)"),
        (lambda: ops.add_position_forward(np.zeros((2, 3, 4)), np.zeros((1, 1, 4))), r"\(1, 3, 4\), got \(1, 1, 4\)"),
        (lambda: ops.erf([0.5]), "x: an array was expected, got list"),
        (lambda: LayerNorm(3).forward([[1.0, 2.0, 3.0]]), "x: an array was expected, got list"),
        (lambda: VisionTransformer(preset("tiny")).predict(np.ma.zeros((2, 1, 28, 28))), "masked array"),
    ],
)
def test_each_gets_one_sentence(call, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        call()
    assert "\n" not in str(error.value)
