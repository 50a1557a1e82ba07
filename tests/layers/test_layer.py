"""Names, copies and moves of parameters; and that a layer remembers nothing."""

import sys

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import MODELS
from tinyvit.layers import Block, Dropout, DropPath, Layer, LayerNorm, Linear, truncated_normal
from tinyvit.vit import VisionTransformer


@pytest.fixture
def block(rng):
    return Block(8, 2, 12, layer_scale=0.1, drop_path_rate=0.2, rng=rng)


def test_parameters_are_live_and_named_by_path(block):
    parameters = block.parameters()
    assert list(parameters) == [
        "norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias",
        "ls1.gamma", "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight",
        "mlp.fc2.bias", "ls2.gamma",
    ]  # fmt: skip
    parameters["mlp.fc1.weight"][...] = 7
    assert (block.mlp.fc1.weight == 7).all()
    assert block.num_parameters() == sum(array.size for array in parameters.values())


def test_a_state_dict_is_a_copy_and_loads_back(block, rng):
    state = block.state_dict()
    kept = {name: array.copy() for name, array in state.items()}
    for array in block.parameters().values():
        array += 1
    np.testing.assert_array_equal(state["norm1.weight"], kept["norm1.weight"])
    before = {name: id(array) for name, array in block.parameters().items()}
    assert block.load_state_dict(state) == ([], [])
    for name, array in block.parameters().items():
        np.testing.assert_array_equal(array, kept[name])
        assert id(array) == before[name]  # an optimizer that holds it sees the new numbers


def test_loading_names_what_does_not_fit_and_changes_nothing(block):
    state = block.state_dict()
    for array in state.values():
        array += 1
    del state["norm1.bias"], state["mlp.fc1.bias"]
    state["tail.weight"] = np.zeros(3)
    state["ls1.gamma"] = np.zeros(9)
    kept = block.state_dict()
    with pytest.raises(UserError) as caught:
        block.load_state_dict(state)
    for piece in ("norm1.bias, mlp.fc1.bias", "unexpected: tail.weight", "ls1.gamma (9,) instead of (8,)"):
        assert piece in str(caught.value)
    with pytest.raises(UserError, match="wrong shape"):
        block.load_state_dict(state, strict=False)
    for name, array in block.parameters().items():
        np.testing.assert_array_equal(array, kept[name])
    del state["ls1.gamma"]
    missing, unexpected = block.load_state_dict(state, strict=False)
    assert set(missing) == {"norm1.bias", "mlp.fc1.bias", "ls1.gamma"}
    assert unexpected == ["tail.weight"]
    np.testing.assert_array_equal(block.norm1.weight, kept["norm1.weight"] + 1)


@pytest.mark.parametrize(
    "value", [np.full(8, "1"), np.ones(8, complex), np.ones(8, object), np.ones(8, bool), [1.0] * 8, None, 3]
)
def test_loading_what_is_not_numbers_changes_nothing(block, value):
    kept = block.state_dict()
    state = {name: array + 1 for name, array in kept.items()} | {"ls2.gamma": value}
    with pytest.raises(UserError, match=r"none were loaded \(not an array of real numbers: ls2\.gamma\)"):
        block.load_state_dict(state)
    for name, array in block.parameters().items():
        np.testing.assert_array_equal(array, kept[name])


def test_loading_brings_arrays_from_another_device(block, strict):
    state = {name: strict.asarray(array + 1) for name, array in block.state_dict().items()}
    block.load_state_dict(state)
    assert (block.norm1.weight == 2).all()
    assert type(block.norm1.weight) is np.ndarray


def test_a_number_of_numpy_is_an_option_and_no_parameter(rng):
    layer = LayerNorm(3, eps=np.float64(1e-5))
    assert list(layer.parameters()) == ["weight", "bias"]
    assert list(Dropout(np.float32(0.1)).parameters()) == []


@pytest.mark.parametrize("name", MODELS)
def test_an_empty_batch_goes_forward_and_back(name, rng):
    config = MODELS[name]
    model = VisionTransformer(config, rng=rng)
    images = np.zeros((0, config.in_chans, *config.image_shape), np.float32)
    y, saved = model.forward(images, rng=rng)
    dimages, grads = model.backward(y, saved)
    assert dimages.shape == images.shape
    for name, parameter in model.parameters().items():
        np.testing.assert_array_equal(grads[name], np.zeros_like(parameter))


def test_loading_converts_to_the_layers_dtype(block):
    block.load_state_dict({name: array.astype(np.float64) for name, array in block.state_dict().items()})
    assert {array.dtype for array in block.parameters().values()} == {np.dtype(np.float32)}


