"""Hessian-vector products: symmetric for whole models, the slope of the gradients, and the curvature that NumPy finds."""

import numpy as np
import pytest

from tests.support import others_slow
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.gradcheck.cases import all_cases, shaken
from tinyvit.gradcheck.configs import SMALL
from tinyvit.gradcheck.hessian import hessian_vector_product, largest_curvature
from tinyvit.layers import Linear
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward, mse_backward, mse_forward
from tinyvit.vit import VisionTransformer

MODELS = [case for case in all_cases() if case.kind == "model"]
TINY = ViTConfig(img_size=4, patch_size=2, in_chans=1, num_classes=3, embed_dim=2, depth=1, num_heads=1, mlp_ratio=1.0)


def squared_error(case, seed=0):
    """A model of the case, and the gradients of a loss that is no linear function of its outputs."""
    rng = np.random.default_rng(seed)
    model, inputs, options = case.build(rng)
    x = inputs.get("x", options.get("x"))
    target = rng.standard_normal(model.forward(x, rng=np.random.default_rng(5))[0].shape)

    def gradients(twin):
        given = x.astype(twin.dtype) if "x" in inputs else x  # codes of words stay codes
        y, saved = twin.forward(given, rng=np.random.default_rng(5))
        _, loss_saved = mse_forward(y, target=target)
        return twin.backward(mse_backward(1.0, loss_saved), saved)[1]

    return model, gradients, rng


def draw(model, rng, *shape):
    return {name: rng.standard_normal((*array.shape, *shape)) for name, array in model.parameters().items()}


def inner(a, b):
    return sum(float((a[name] * b[name]).sum()) for name in a)


@pytest.mark.parametrize("case", others_slow(MODELS), ids=lambda case: case.name)
def test_the_hessian_of_a_whole_model_is_symmetric(case):
    model, gradients, rng = squared_error(case)
    both = draw(model, rng, 2)
    u, v = ({name: array[..., k] for name, array in both.items()} for k in (0, 1))
    products = hessian_vector_product(gradients, model, both)
    left, right = (inner(a, {n: p[..., k] for n, p in products.items()}) for a, k in ((u, 1), (v, 0)))
    size = np.sqrt(sum((array[..., 1] ** 2).sum() for array in products.values()))
    assert abs(left - right) <= 1e-13 * size
    assert abs(left) > 1e-3 * size


def test_a_product_is_the_slope_of_the_gradients():
    model, gradients, rng = squared_error(MODELS[2])
    v, h = draw(model, rng), 1e-5
    up, down = (model.astype(np.float64) for _ in range(2))
    for name, direction in v.items():
        up.parameters()[name][...] += h * direction
        down.parameters()[name][...] -= h * direction
    above, below = gradients(up), gradients(down)
    for name, product in hessian_vector_product(gradients, model, v).items():
        assert product.dtype == np.float64
        wanted = (above[name] - below[name]) / (2 * h)
        np.testing.assert_allclose(product, wanted, rtol=1e-6, atol=1e-7 * np.abs(wanted).max() + 1e-7)


def classifier(rng):
    """A model that a few steps of gradient descent have trained, and the gradients of its cross-entropy."""
    model = VisionTransformer(TINY, rng=rng).astype(np.float64)
    images, labels = rng.standard_normal((6, 1, 4, 4)), np.array([0, 1, 2, 0, 1, 2])

    def gradients(twin):
        logits, saved = twin.forward(images.astype(twin.dtype))
        _, loss_saved = cross_entropy_forward(logits, labels=labels)
        return twin.backward(cross_entropy_backward(1.0, loss_saved), saved)[1]

    for _ in range(150):
        for name, grad in gradients(model).items():
            model.parameters()[name][...] -= 0.2 * grad
    return model, gradients


