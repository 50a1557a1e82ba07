"""Every op against PyTorch: its values, and all its gradients under a random upstream gradient."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tinyvit.gradcheck.cases import op_cases
from tinyvit.gradcheck.samples import op_samples
from tinyvit.ops import OPS


def torch_attention(qkv, *, num_heads, num_queries=None):
    B, N, width = qkv.shape
    q, k, v = qkv.view(B, N, 3, num_heads, -1).permute(2, 0, 3, 1, 4)
    weights = ((q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])).softmax(-1)
    return (weights @ v).transpose(1, 2).reshape(B, N, width // 3)[:, :num_queries]


def torch_unpatchify(patches, *, image_shape, patch_size):
    return F.fold(patches.transpose(1, 2), image_shape, patch_size, stride=patch_size)


def torch_dropout(x, *, keep_mask, drop_prob):
    return x * keep_mask / (1 - drop_prob)


def torch_resample_positions(x, *, grid, new_grid, num_prefix, method="bicubic", antialias=False, align_corners=False):
    prefix, patches = x[:, :num_prefix], x[:, num_prefix:]
    picture = patches.transpose(1, 2).unflatten(2, grid)  # (B, D, h, w)
    picture = F.interpolate(picture, new_grid, mode=method, antialias=antialias, align_corners=align_corners)
    return torch.cat([prefix, picture.flatten(2).transpose(1, 2)], 1)


def torch_conv2d(x, weight, bias, *, stride, padding):
    O, C = weight.shape[1], x.shape[1]
    k = math.isqrt(weight.shape[0] // C)
    return F.conv2d(x, weight.T.reshape(O, C, k, k), bias, stride, padding)


def torch_binary_cross_entropy(logits, *, labels, label_smoothing=0.0):
    targets = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets)


def torch_cross_entropy(logits, labels, weights, label_smoothing):
    if weights is None:
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    if not labels.is_floating_point():
        labels = torch.where(weights > 0, labels, -100)  # what PyTorch ignores
    losses = F.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="none")
    return (weights.to(losses.dtype) * losses).sum()


def torch_gather_tokens(x, *, ids):
    return x.gather(1, ids[..., None].expand(-1, -1, x.shape[2]))


def torch_scatter_tokens(x, mask_token, *, ids, num_tokens):
    B, _, D = x.shape
    return mask_token.expand(B, num_tokens, D).scatter(1, ids[..., None].expand(-1, -1, D), x)


def torch_mse(x, *, target, weights=None):
    losses = F.mse_loss(x, target.to(x.dtype), reduction="none").mean(-1)
    return losses.mean() if weights is None else (weights.to(x.dtype) * losses).sum()


def torch_focal(logits, *, targets, weights=None, alpha=0.25, gamma=2.0):
    truth = targets.to(logits.dtype)
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    p = logits.sigmoid()
    p_t, a_t = p * truth + (1 - p) * (1 - truth), alpha * truth + (1 - alpha) * (1 - truth)
    losses = (a_t * (1 - p_t) ** gamma * losses).sum(-1)
    return losses.mean() if weights is None else (weights.to(logits.dtype) * losses).sum()


def torch_giou(boxes, *, target, weights=None):
    target = target.to(boxes.dtype)

    def area(low, high):
        return (high - low).clamp(min=0).prod(1)

    (low, high), (target_low, target_high) = boxes.split(2, 1), target.split(2, 1)
    inter = area(torch.maximum(low, target_low), torch.minimum(high, target_high))
    union = area(low, high) + area(target_low, target_high) - inter
    hull = area(torch.minimum(low, target_low), torch.maximum(high, target_high))
    losses = 1 - (inter / union - (hull - union) / hull)
    return losses.mean() if weights is None else (weights.to(boxes.dtype) * losses).sum()


def torch_distillation(logits, *, teacher_logits, temperature=1.0, weights=None):
    p, q = ((x / temperature).log_softmax(-1) for x in (logits, teacher_logits.to(logits.dtype)))
    losses = temperature**2 * F.kl_div(p, q, log_target=True, reduction="none").sum(-1)
    return losses.mean() if weights is None else (weights.to(losses.dtype) * losses).sum()


COUNTERPARTS = {
    "patchify": lambda images, patch_size: F.unfold(images, patch_size, stride=patch_size).transpose(1, 2),
    "unpatchify": torch_unpatchify,
    "linear": lambda x, weight, bias: F.linear(x, weight.T, bias),
    "conv2d": torch_conv2d,
    "prepend_tokens": lambda x, tokens: torch.cat([tokens.expand(len(x), -1, -1), x], 1),
    "add_position": lambda x, pos_embed: x + pos_embed,
    "resample_positions": torch_resample_positions,
    "layer_norm": lambda x, weight, bias, eps: F.layer_norm(x, x.shape[-1:], weight, bias, eps),
    "softmax": lambda x: x.softmax(-1),
    "attention": torch_attention,
    "layer_scale": lambda x, gamma: x * gamma,
    "dropout": torch_dropout,
    "drop_path": torch_dropout,
    "gelu": lambda x: F.gelu(x),
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "sigmoid": lambda x: x.sigmoid(),
    "gelu_quick": lambda x: x * torch.sigmoid(1.702 * x),
    "cls_pool": lambda x, num_tokens=1: x[:, :num_tokens].flatten(1),
    "mean_pool": lambda x, num_prefix: x[:, num_prefix:].mean(1),
    "cls_mean_pool": lambda x, num_prefix: torch.cat([x[:, 0], x[:, num_prefix:].mean(1)], 1),
    "cross_entropy": lambda logits, labels, weights=None, label_smoothing=0.0: torch_cross_entropy(
        logits, labels, weights, label_smoothing
    ),
    "binary_cross_entropy": torch_binary_cross_entropy,
    "gather_tokens": torch_gather_tokens,
    "scatter_tokens": torch_scatter_tokens,
    "mse": torch_mse,
    "distillation": torch_distillation,
    "focal": torch_focal,
    "giou": torch_giou,
    "embedding": lambda weight, ids: F.embedding(ids.long(), weight),
    "modulate": lambda x, shift, scale: x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1),
    "gate": lambda x, gate: gate.unsqueeze(1) * x,
    "silu": lambda x: F.silu(x),
}


def test_every_op_has_a_counterpart():
    assert set(COUNTERPARTS) == set(OPS)


def close(ours, theirs, tolerance, name):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    error = np.abs(ours - theirs).max(initial=0) / max(1e-30, np.abs(theirs).max(initial=0))
    assert error < tolerance, f"{name}: relative error {error:.1e}"


@pytest.mark.parametrize("case", [case for name in OPS for case in op_cases(name)], ids=lambda case: case.name)
def test_values_and_gradients(case, precision, rng):
    dtype, tolerance = precision
    op, inputs, options = case.build(rng)
    inputs = {name: None if x is None else x.astype(dtype) for name, x in inputs.items()}
    y, saved = op.forward(*inputs.values(), **options)
    dy = np.asarray(rng.standard_normal(y.shape)).astype(dtype)
    grads = op.backward(dy, saved)
    grads = grads if isinstance(grads, tuple) else (grads,)

    tensors = {n: None if x is None else torch.tensor(x, requires_grad=True) for n, x in inputs.items()}
    torch_options = {n: torch.from_numpy(o) if isinstance(o, np.ndarray) else o for n, o in options.items()}
    if torch_options.get("labels") is not None and torch_options["labels"].is_floating_point():
        torch_options["labels"] = torch_options["labels"].to(getattr(torch, dtype))
    torch_y = COUNTERPARTS[case.name](*tensors.values(), **torch_options)
    torch_y.backward(torch.from_numpy(dy))
    close(y, torch_y, tolerance, "y")
    for (name, tensor), grad in zip(tensors.items(), grads, strict=True):
        if tensor is not None:
            close(grad, tensor.grad, tolerance, f"d{name}")


def test_large_inputs_too(precision, rng):
    """At the sizes of a real layer, where float32 has many terms to add up."""
    dtype, tolerance = precision
    large = {
        "linear": ({"x": (8, 50, 192), "weight": (192, 384), "bias": (384,)}, {}),
        "conv2d": ({"x": (8, 8, 28, 28), "weight": (72, 8), "bias": (8,)}, {"stride": 1, "padding": 1}),
        "layer_norm": ({"x": (8, 50, 192), "weight": (192,), "bias": (192,)}, {"eps": 1e-6}),
        "attention": ({"qkv": (4, 50, 3 * 192)}, {"num_heads": 3}),
        "gelu": ({"x": (8, 50, 768)}, {}),
        "gelu_tanh": ({"x": (8, 50, 768)}, {}),
        "gelu_quick": ({"x": (8, 50, 768)}, {}),
        "softmax": ({"x": (8, 3, 50, 50)}, {}),
    }
    for name, (shapes, options) in large.items():
        inputs = {n: rng.standard_normal(shape).astype(dtype) for n, shape in shapes.items()}
        y, saved = OPS[name].forward(*inputs.values(), **options)
        dy = rng.standard_normal(y.shape).astype(dtype)
        grads = OPS[name].backward(dy, saved)
        tensors = [torch.tensor(x, requires_grad=True) for x in inputs.values()]
        torch_y = COUNTERPARTS[name](*tensors, **options)
        torch_y.backward(torch.from_numpy(dy))
        close(y, torch_y, tolerance, name)
        for tensor, grad in zip(tensors, grads if isinstance(grads, tuple) else (grads,), strict=True):
            close(grad, tensor.grad, tolerance, name)


def test_samples_cover_soft_targets(rng):
    assert any(options["labels"].dtype.kind == "f" for _, options in op_samples("cross_entropy", rng))


def test_binary_cross_entropy_of_huge_logits(precision):
    """Where log σ(z) by itself would be the logarithm of zero."""
    dtype, tolerance = precision
    logits = np.array([[1000, -1000, 88.5, -104], [-1000, 1000, -745, 20]], dtype)
    labels = np.array([[0, 0, 1, 1], [1, 1, 0, 0]], dtype)
    loss, saved = OPS["binary_cross_entropy"].forward(logits, labels=labels)
    tensor = torch.tensor(logits, requires_grad=True)
    torch_loss = torch_binary_cross_entropy(tensor, labels=torch.from_numpy(labels))
    torch_loss.backward()
    close(np.asarray(loss), torch_loss, tolerance, "loss")
    close(OPS["binary_cross_entropy"].backward(1.0, saved), tensor.grad, tolerance, "dlogits")


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_weights_of_classes_are_pytorchs(precision, smoothing, rng):
    """Its weighted mean divides by the weights of the batch's labels, as weights that add up to one do. With smoothing,
    PyTorch weighs each class of the target, we the row: the same only where smoothing is 0.
    """
    dtype, tolerance = precision
    logits, labels = rng.standard_normal((7, 4)).astype(dtype), np.array([0, 3, 1, 1, 0, 2, 3])
    of_classes = np.array([0.5, 2.0, 1.3, 0.0]).astype(dtype)
    weights = of_classes[labels] / of_classes[labels].sum()
    op = OPS["cross_entropy"]
    loss, saved = op.forward(logits, labels=labels, weights=weights, label_smoothing=smoothing)
    tensor = torch.tensor(logits, requires_grad=True)
    if smoothing:
        losses = F.cross_entropy(tensor, torch.tensor(labels), label_smoothing=smoothing, reduction="none")
        torch_loss = (torch.tensor(weights) * losses).sum()
    else:
        torch_loss = F.cross_entropy(tensor, torch.tensor(labels), weight=torch.tensor(of_classes))
    torch_loss.backward()
    close(np.asarray(loss), torch_loss, tolerance, "loss")
    close(op.backward(1.0, saved), tensor.grad, tolerance, "dlogits")


@pytest.mark.parametrize("ignored", [-100, 255, 2])
def test_weight_0_is_pytorchs_ignore_index(precision, ignored, rng):
    dtype, tolerance = precision
    logits, labels = rng.standard_normal((6, 4)).astype(dtype), np.array([0, ignored, 3, ignored, 1, 0])
    counted = labels != ignored
    op = OPS["cross_entropy"]
    loss, saved = op.forward(logits, labels=labels, weights=counted / counted.sum())
    tensor = torch.tensor(logits, requires_grad=True)
    torch_loss = F.cross_entropy(tensor, torch.tensor(labels), ignore_index=ignored)
    torch_loss.backward()
    close(np.asarray(loss), torch_loss, tolerance, "loss")
    close(op.backward(1.0, saved), tensor.grad, tolerance, "dlogits")


def test_losses_of_boxes_are_torchvisions(precision, rng):
    ops = pytest.importorskip("torchvision").ops
    dtype, tolerance = precision
    logits, targets = 3 * rng.standard_normal((6, 5)).astype(dtype), rng.random((6, 5)) > 0.7
    loss, saved = OPS["focal"].forward(logits, targets=targets)
    tensor = torch.tensor(logits, requires_grad=True)
    torch_loss = ops.sigmoid_focal_loss(tensor, torch.tensor(targets).to(tensor.dtype)).sum() / 6
    torch_loss.backward()
    close(np.asarray(loss), torch_loss, tolerance, "focal")
    close(OPS["focal"].backward(1.0, saved), tensor.grad, tolerance, "dlogits")
    for case in op_cases("giou"):
        _, inputs, options = case.build(rng)
        boxes, target = inputs["boxes"].astype(dtype), options["target"].astype(dtype)
        loss, saved = OPS["giou"].forward(boxes, target=target)
        tensor = torch.tensor(boxes, requires_grad=True)
        torch_loss = ops.generalized_box_iou_loss(tensor, torch.tensor(target), reduction="mean", eps=0.0)
        torch_loss.backward()
        close(np.asarray(loss), torch_loss, tolerance, "giou")
        close(OPS["giou"].backward(1.0, saved), tensor.grad, tolerance, "dboxes")
