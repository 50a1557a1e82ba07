"""Muon against the singular value decomposition that it does without."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.gradcheck.cases import MODELS
from tinyvit.optim import AdamW, Muon, flatten
from tinyvit.optim.muon import A, B, C, is_hidden_matrix, matrices, orthogonalized
from tinyvit.vit import VisionTransformer

ATTN, MLP = "blocks.0.attn.qkv.weight", "blocks.1.mlp.fc1.weight"


def five_rounds(values):
    for _ in range(5):
        values = A * values + B * values**3 + C * values**5
    return values


def by_decomposition(matrix):
    """What `orthogonalized` makes of a matrix, from its singular values."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left * five_rounds(values / np.linalg.norm(matrix)) @ right


@pytest.mark.parametrize("shape", [(6, 6), (5, 9), (9, 5), (1, 4), (4, 1), (1, 1)])
def test_values_change_and_directions_stay(shape, rng):
    x = rng.standard_normal((3, *shape)) * [[[1.0]], [[1e-3]], [[1e3]]]
    for found, matrix in zip(orthogonalized(x), x, strict=True):
        np.testing.assert_allclose(found, by_decomposition(matrix), rtol=1e-9, atol=1e-12)


def test_singular_values_end_near_one(rng):
    values = np.array([1.0, 0.5, 0.1, 0.05, 0.01])
    left, right = (np.linalg.qr(rng.standard_normal((size, 5)))[0] for size in (8, 6))
    found = np.linalg.svd(orthogonalized((left * values @ right.T)[None])[0], compute_uv=False)[:5]
    assert found.min() > 0.68
    assert found.max() < 1.14


def test_a_gradient_of_zero_moves_nothing_but_the_decay(rng):
    parameters = {MLP: np.ones((3, 2))}
    Muon(parameters, weight_decay=0.5).step({MLP: np.zeros((3, 2))}, lr=0.1)
    np.testing.assert_allclose(parameters[MLP], 1 - 0.1 * 0.5)


@pytest.mark.parametrize("shape", [(4, 4), (3, 8), (8, 3)])
def test_two_steps_by_hand(shape, rng):
    start, grads = rng.standard_normal(shape), rng.standard_normal((2, *shape))
    parameters = {MLP: start.copy()}
    optimizer = Muon(parameters, momentum=0.75, weight_decay=0.2, lr_scales={MLP: 0.5})
    wanted, momentum = start, np.zeros(shape)
    for grad in grads:
        optimizer.step({MLP: grad}, lr=0.1)
        momentum = 0.75 * momentum + 0.25 * grad
        step = by_decomposition(0.75 * momentum + 0.25 * grad) * 0.2 * np.sqrt(max(shape))
        wanted = wanted - 0.05 * (step + 0.2 * wanted)
        np.testing.assert_allclose(parameters[MLP], wanted, rtol=1e-9)


def test_query_key_and_value_are_three_matrices(rng):
    parameters = {ATTN: np.zeros((4, 12))}
    grad = rng.standard_normal((4, 12))
    Muon(parameters).step({ATTN: grad}, lr=1.0)
    for part in range(3):
        columns = slice(4 * part, 4 * part + 4)
        np.testing.assert_allclose(parameters[ATTN][:, columns], -0.4 * by_decomposition(grad[:, columns]), rtol=1e-9)


def test_all_but_the_blocks_matrices_learn_by_adamw(rng):
    one = VisionTransformer(MODELS["everything"], rng=np.random.default_rng(3)).parameters()
    other = {name: array.copy() for name, array in one.items()}
    muon, adamw = Muon(one, weight_decay=0.1), AdamW(other, weight_decay=0.1)
    for _ in range(2):
        grads = {name: rng.standard_normal(array.shape).astype(array.dtype) for name, array in one.items()}
        muon.step(grads, lr=0.01)
        adamw.step(grads, lr=0.01)
    differing = {name for name in one if not np.array_equal(one[name], other[name])}
    assert differing == {name for name in one if is_hidden_matrix(name, one[name])}
    kinds = {name.split(".", 2)[2] for name in differing}
    assert kinds == {"attn.qkv.weight", "attn.proj.weight", "mlp.fc1.weight", "mlp.fc2.weight"}


def test_steps_are_about_as_long_as_those_of_adamw(rng):
    """One learning rate for both: the root mean square of a step is 0.2 of it."""
    model = VisionTransformer(MODELS["everything"], rng=np.random.default_rng(3))
    parameters = flatten(model)
    before = {name: array.copy() for name, array in parameters.items()}
    grads = {name: rng.standard_normal(array.shape).astype(array.dtype) for name, array in parameters.items()}
    Muon(parameters, weight_decay=0.0).step(grads, lr=0.01)
    for name, array in parameters.items():
        if is_hidden_matrix(name, array):
            rms = np.sqrt(((array - before[name]) ** 2).mean()) / 0.01
            assert 0.13 < rms < 0.24, name


def test_matrices_are_views(rng):
    weight = rng.standard_normal((4, 6))
    for laid_out in (weight, np.asfortranarray(weight), weight[:, ::-1]):
        assert np.shares_memory(matrices(ATTN, laid_out), laid_out)


@pytest.mark.parametrize("momentum", [1.0, -0.1, float("nan"), "0.9"])
def test_momentum_that_is_none_is_refused(momentum):
    with pytest.raises(UserError, match="momentum must be a number"):
        Muon({MLP: np.ones((2, 2))}, momentum=momentum)
