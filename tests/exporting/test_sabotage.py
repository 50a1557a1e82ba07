"""Is the comparison any good? Nodes are broken as people break them, and it must be noticed."""

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.exporting import HAS_ONNX, NEEDS_ONNX, everything, model_of, worst
from tinyvit.exporting import activations, attention, classifier, layers, pools, tokens, vit
from tinyvit.exporting.compare import TOLERANCE, difference
from tinyvit.exporting.export import subject_of
from tinyvit.ops import OPS

pytestmark = pytest.mark.skipif(not HAS_ONNX, reason=NEEDS_ONNX)


def first_input(function, g, x, *args, **options):
    """Does nothing."""
    return x


def doubled(function, g, *args, **options):
    """A factor is wrong."""
    y = function(g, *args, **options)
    return (g("Add", y[0], y[0]), *y[1:]) if isinstance(y, tuple) else g("Add", y, y)


def third_option_lost(function, g, *args, **options):
    """A bias is forgotten."""
    return function(g, *args[:-1], None, **options)


def norm_without_stretch(function, g, dy, saved):
    dx_hat = g("Mul", dy, saved.weight)
    return g("Mul", g("Sub", dx_hat, g.mean(dx_hat, -1)), saved.rstd)


def norm_without_shift(function, g, dy, saved):
    dx_hat = g("Mul", dy, saved.weight)
    stretch = g("Mul", saved.x_hat, g.mean(g("Mul", dx_hat, saved.x_hat), -1))
    return g("Mul", g("Sub", dx_hat, stretch), saved.rstd)


def softmax_without_average(function, g, dy, y):
    return g("Mul", dy, y)


def keys_for_queries(function, g, dy, saved):
    dq, dk, dv, dweights = function(g, dy, saved)
    return dk, dq, dv, dweights


def without_residual(function, g, block, dy, saved):
    dx, dweights = function(g, block, dy, saved)
    return g("Sub", dx, dy), dweights


SABOTAGES = [
    ("cls token, erf", layers, "layer_norm_backward", norm_without_stretch),
    ("cls token, erf", layers, "layer_norm_backward", norm_without_shift),
    ("cls token, erf", attention, "softmax_backward", softmax_without_average),
    ("cls token, erf", attention, "attend_backward", keys_for_queries),
    ("cls token, erf", vit, "block_backward", without_residual),
    ("cls token, erf", layers, "linear_forward", third_option_lost),
    ("cls token, erf", vit, "patchify_backward", doubled),
    ("cls token, erf", pools, "cls_pool_backward", doubled),
    ("cls token, erf", classifier, "one_hot", doubled),
    ("registers", vit, "prepend_tokens_backward", doubled),
    ("mean pooling", pools, "mean_pool_backward", doubled),
    ("mean pooling", pools, "mean_pool_forward", doubled),
    ("cls+mean", tokens, "mean_pool_backward", doubled),
    ("layer scale", layers, "layer_scale_forward", first_input),
    ("layer scale", layers, "layer_scale_backward", first_input),
    ("conv stem", layers, "conv2d_backward", doubled),
    ("conv stem", layers, "conv2d_forward", doubled),
    ("distilled", classifier, "head_backward", doubled),
    ("attention pooling, prefix", pools, "join_heads", doubled),
    ("pre-norm, quick", activations, "_logistic_slope", lambda function, g, u, gate: gate),
    ("tanh", activations, "_half_of_one_plus", doubled),
]


@pytest.mark.parametrize(("kind", "module", "name", "sabotage"), others_slow(SABOTAGES, fast=4))
def test_a_broken_node_is_noticed(kind, module, name, sabotage, export, monkeypatch):
    model = model_of(kind)
    subject = subject_of(model, everything(model.config))
    function = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **options: sabotage(function, *args, **options))
    path = export(subject)
    monkeypatch.undo()
    assert worst(path, model, subject.wanted, engines=["onnxruntime"]) > 10 * TOLERANCE


@pytest.mark.parametrize("form", ["gelu", "gelu_tanh", "gelu_quick"])
def test_a_broken_gate_is_noticed(form, export, monkeypatch):
    kind = {"gelu": "conv stem", "gelu_tanh": "tanh", "gelu_quick": "pre-norm, quick"}[form]
    model = model_of(kind)
    subject = subject_of(model, everything(model.config))
    pair = activations.ACTIVATIONS[OPS[form]]
    broken = pair._replace(backward=lambda g, dy, saved: g("Mul", dy, saved.gate))
    monkeypatch.setitem(activations.ACTIVATIONS, OPS[form], broken)
    path = export(subject)
    assert worst(path, model, subject.wanted, engines=["onnxruntime"]) > 10 * TOLERANCE


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_infinitely_far(value):
    assert difference(np.array([1.0, value]), np.ones(2)) == np.inf
    assert difference(np.ones(3), np.ones(2)) == np.inf
    assert difference(np.array([1.0, 3.0]), np.array([1.0, 4.0])) == 0.25
    assert difference(np.zeros((0, 2)), np.zeros((0, 2))) == 0
