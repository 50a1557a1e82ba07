"""Everything that runs on a GPU keeps CuPy's rules, and never makes the host wait for it in the middle of a step."""

import dataclasses
import math
import sys

import numpy as np
import pytest

from tests.support.optimizers import every_optimizer
from tinyvit import ops
from tinyvit.config.presets import preset
from tinyvit.course.strict_cupy.array import wrap
from tinyvit.gradcheck.cases import LAYERS, MODELS, op_cases, shaken
from tinyvit.ops import OPS, cross_entropy_backward, cross_entropy_forward
from tinyvit.optim import EMA, AdamW, FlatArrays, clip_by_global_norm, flatten
from tinyvit.training import loss_and_gradients, train_step
from tinyvit.vit import VisionTransformer


def as_strict(strict, x):
    if isinstance(x, dict):
        return {key: as_strict(strict, value) for key, value in x.items()}
    return strict.asarray(x) if isinstance(x, np.ndarray) else x


def same(strict_array, array, atol=1e-12):
    np.testing.assert_allclose(strict_array._host, array, rtol=0, atol=atol)


@pytest.mark.parametrize("case", [case for name in OPS for case in op_cases(name)], ids=lambda case: case.name)
def test_every_op_keeps_cupys_rules(strict, case, rng):
    op, inputs, options = case.build(rng)
    y, saved = op.forward(*inputs.values(), **options)
    dy = rng.standard_normal(y.shape)
    grads = op.backward(dy, saved)
    device_inputs, device_options, device_dy = (as_strict(strict, x) for x in (inputs, options, dy))
    with strict.no_host_reads():
        device_y, device_saved = op.forward(*device_inputs.values(), **device_options)
        device_grads = op.backward(device_dy, device_saved)
    assert type(device_y) is strict.ndarray
    same(device_y, y)
    for device_grad, grad in zip(
        device_grads if isinstance(device_grads, tuple) else (device_grads,),
        grads if isinstance(grads, tuple) else (grads,),
        strict=True,
    ):
        if grad is None:
            assert device_grad is None
        else:
            same(device_grad, grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_keeps_cupys_rules(strict, dtype):
    x = np.linspace(-5, 5, 1001).astype(dtype)
    with strict.no_host_reads():
        y = ops.erf(strict.asarray(x))
    same(y, ops.erf(x))


def pair_of_models(strict, config, rng):
    """The same model on the host and on the stand-in, in float64, and a batch for it."""
    host = shaken(VisionTransformer(config, rng=rng), rng)
    device = host._map(strict.asarray)
    images = rng.standard_normal((4, config.in_chans, *config.image_shape))
    labels = rng.integers(0, max(1, config.num_classes), 4)
    return host, device, images, labels


@pytest.mark.parametrize("name", MODELS)
def test_every_model_keeps_cupys_rules(strict, name, rng):
    config = MODELS[name]
    host, device, images, _ = pair_of_models(strict, config, rng)
    logits, saved = host.forward(images, rng=np.random.default_rng(1))
    dlogits = rng.standard_normal(logits.shape)
    dimages, grads = host.backward(dlogits, saved)
    device_images, device_dlogits = strict.asarray(images), strict.asarray(dlogits)
    with strict.no_host_reads():
        device_logits, device_saved = device.forward(device_images, rng=np.random.default_rng(1))
        device_dimages, device_grads = device.backward(device_dlogits, device_saved)
        maps = device.attention(device_images)
        predicted = device.predict(device_images)
    same(device_logits, logits)
    same(device_dimages, dimages)
    assert list(device_grads) == list(grads)
    for name in grads:
        same(device_grads[name], grads[name])
    for device_map, host_map in zip(maps, host.attention(images), strict=True):
        same(device_map, host_map)
    same(predicted, host.predict(images))


@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith("EncoderWithHead")])
def test_models_with_heads_keep_cupys_rules(strict, name, rng):
    model, inputs, options = LAYERS[name](rng)
    device, x = model._map(strict.asarray), (inputs | options)["x"]
    y, saved = model.forward(x)
    dy = rng.standard_normal(y.shape)
    dx, grads = model.backward(dy, saved)
    device_x, device_dy = strict.asarray(x), strict.asarray(dy)
    with strict.no_host_reads():
        device_y, device_saved = device.forward(device_x)
        device_dx, device_grads = device.backward(device_dy, device_saved)
    same(device_y, y)
    if dx is None:  # of words
        assert device_dx is None
    else:
        same(device_dx, dx)
    assert list(device_grads) == list(grads)
    for key in grads:
        same(device_grads[key], grads[key])


