"""What the device computes is what NumPy computes: `pytest --device cuda` runs this, and the ops' tests, on a GPU."""

import numpy as np
import pytest

from tests.support.optimizers import every_optimizer
from tinyvit.backend import to_numpy
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import MODELS, op_cases, shaken
from tinyvit.ops import OPS
from tinyvit.optim import EMA
from tinyvit.training import train_step
from tinyvit.vit import VisionTransformer


@pytest.mark.parametrize("case", [case for name in OPS for case in op_cases(name)], ids=lambda case: case.name)
def test_ops_agree_with_numpy_and_with_finite_differences(case, rng, on_device, device):
    op, inputs, options = case.build(rng)
    y, saved = op.forward(*inputs.values(), **options)
    dy = rng.standard_normal(y.shape)
    grads = op.backward(dy, saved)
    device_inputs, device_options = on_device(inputs), on_device(options)
    device_y, device_saved = op.forward(*device_inputs.values(), **device_options)
    device_grads = op.backward(on_device(np.asarray(dy)), device_saved)
    np.testing.assert_allclose(to_numpy(device_y), y, rtol=1e-11, atol=1e-12)
    pairs = zip(*(g if isinstance(g, tuple) else (g,) for g in (device_grads, grads)), strict=True)
    for device_grad, grad in pairs:
        if grad is not None:
            np.testing.assert_allclose(to_numpy(device_grad), grad, rtol=1e-11, atol=1e-12)
    assert check_gradients(op, device_inputs, options=device_options, rng=rng).error < 1e-7


@pytest.mark.parametrize("name", MODELS)
@every_optimizer
def test_three_training_steps_agree_with_numpy(name, make, rng, on_device, device):
    config = MODELS[name]
    host = shaken(VisionTransformer(config, rng=rng), rng)
    other = host.to(device)
    assert other.device == device
    images = rng.standard_normal((4, config.in_chans, *config.image_shape))
    labels = rng.integers(0, config.num_classes or config.embed_dim, 4)
    optimizers = [make(model.parameters(), weight_decay=0.1) for model in (host, other)]
    averages = [EMA(model.parameters(), decay=0.9) for model in (host, other)]
    for step in range(3):
        options = {"lr": 1e-3, "clip_grad": 0.5, "label_smoothing": 0.1}
        loss = train_step(host, optimizers[0], images, labels, rng=np.random.default_rng(step), **options)
        device_loss = train_step(
            other, optimizers[1], on_device(images), on_device(labels), rng=np.random.default_rng(step), **options
        )
        for average in averages:
            average.update(step)
        assert float(device_loss) == pytest.approx(float(loss), rel=1e-9)
    for key, array in host.parameters().items():
        np.testing.assert_allclose(to_numpy(other.parameters()[key]), array, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(to_numpy(other.predict(on_device(images))), host.predict(images), rtol=1e-6)


def test_a_model_from_the_device_saves_and_loads(device, tmp_path, rng):
    model = VisionTransformer(MODELS["everything"], rng=rng)
    model.to(device).save_pretrained(tmp_path / "model")
    loaded = VisionTransformer.from_pretrained(tmp_path / "model")
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(loaded.parameters()[name], array)
