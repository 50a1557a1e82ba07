"""A plain Diffusion Transformer in PyTorch, written independently: the reference of comparisons with `layers.DiT`."""

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..config import ViTConfig
from ..layers import DiT
from ..tasks.flow_matching import MIN_TIME
from .torch_twin import Attention, Mlp, PatchEmbed, sincos_table, to_torch_layout


def modulated(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor, eps: float) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=eps) * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class Block(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        self.eps = config.layer_norm_eps
        self.attn = Attention(config)
        self.mlp = Mlp(config)
        self.ada = nn.Linear(config.embed_dim, 6 * config.embed_dim)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.ada(condition).chunk(6, dim=1)
        x = x + gate1.unsqueeze(1) * self.attn(modulated(x, shift1, scale1, self.eps))
        return x + gate2.unsqueeze(1) * self.mlp(modulated(x, shift2, scale2, self.eps))


class TimeEmbed(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        self.num_frequencies = config.embed_dim // 2
        self.fc1 = nn.Linear(config.embed_dim, config.embed_dim)
        self.fc2 = nn.Linear(config.embed_dim, config.embed_dim)

    def forward(self, times: torch.Tensor) -> torch.Tensor:
        frequencies = torch.tensor(
            [10000 ** -(i / self.num_frequencies) for i in range(self.num_frequencies)], dtype=torch.float64
        )
        angles = 1000 * times.double()[:, None] * frequencies
        features = torch.cat([angles.cos(), angles.sin()], dim=1).to(times.dtype)
        return self.fc2(F.silu(self.fc1(features)))


class TorchDiT(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        C, P, D = config.in_chans, config.patch_size, config.embed_dim
        plain = dataclasses.replace(config, pool="mean", class_token=False, num_registers=0, pos_embed="sincos2d")
        self.config = config
        self.table: torch.Tensor
        self.register_buffer("table", sincos_table(plain))
        self.patch_embed = PatchEmbed(plain)
        self.time_embed = TimeEmbed(config)
        self.label_embed = nn.Parameter(torch.zeros(config.num_classes + 1, D))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.ada = nn.Linear(D, 2 * D)
        self.head = nn.Linear(D, C * P * P)

    def forward(self, x: torch.Tensor, times: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        config = self.config
        condition = F.silu(self.time_embed(times) + self.label_embed[labels])
        x = self.patch_embed(x) + self.table
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.ada(condition).chunk(2, dim=1)
        x = self.head(modulated(x, shift, scale, config.layer_norm_eps))
        return F.fold(x.transpose(1, 2), config.image_shape, config.patch_size, stride=config.patch_size)


def flow_matching_loss(
    model: TorchDiT, images: torch.Tensor, noise: torch.Tensor, times: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """The mean squared error of the velocity, as `tasks.flow_matching` has it."""
    t = times.view(-1, 1, 1, 1)
    least = t.clamp(min=MIN_TIME)
    x = (1 - t) * images + t * noise
    return F.mse_loss((x - model(x, times, labels)) / least, (x - images) / least)


def torch_layout(name: str, array: np.ndarray, config: ViTConfig) -> np.ndarray:
    """Linear weights as (out, in); the rows of the labels stay rows."""
    return array if name == "label_embed" else to_torch_layout(name, array, config)


def torch_dit(model: DiT) -> TorchDiT:
    """The same model, with the same weights and dtype, in PyTorch."""
    twin = TorchDiT(model.config).to(torch.float64 if model.dtype == np.float64 else torch.float32)
    state = {
        name: torch.from_numpy(np.array(torch_layout(name, array, model.config)))
        for name, array in model.parameters().items()
    }
    missing, unexpected = twin.load_state_dict(state, strict=False)
    if set(missing) - {"table"} or unexpected:
        raise ValueError(f"names differ: missing {missing}, unexpected {unexpected}")
    return twin
