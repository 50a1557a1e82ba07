"""The Diffusion Transformer against PyTorch, with copied weights: images, every gradient, ten steps of training."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.parity.test_model import close
from tinyvit.bench.torch_dit import flow_matching_loss, torch_dit, torch_layout
from tinyvit.config import ViTConfig
from tinyvit.config.presets import PRESETS
from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import DiT
from tinyvit.optim import AdamW
from tinyvit.tasks.flow_matching import flow_matching

CONFIGS = {
    "digits": PRESETS["tiny"],
    "oblong, colours": ViTConfig(
        img_size=(12, 20), patch_size=4, num_classes=3, embed_dim=24, depth=3, num_heads=2, gelu="tanh"
    ),
    "no qkv bias, eps": ViTConfig(
        img_size=6, patch_size=2, in_chans=2, num_classes=5, embed_dim=8, depth=1, num_heads=4, qkv_bias=False,
        layer_norm_eps=0.1, mlp_ratio=1.5,
    ),
}  # fmt: skip


def setting(config, dtype):
    """A model far from its first weights, noisy images, times, labels with one unknown among them."""
    rng = np.random.default_rng(0)
    model = shaken(DiT(config, rng=rng), rng)
    for array in model.parameters().values():
        array *= 0.3
    images, target = rng.standard_normal((2, 5, *config.input_shape)).astype(dtype)
    labels = rng.integers(0, config.num_classes, 5)
    labels[2] = config.num_classes
    return model.astype(dtype), images, target, rng.uniform(0, 1, 5).astype(dtype), labels


@pytest.mark.parametrize("name", CONFIGS)
def test_images_and_every_gradient(name, precision):
    dtype, tolerance = precision
    config = CONFIGS[name]
    model, images, target, times, labels = setting(config, dtype)
    y, saved = model.forward(images, times=times, labels=labels)
    dimages, grads = model.backward(target, saved)
    twin = torch_dit(model)
    torch_images = torch.tensor(images, requires_grad=True)
    torch_y = twin(torch_images, torch.from_numpy(times), torch.from_numpy(labels))
    torch_y.backward(torch.from_numpy(target))
    close(y, torch_y, tolerance, "y")
    close(dimages, torch_images.grad, tolerance, "dimages")
    theirs = {name: parameter.grad for name, parameter in twin.named_parameters()}
    assert set(theirs) == set(grads)
    for key, grad in grads.items():
        close(torch_layout(key, grad, config), theirs[key], tolerance, key)


def test_ten_steps_of_flow_matching_have_the_same_losses(precision):
    dtype, tolerance = precision
    config = dataclasses.replace(PRESETS["tiny"], depth=2)
    model, noise, images, times, labels = setting(config, dtype)
    twin = torch_dit(model)
    optimizer = AdamW(model.parameters(), weight_decay=0.0)
    theirs = torch.optim.AdamW(twin.parameters(), lr=1e-3, weight_decay=0.0)
    tensors = [torch.from_numpy(x) for x in (images, noise, times, labels)]
    for _ in range(10):
        loss, grads = flow_matching(model, images, noise, times, labels)
        optimizer.step(grads, lr=1e-3)
        torch_loss = flow_matching_loss(twin, *tensors)
        theirs.zero_grad()
        torch_loss.backward()
        theirs.step()
        close(loss, torch_loss, tolerance, "loss")
