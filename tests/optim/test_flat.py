"""Parameters, gradients and state as views of one vector: the same numbers to the bit, in fewer calls."""

import numpy as np
import pytest

from tests.support.optimizers import every_optimizer
from tinyvit.gradcheck.cases import MODELS
from tinyvit.layers import Mlp
from tinyvit.optim import SGD, FlatArrays, clip_by_global_norm, decays, flatten
from tinyvit.training import loss_and_gradients
from tinyvit.vit import VisionTransformer


def model_and_batch(rng, name="everything"):
    config = MODELS[name]
    model = VisionTransformer(config, rng=np.random.default_rng(3))
    images = rng.standard_normal((4, config.in_chans, *config.image_shape)).astype(np.float32)
    return model, images, rng.integers(0, config.num_classes, 4)


def test_what_decays_lies_in_front_and_names_keep_their_order(rng):
    model, _, _ = model_and_batch(rng)
    before = model.state_dict()
    flat = flatten(model)
    assert list(flat) == list(before) == list(model.parameters())
    assert flat.vector.size == sum(array.size for array in before.values())
    for name, array in flat.items():
        np.testing.assert_array_equal(array, before[name])
        assert model.parameters()[name] is array
        assert np.shares_memory(array, flat.vector[: flat.runs({})[0][1]]) == decays(name, array)


def test_writing_into_the_vector_changes_the_model(rng):
    model, images, _ = model_and_batch(rng)
    flat = flatten(model)
    before = model.predict(images)
    flat.vector *= 1.5
    assert not np.allclose(model.predict(images), before)
    flat.vector /= 1.5
    np.testing.assert_allclose(model.predict(images), before, rtol=1e-4, atol=1e-6)


def test_a_vector_that_is_given_is_used(rng):
    model, _, _ = model_and_batch(rng)
    memory = np.full(model.num_parameters(), 7.0, np.float32)
    assert flatten(model, memory).vector is memory
    assert not (memory == 7.0).any()
    other, _, _ = model_and_batch(rng)
    other.adopt(FlatArrays(other.parameters(), memory))  # without copying: a second model over the same numbers
    memory[:] = 0.5
    assert float(model.cls_token.min()) == float(other.cls_token.max()) == 0.5


def test_a_copy_of_a_flat_model_is_a_model_of_its_own(rng):
    model, images, _ = model_and_batch(rng)
    flat = flatten(model)
    twin = model.astype(np.float32)
    flat.vector.fill(0)
    assert np.abs(twin.predict(images)).max() > 0


@every_optimizer
@pytest.mark.parametrize("flat_grads", [False, True])
@pytest.mark.parametrize("cached", [2**18, 100])
def test_flat_or_not_in_pieces_or_not_the_bits_are_the_same(make, flat_grads, cached, rng, monkeypatch):
    monkeypatch.setattr("tinyvit.optim.flat.CACHED", cached)
    (model, images, labels), (twin, _, _) = model_and_batch(rng), model_and_batch(rng)
    optimizers = [make(arrays, weight_decay=0.1) for arrays in (model.parameters(), flatten(twin))]
    sums = FlatArrays(twin.parameters())
    for _ in range(3):
        _, grads = loss_and_gradients(model, images, labels)
        optimizers[0].step(grads, lr=0.01)
        _, grads = loss_and_gradients(twin, images, labels)
        sums.vector.fill(0)
        sums.add(grads)
        optimizers[1].step(sums if flat_grads else grads, lr=0.01)
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, twin.parameters()[name])


def test_pieces_are_short_and_leave_nothing_out(monkeypatch):
    monkeypatch.setattr("tinyvit.optim.flat.CACHED", 4)
    flat = FlatArrays({"weight": np.zeros((3, 3)), "bias": np.zeros(2)})
    for piece in [piece for start, stop, *_ in flat.runs({}) for piece in flat.pieces(start, stop)]:
        flat.vector[piece] += 1
        assert piece.stop - piece.start <= 4
    np.testing.assert_array_equal(flat.vector, 1)
    assert not FlatArrays({"bias": np.zeros(0)}).pieces()


def test_a_gpu_works_on_the_whole_vector_at_once(monkeypatch):
    monkeypatch.setattr("tinyvit.optim.flat.CACHED", 4)
    monkeypatch.setattr("tinyvit.optim.flat.device_of", lambda x: "cuda:0")
    flat = FlatArrays({"weight": np.zeros((3, 3)), "bias": np.zeros(2)})
    assert flat.pieces(stop=9) == [slice(0, 9)]
    assert flat.pieces(start=9) == [slice(9, 11)]


def test_a_model_without_anything_that_decays():
    parameters = FlatArrays({"bias": np.ones(3)})
    grads = FlatArrays({"bias": np.ones(3)})
    SGD(parameters, momentum=0.0, weight_decay=0.5).step(grads, lr=0.1)
    np.testing.assert_array_equal(parameters["bias"], 0.0)  # no gradient, no decay: nothing moved


def test_clipping_does_the_same_to_flat_gradients(rng):
    arrays = {"weight": rng.standard_normal((3, 4)), "bias": rng.standard_normal(4)}
    flat = FlatArrays(arrays)
    flat.add(arrays)
    norms = clip_by_global_norm(arrays, 0.5), clip_by_global_norm(flat, 0.5)
    np.testing.assert_allclose(norms[1], norms[0])
    for name in arrays:
        np.testing.assert_allclose(flat[name], arrays[name])
    np.testing.assert_allclose(np.linalg.norm(flat.vector), 0.5, rtol=1e-5)


def test_runs_join_neighbours_that_are_treated_alike():
    flat = FlatArrays(
        {"a.weight": np.zeros((2, 3)), "a.bias": np.zeros(3), "b.weight": np.zeros((3, 1)), "b.bias": np.zeros(1)}
    )
    assert flat.runs({}) == [(0, 9, True, 1.0), (9, 13, False, 1.0)]
    assert flat.runs({"b.weight": 0.5, "b.bias": 0.5}) == [
        (0, 6, True, 1.0), (6, 9, True, 0.5), (9, 12, False, 1.0), (12, 13, False, 0.5),
    ]  # fmt: skip


def test_only_what_is_wanted_moves():
    layer = Mlp(3, 4, rng=np.random.default_rng(0))
    before = layer.state_dict()
    flat = flatten(layer, wanted=lambda name: name.startswith("fc2"))
    assert list(flat) == ["fc2.weight", "fc2.bias"]
    for name, array in layer.parameters().items():
        np.testing.assert_array_equal(array, before[name])
        assert np.shares_memory(array, flat.vector) == name.startswith("fc2")