def test_the_largest_curvature_is_an_eigenvalue_of_the_hessian(rng):
    model, gradients = classifier(rng)
    sizes = [array.size for array in model.parameters().values()]
    each = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1])  # every direction at once: the whole Hessian
    units = {
        name: rows.reshape(*array.shape, -1)
        for (name, array), rows in zip(model.parameters().items(), each, strict=True)
    }
    products = hessian_vector_product(gradients, model, units)
    hessian = np.concatenate([products[name].reshape(-1, sum(sizes)) for name in units])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-13 * np.abs(hessian).max())

    values = np.linalg.eigvalsh(hessian)
    found = largest_curvature(gradients, model, steps=60, tolerance=1e-4, rng=rng)
    assert found.value == pytest.approx(values[np.abs(values).argmax()], rel=1e-4)
    assert np.abs(values - found.value).min() <= found.error <= 1e-4 * abs(found.value)
    assert inner(found.direction, found.direction) == pytest.approx(1)
    flat = np.concatenate([array.reshape(-1) for array in found.direction.values()])
    np.testing.assert_allclose(hessian @ flat, found.value * flat, atol=2e-4 * abs(found.value))


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "after"), [(1.9, 0.9**20), (2.1, 1.1**20)])
def test_descent_is_stable_below_two_over_the_curvature(factor, after, rng):
    """One step multiplies what is off along the direction by 1 - lr λ: it comes back by -0.9, or climbs by -1.1."""
    model, gradients = classifier(rng)
    found = largest_curvature(gradients, model, steps=100, rng=rng)
    moved = model.astype(np.float64)
    for name, array in moved.parameters().items():
        array += 1e-3 * found.direction[name]
    for _ in range(20):
        for name, grad in gradients(moved).items():
            moved.parameters()[name][...] -= factor / found.value * grad
    off = {name: array - model.parameters()[name] for name, array in moved.parameters().items()}
    assert inner(off, found.direction) == pytest.approx(1e-3 * after, rel=0.2)


def test_few_steps_say_how_far_off_they_are(rng):
    model, gradients, _ = squared_error(MODELS[2])
    found = largest_curvature(gradients, model, steps=1, tolerance=0.0, rng=rng)
    assert found.error > 0


def test_a_broken_backward_has_no_symmetric_hessian():
    """Layer scale's gain forgotten on the way back: gradients of nothing."""
    case = next(case for case in MODELS if case.name == "layer scale")
    model, _, rng = squared_error(case)
    x = rng.standard_normal((2, *model.config.input_shape))

    def wrong(twin):
        y, saved = twin.forward(x.astype(twin.dtype))
        grads = twin.backward(y, saved)[1]
        return grads | {"head.bias": grads["head.bias"] * (1 + y[0, 0])}

    both = draw(model, rng, 2)
    products = hessian_vector_product(wrong, model, both)
    left, right = (sum(float((both[n][..., k] * p[..., 1 - k]).sum()) for n, p in products.items()) for k in (0, 1))
    assert abs(left - right) > 1e-6 * abs(left)


@pytest.mark.parametrize(
    "direction", [{}, {"weight": np.ones((4, 3))}, {"weight": np.ones((4, 3)), "bias": np.ones(4)}]
)
def test_a_direction_that_does_not_fit_is_refused(direction, rng):
    with pytest.raises(UserError, match=r"direction of (weight|bias) must have its shape .*: add one"):
        hessian_vector_product(lambda model: {}, Linear(4, 3, rng=rng), direction)


def test_no_step_is_refused(rng):
    with pytest.raises(UserError, match="steps must be at least 1, got 0"):
        largest_curvature(lambda model: {}, Linear(4, 3, rng=rng), steps=0)


def test_the_model_stays_as_it_is(rng):
    model, gradients = shaken(VisionTransformer(ViTConfig(**SMALL), rng=rng), rng), lambda twin: twin.parameters()
    kept = model.state_dict()
    hessian_vector_product(gradients, model, draw(model, rng))
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, kept[name])
