"""Tasks in PyTorch, written independently: the reference that ours are compared with, and timed beside."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..backend import Array, BatchRows, generator
from ..config.mae import MAEConfig
from ..config.scenes import SegmentConfig
from ..datasets import load_dataset
from ..layers import Layer
from ..tasks import task_of
from .setting import LEARNING_RATE, STEP, WEIGHT_DECAY, Side
from .task_sides import new_task_model
from .torch_dit import TorchDiT, flow_matching_loss
from .torch_side import torch_steps
from .torch_twin import Block, TorchViT, from_torch_layout, sincos_table, to_torch_layout


class TorchDecoder(nn.Module):
    def __init__(self, config: MAEConfig):
        super().__init__()
        model, E = config.model, config.decoder_embed_dim
        sizes: dict[str, Any] = {"embed_dim": E, "num_heads": config.decoder_num_heads, "depth": config.decoder_depth}
        plain = dataclasses.replace(model, pos_embed="sincos2d", layer_scale=None, **sizes)
        self.prefix = model.num_prefix_tokens
        self.embed = nn.Linear(model.embed_dim, E)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, E))
        self.table: torch.Tensor
        self.register_buffer("table", sincos_table(plain))
        self.blocks = nn.ModuleList(Block(plain) for _ in range(config.decoder_depth))
        self.norm = nn.LayerNorm(E, eps=model.layer_norm_eps)
        self.pred = nn.Linear(E, model.in_chans * model.patch_size**2)

    def forward(self, tokens: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(tokens)
        x = self.mask_token.expand(len(ids), self.table.shape[1], -1)
        x = x.scatter(1, ids[:, :, None].expand_as(tokens), tokens) + self.table
        for block in self.blocks:
            x = block(x)
        return self.pred(self.norm(x)[:, self.prefix :])


class TorchMAE(nn.Module):
    """images, ids of visible tokens, hidden patches (0 or 1) -> the loss."""

    def __init__(self, config: MAEConfig):
        super().__init__()
        self.config, self.encoder, self.decoder = config, TorchViT(config.model), TorchDecoder(config)

    def forward(self, images: torch.Tensor, ids: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        patch = self.config.model.patch_size
        patches = F.unfold(images, patch, stride=patch).transpose(1, 2)
        variance = patches.var(2, keepdim=True, correction=0)
        target = (patches - patches.mean(2, keepdim=True)) / (variance + self.config.norm_pix_eps).sqrt()
        errors = ((self.decoder(self.encoder.tokens(images, ids), ids) - target) ** 2).mean(2)
        return (errors * hidden).sum() / hidden.sum()  # as many in each image


class TorchSegmenter(nn.Module):
    """images, the classes of the pixels patch by patch (B, L, P*P) -> the loss."""

    def __init__(self, config: SegmentConfig):
        super().__init__()
        model = config.model
        self.config, self.encoder = config, TorchViT(model.with_head(0))
        self.head = nn.Linear(model.embed_dim, model.patch_size**2 * model.num_classes)

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        model = self.config.model
        logits = self.head(self.encoder.tokens(images)[:, model.num_prefix_tokens :])
        logits = logits.unflatten(2, (-1, model.num_classes))
        losses = F.cross_entropy(logits.permute(0, 3, 1, 2), labels, reduction="none")
        each = torch.where(labels == 0, 1.0, self.config.foreground_weight)
        return ((losses * each).sum((1, 2)) / each.sum((1, 2))).mean()


class TorchFlowMatching(nn.Module):
    """images, noise, times, labels -> the loss of the Diffusion Transformer `model`."""

    def __init__(self, config: Any):
        super().__init__()
        self.model = TorchDiT(config.model)

    def forward(self, images: torch.Tensor, noise: torch.Tensor, times: torch.Tensor, labels: torch.Tensor) -> Any:
        return flow_matching_loss(self.model, images, noise, times, labels)


TWINS = {"mae": TorchMAE, "segment": TorchSegmenter, "generate": TorchFlowMatching}


def torch_task(config: Any, model: Layer) -> nn.Module:
    """The same task and model, with the same weights and dtype, in PyTorch: it maps a batch to its loss."""
    twin = TWINS[config.task](config).to(torch.float64 if model.dtype == np.float64 else torch.float32)
    prefix = "model." if config.task == "generate" else ""
    state = {
        f"{prefix}{name}": torch.from_numpy(np.array(torch_layout(name, array, config)))
        for name, array in model.parameters().items()
    }
    missing, unexpected = twin.load_state_dict(state, strict=False)
    if {name.rpartition(".")[2] for name in missing} - {"table"} or unexpected:
        raise ValueError(f"names differ: missing {missing}, unexpected {unexpected}")
    return twin


def torch_layout(name: str, array: Array, config: Any) -> np.ndarray:
    """Linear weights as (out, in), convolutions as (out, C, k, k); the rows of labels stay rows."""
    if name == "label_embed":
        return array
    return to_torch_layout(name.removeprefix("encoder."), array, config.model)


def from_torch_layout_of(twin: nn.Module, config: Any) -> dict[str, np.ndarray]:
    """The gradients of a twin's parameters under our names and in our layout."""
    grads = {}
    parameters: Any = twin.named_parameters()
    for name, parameter in parameters:
        ours, grad = name.removeprefix("model.") if config.task == "generate" else name, parameter.grad.numpy()
        grads[ours] = (
            grad if ours == "label_embed" else from_torch_layout(ours.removeprefix("encoder."), grad, config.model)
        )
    return grads


def torch_task_side(config: Any) -> Side:
    """The same task and model in PyTorch, eager, with its own number of threads; batches are made by the same code."""
    twin = torch_task(config, new_task_model(config))
    optimizer = torch.optim.AdamW(twin.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    task, dataset = task_of(config), load_dataset("mnist")
    chosen = task.order(config, dataset, 0)[: config.batch_size]

    def forward() -> torch.Tensor:
        rng = BatchRows(generator(config.seed, "step", 0), len(chosen), slice(0, len(chosen)))
        return twin(*map(torch.from_numpy, task.batch(config, dataset, chosen, rng)))

    backward, step = torch_steps(optimizer, forward)

    def gradients() -> tuple[float, Mapping[str, np.ndarray]]:
        return backward().item(), from_torch_layout_of(twin, config)

    return Side({STEP: step}, gradients, list, lambda: None)
