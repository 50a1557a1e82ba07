"""A graph under construction needs no package of ONNX's: names, weights, what is pruned."""

import numpy as np
import pytest

from tests.support.exporting import KINDS, everything, model_of
from tinyvit import UserError
from tinyvit.exporting.export import graph_of, subject_of
from tinyvit.exporting.graph import Graph
from tinyvit.exporting.layers import forward
from tinyvit.exporting.subject import Wanted
from tinyvit.layers import Pool


@pytest.mark.parametrize("name", KINDS)
def test_every_value_is_made_once_before_it_is_used(name):
    model = model_of(name)
    g = graph_of(subject_of(model, everything(model.config)), opset=17)
    known = {tensor.name for tensor in g.inputs} | set(g.constants)
    for node in g.nodes:
        assert set(node.inputs) <= known, node
        assert not set(node.outputs) & known, node
        known |= set(node.outputs)
    assert {tensor.name for tensor in g.outputs} <= known


@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_is_there_by_its_name(name):
    """But for what is folded into a constant: the first tokens, the query of a pool that attends."""
    model = model_of(name)
    g = graph_of(subject_of(model, Wanted()), opset=17)
    parameters = model.parameters()
    folded = {"cls_token", "reg_token", "pool.latent", "pool.qkv.weight", "pool.qkv.bias"}
    assert set(parameters) - folded <= set(g.constants)
    for key in set(parameters) & set(g.constants):
        assert g.constants[key].size == parameters[key].size
        np.testing.assert_array_equal(np.sort(g.constants[key], axis=None), np.sort(parameters[key], axis=None))


def test_a_weight_is_known_by_its_array():
    array = np.ones(3)
    g = Graph(17, np.float32, {"layer.weight": array})
    assert g.weight(array) == "layer.weight"
    assert g.constants["layer.weight"].dtype == np.float32
    with pytest.raises(KeyError):
        g.weight(np.ones(3))
    assert g.weight(g.named(np.zeros(2), "made")) == "made"


def test_what_no_output_needs_is_pruned():
    g = Graph(17, np.float32, {})
    x = g.input("x", ("batch", 2))
    g("Add", x, g.number(7.0))
    g.output("y", g("Mul", x, g.number(2.0)), ("batch", 2))
    g.prune()
    assert [node.op for node in g.nodes] == ["Mul", "Identity"]
    assert list(g.constants) == ["number_2"]


def test_a_layer_that_is_not_known_is_refused():
    with pytest.raises(UserError, match="type Pool cannot be exported"):
        forward(Graph(17, np.float32, {}), Pool("cls", num_prefix=1), "x")


@pytest.mark.parametrize(("name", "what"), [("features", "has no classes"), ("words", "reads words")])
def test_gradients_of_what_has_none_are_refused(name, what):
    with pytest.raises(UserError, match=what):
        subject_of(model_of(name), Wanted(gradients=True))