@every_optimizer
def test_training_steps_keep_cupys_rules_and_read_nothing(strict, make, rng):
    host, device, images, labels = pair_of_models(strict, MODELS["everything"], rng)
    optimizers = [make(model.parameters(), weight_decay=0.1) for model in (host, device)]
    averages = [EMA(model.parameters(), decay=0.9) for model in (host, device)]
    device_images, device_labels = strict.asarray(images), strict.asarray(labels)
    for step in range(3):
        options = {"lr": 1e-2, "clip_grad": 0.5, "label_smoothing": 0.1}
        loss = train_step(host, optimizers[0], images, labels, rng=np.random.default_rng(step), **options)
        averages[0].update(step)
        with strict.no_host_reads():
            device_loss = train_step(
                device, optimizers[1], device_images, device_labels, rng=np.random.default_rng(step), **options
            )
            averages[1].update(step)
        same(device_loss, loss)
    for name, array in host.parameters().items():
        # AdamW divides tiny gradients by their own size: what softmax rounds differently on a GPU is magnified.
        same(device.parameters()[name], array, atol=1e-11)
        same(averages[1].average[name], averages[0].average[name], atol=1e-11)


def launches_of_a_plain_step(strict, depth, batch_size):
    """As the trainer makes it: gradients into one vector, clipping, AdamW."""
    model = VisionTransformer(dataclasses.replace(preset("tiny"), depth=depth), rng=np.random.default_rng(0))
    model = model._map(strict.asarray)
    parameters = flatten(model)
    grads, optimizer = FlatArrays(parameters), AdamW(parameters)
    images = strict.asarray(np.ones((batch_size, 1, 28, 28), np.float32))
    labels = strict.asarray(np.zeros(batch_size, np.int64))
    strict.launches().clear()
    grads.add(loss_and_gradients(model, images, labels)[1])
    clip_by_global_norm(grads, 1.0)
    optimizer.step(grads, lr=1e-3)
    return len(strict.launches())


def test_launches_of_a_plain_step_are_few_at_any_batch_size(strict, monkeypatch):
    """Without fused kernels, every op of NumPy is one: 128 a block and 109 around them. CuPy has an erf of its own."""
    erf = wrap(np.vectorize(math.erf, otypes=[np.float32]), "erf")
    monkeypatch.setattr(sys.modules["tinyvit.ops.erf"], "native_erf", lambda x: erf)
    found = [launches_of_a_plain_step(strict, depth, batch_size) for depth, batch_size in ((2, 8), (4, 8), (4, 256))]
    assert found[1] - found[0] <= 2 * 130
    assert found[1] <= 4 * 130 + 110
    assert found[2] == found[1]


def test_clipping_reads_nothing(strict, rng):
    grads = {"a": strict.asarray(rng.standard_normal(5)), "b": strict.asarray(rng.standard_normal((2, 3)))}
    with strict.no_host_reads():
        norm = clip_by_global_norm(grads, 0.1)
    assert type(norm) is strict.ndarray


def test_a_step_that_reads_the_loss_is_caught(strict, rng):
    _, device, images, labels = pair_of_models(strict, MODELS["tanh"], rng)
    logits, _ = device.forward(strict.asarray(images))
    loss, saved = cross_entropy_forward(logits, labels=strict.asarray(labels))
    cross_entropy_backward(1.0, saved)
    with strict.no_host_reads(), pytest.raises(RuntimeError, match=r"float\(\) makes the host wait"):
        float(loss)
    assert strict.host_reads() == ["float()"]