def test_dtype_and_device_look_at_one_parameter(block):
    """A walk through all of a large model's, at each prediction, takes as long as a block's forward."""

    class Untouched(Layer):
        def _arrays(self, path=()):
            pytest.fail("the first parameter had been found")

    block.attn = block.mlp = Untouched()
    assert (block.dtype, block.device) == (np.float32, "cpu")


def test_astype_and_to_are_copies(block):
    twin = block.astype(np.float64)
    assert {array.dtype for array in twin.parameters().values()} == {np.dtype(np.float64)}
    assert {array.dtype for array in block.parameters().values()} == {np.dtype(np.float32)}
    other = block.to("cpu")
    other.norm1.weight[...] = 5
    assert (block.norm1.weight == 1).all()
    with pytest.raises(UserError, match=r"CuPy is not installed|no NVIDIA driver|auto, cpu, cuda"):
        block.to("cuda:99")


def test_tables_that_are_no_parameters_move_along(strict, monkeypatch):
    """A model on a GPU must find its sine-cosine positions there; in another dtype they stay as exact as they were."""
    model = VisionTransformer(MODELS["sincos2d"])
    twin = model.astype(np.float32)
    assert twin.sincos.dtype == np.float64
    sent = []
    monkeypatch.setattr(sys.modules[Layer.__module__], "to_device", lambda x, device: sent.append(device) or strict.asarray(x))  # fmt: skip
    moved = model.to("cuda:1")
    assert type(moved.sincos) is type(moved.cls_token) is strict.ndarray
    assert type(model.sincos) is np.ndarray
    assert sent == ["cuda:1"] * (len(model.parameters()) + 1)
    moved.forward(strict.asarray(np.zeros((1, 2, 4, 6), np.float32)))


def everything_on(layer):
    return {
        name: everything_on(value) if isinstance(value, Layer) else id(value) for name, value in vars(layer).items()
    }


def test_no_activation_lives_on_a_layer(block, rng):
    before = everything_on(block)
    x = rng.standard_normal((2, 3, 8)).astype(np.float32)
    y, saved = block.forward(x, rng=rng)
    block.backward(y, saved)
    assert everything_on(block) == before


def test_a_layer_may_be_used_twice(rng):
    """y = norm(norm(x)) with one layer: the gradients of both uses add up."""

    class Twice(Layer):
        def __init__(self):
            self.norm = LayerNorm(5)

        def forward(self, x, *, rng=None):
            x, first = self.norm.forward(x)
            x, second = self.norm.forward(x * x)
            return x, (first, second, self.norm.weight * first.x_hat + self.norm.bias)

        def backward(self, dy, saved):
            first, second, middle = saved
            dx, grads2 = self.norm.backward(dy, second)
            dx, grads1 = self.norm.backward(2 * middle.reshape(dy.shape) * dx, first)
            return dx, {f"norm.{name}": grads1[name] + grads2[name] for name in grads1}

    assert check_gradients(Twice(), [rng.standard_normal((2, 3, 5))]).error < 1e-7


def test_gradients_are_keyed_like_parameters(block, rng):
    y, saved = block.forward(rng.standard_normal((2, 3, 8)).astype(np.float32))
    _, grads = block.backward(y, saved)
    assert set(grads) == set(block.parameters())


def test_truncated_normal_stays_within_two_standard_deviations():
    values = truncated_normal(np.random.default_rng(0), (300, 300), std=0.5)
    assert values.dtype == np.float32
    assert np.abs(values).max() <= 1.0
    assert values.mean() == pytest.approx(0, abs=0.01)
    assert values.std() == pytest.approx(0.5 * 0.88, rel=0.02)  # cut at 2 std, a normal's std is 0.88 of what it was
    np.testing.assert_array_equal(values, truncated_normal(np.random.default_rng(0), (300, 300), std=0.5))


def test_fresh_values(rng):
    linear, norm = Linear(50, 40, rng=rng), LayerNorm(7)
    assert 0.016 < linear.weight.std() < 0.02
    assert (linear.bias == 0).all()
    assert (norm.weight == 1).all()
    assert (norm.bias == 0).all()
    assert Linear(3, 2, bias=False, rng=rng).bias is None


def test_drop_path_drops_whole_images_and_only_with_an_rng(rng):
    x = np.ones((4000, 3, 2), np.float32)
    y, _ = DropPath(0.25).forward(x, rng=rng)
    per_image = y.reshape(4000, -1)
    assert (per_image == per_image[:, :1]).all()
    assert (per_image[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert y.mean() == pytest.approx(1, abs=0.05)
    for layer in (DropPath(0.25), Dropout(0.25)):
        assert layer.forward(x)[0] is x
    assert DropPath(0.0).forward(x, rng=rng)[0] is x
    y, _ = Dropout(0.25).forward(x, rng=rng)
    assert not (y.reshape(4000, -1) == y.reshape(4000, -1)[:, :1]).all()
