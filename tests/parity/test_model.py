"""The whole model against PyTorch, with copied weights: logits, loss, every gradient, ten steps of training."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from tests.support import others_slow
from tinyvit.bench.torch_twin import to_torch_layout, torch_twin
from tinyvit.config import ViTConfig
from tinyvit.config.presets import PRESETS
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.gradcheck.hessian import hessian_vector_product
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward
from tinyvit.optim import SGD, AdamW, decays, warmup_cosine
from tinyvit.training import loss_and_gradients, train_step
from tinyvit.vit import VisionTransformer

CONFIGS = {
    **{name: dataclasses.replace(config, drop_rate=0.0, drop_path_rate=0.0) for name, config in MODELS.items()},
    "tiny": PRESETS["tiny"],
    "tiny, conv": dataclasses.replace(PRESETS["tiny"], stem="conv"),
    "wide": ViTConfig(img_size=(32, 48), patch_size=8, num_classes=7, embed_dim=96, depth=3, num_heads=6),
}


def build(config, dtype, seed=0):
    rng = np.random.default_rng(seed)
    model = VisionTransformer(config, rng=rng)
    if config.embed_dim <= 8:
        model = shaken(model, rng)  # small ones far from their first weights, the others as they are born
    return model.astype(dtype)


def batch(config, dtype, seed=1, size=6):
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((size, config.in_chans, *config.image_shape)).astype(dtype)
    return images, rng.integers(0, config.num_classes or config.embed_dim, size)


def close(ours, theirs, tolerance, name):
    theirs = theirs.detach().numpy()
    assert ours.dtype == theirs.dtype
    error = np.abs(ours - theirs).max() / max(1e-30, np.abs(theirs).max())
    assert error < tolerance, f"{name}: relative error {error:.1e}"


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_loss_and_every_gradient(name, precision):
    dtype, tolerance = precision
    config = CONFIGS[name]
    model = build(config, dtype)
    images, labels = batch(config, dtype)
    logits, saved = model.forward(images)
    loss, loss_saved = cross_entropy_forward(logits, labels=labels, label_smoothing=0.1)
    dimages, grads = model.backward(cross_entropy_backward(1.0, loss_saved), saved)

    twin = torch_twin(model)
    torch_images = torch.tensor(images, requires_grad=True)
    torch_logits = twin(torch_images)
    torch_loss = F.cross_entropy(torch_logits, torch.from_numpy(labels), label_smoothing=0.1)
    torch_loss.backward()
    close(logits, torch_logits, tolerance, "logits")
    close(loss, torch_loss, tolerance, "loss")
    close(dimages, torch_images.grad, tolerance, "dimages")
    torch_grads = {name: parameter.grad for name, parameter in twin.named_parameters()}
    assert set(torch_grads) == set(grads)
    for key, grad in grads.items():
        close(to_torch_layout(key, grad, config), torch_grads[key], tolerance, key)


@pytest.mark.parametrize("name", others_slow(["cls token, erf", "tanh", "pre-norm, quick"]))
def test_hessian_vector_products(name):
    """By dual numbers through our backward, and by PyTorch's gradient of a gradient."""
    config = CONFIGS[name]
    model = build(config, "float64")
    images, labels = batch(config, "float64", size=2)
    rng = np.random.default_rng(4)
    v = {key: rng.standard_normal(array.shape) for key, array in model.parameters().items()}

    def gradients(model):
        return loss_and_gradients(model, images.astype(model.dtype), labels)[1]

    twin = torch_twin(model)
    parameters = dict(twin.named_parameters())
    with sdpa_kernel(SDPBackend.MATH):  # the one that has second derivatives
        loss = F.cross_entropy(twin(torch.from_numpy(images)), torch.from_numpy(labels))
        slopes = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
        directions = [torch.tensor(to_torch_layout(key, v[key], config).copy()) for key in parameters]
        along = sum((slope * direction).sum() for slope, direction in zip(slopes, directions, strict=True))
        theirs = dict(zip(parameters, torch.autograd.grad(along, list(parameters.values())), strict=True))
    for key, product in hessian_vector_product(gradients, model, v).items():
        close(to_torch_layout(key, product, config), theirs[key], 1e-10, key)


OPTIMIZERS = {  # ours, PyTorch's, the options of both, a learning rate
    "adamw": (AdamW, torch.optim.AdamW, {}, 1e-3),
    "sgd": (SGD, torch.optim.SGD, {"momentum": 0.9}, 0.05),
    "nesterov": (SGD, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, 0.05),
}


def groups(twin, model):
    """PyTorch's parameters in two groups: what decays, and what does not."""
    ours = model.parameters()
    return [
        {"params": [p for n, p in twin.named_parameters() if decays(n, ours[n]) == decaying], "weight_decay": decay}
        for decaying, decay in ((True, 0.05), (False, 0.0))
    ]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_training_steps(name, precision):
    dtype, tolerance = precision
    config = dataclasses.replace(PRESETS["tiny"], depth=2)
    model = build(config, dtype)
    twin = torch_twin(model)
    make, torch_make, options, peak = OPTIMIZERS[name]
    optimizer = make(model.parameters(), weight_decay=0.05, **options)
    torch_opt = torch_make(groups(twin, model), lr=1.0, **options)
    losses, torch_losses = [], []
    for step in range(10):
        images, labels = batch(config, dtype, seed=step, size=16)
        lr = warmup_cosine(step, lr=peak, total_steps=10, warmup_steps=3)
        losses.append(train_step(model, optimizer, images, labels, lr=lr, clip_grad=0.5))

        for group in torch_opt.param_groups:
            group["lr"] = lr
        torch_opt.zero_grad()
        torch_loss = F.cross_entropy(twin(torch.from_numpy(images)), torch.from_numpy(labels))
        torch_loss.backward()
        torch.nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
        torch_opt.step()
        torch_losses.append(torch_loss.item())
    np.testing.assert_allclose(losses, torch_losses, rtol=tolerance)
    assert len(set(np.round(torch_losses, 4))) > 5  # something was learnt, or at least moved
    if dtype == "float64":
        for name, parameter in twin.named_parameters():
            close(to_torch_layout(name, model.parameters()[name], config), parameter, 1e-8, name)
