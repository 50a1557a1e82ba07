"""A plain Vision Transformer in PyTorch with timm's names, written independently: the reference of comparisons.

The tests take it as a second witness, `tinyvit bench` as the other side. Nothing else in tinyvit knows PyTorch.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..config import ViTConfig
from ..config.vit import STEM_CHANS
from ..vit import VisionTransformer


class Attention(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        self.num_heads = config.num_heads
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim, bias=config.qkv_bias)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, N, D = x.shape
        q, k, v = self.qkv(x).view(B, N, 3, self.num_heads, D // self.num_heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, N, D))


class QuickGelu(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


def gelu(config: ViTConfig) -> nn.Module:
    if config.gelu == "quick":
        return QuickGelu()
    return nn.GELU(approximate="tanh" if config.gelu == "tanh" else "none")


class Mlp(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        self.fc1 = nn.Linear(config.embed_dim, config.hidden_dim)
        self.fc2 = nn.Linear(config.hidden_dim, config.embed_dim)
        self.gelu = gelu(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.gelu(self.fc1(x)))


class Scale(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        scaled = config.layer_scale is not None
        self.norm1 = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.attn = Attention(config)
        self.ls1 = Scale(config.embed_dim) if scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.mlp = Mlp(config)
        self.ls2 = Scale(config.embed_dim) if scaled else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class ConvStem(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        self.conv1 = nn.Conv2d(config.in_chans, STEM_CHANS, 3, padding=1)
        self.conv2 = nn.Conv2d(STEM_CHANS, STEM_CHANS, 3, padding=1)
        self.gelu = gelu(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gelu(self.conv2(self.gelu(self.conv1(x))))


class PatchEmbed(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        self.stem = ConvStem(config) if config.stem == "conv" else nn.Identity()
        chans = STEM_CHANS if config.stem == "conv" else config.in_chans
        bias = not config.pre_norm
        self.proj = nn.Conv2d(chans, config.embed_dim, config.patch_size, stride=config.patch_size, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.proj(self.stem(x)).flatten(2).transpose(1, 2)


class Pool(nn.Module):
    """(B, N, D) -> (B, D) or (B, 2D)."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.kind, self.prefix = config.pool, config.num_prefix_tokens
        if self.kind == "map":
            self.latent = nn.Parameter(torch.zeros(1, 1, config.embed_dim))
            self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim)
            self.proj = nn.Linear(config.embed_dim, config.embed_dim)
            self.norm = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
            self.mlp = Mlp(config)
            self.num_heads = config.num_heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = x[:, self.prefix :]
        if self.kind == "map":
            q = self.qkv(self.latent).chunk(3, -1)[0].expand(len(x), -1, -1)
            _, *kv = self.qkv(patches).chunk(3, -1)
            heads = (t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (q, *kv))
            y = self.proj(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))
            return (y + self.mlp(self.norm(y)))[:, 0]
        parts = {"cls": x[:, :1], "cls+dist": x[:, :2], "mean": patches.mean(1, keepdim=True)}
        parts["cls+mean"] = torch.cat([parts["cls"], parts["mean"]], dim=1)
        return parts[self.kind].flatten(1)


class DistilledHead(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()
        K = config.num_classes
        self.cls, self.dist = (nn.Linear(config.embed_dim, K) if K else nn.Identity() for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cls, dist = x.chunk(2, dim=1)
        return (self.cls(cls) + self.dist(dist)) / 2


class TorchViT(nn.Module):
    def __init__(self, config: ViTConfig):
        super().__init__()

        def norm(wanted: bool) -> nn.Module:
            return nn.LayerNorm(D, eps=config.layer_norm_eps) if wanted else nn.Identity()

        self.config = config
        D = config.embed_dim
        if config.class_token:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, D))
        if config.num_registers:
            self.reg_token = nn.Parameter(torch.zeros(1, config.num_registers, D))
        if config.pos_embed == "learned":
            self.pos_embed = nn.Parameter(torch.zeros(1, config.num_tokens, D))
        else:
            self.table: torch.Tensor
            self.register_buffer("table", sincos_table(config))
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm_pre = norm(config.pre_norm)
        self.norm = norm(config.final_norm and not config.fc_norm)
        self.pool = Pool(config)
        self.fc_norm = norm(config.fc_norm)
        self.head: nn.Module = nn.Linear(config.num_pooled, config.num_classes) if config.num_classes else nn.Identity()
        if config.pool == "cls+dist":
            self.head = DistilledHead(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.fc_norm(self.pool(self.tokens(x))))

    def tokens(self, x: torch.Tensor, ids: torch.Tensor | None = None) -> torch.Tensor:
        """(B, C, H, W) -> tokens (B, N, D) after the last norm, or those of `ids` (B, M)."""
        config = self.config
        tokens = [getattr(self, name) for name in ("cls_token", "reg_token") if hasattr(self, name)]
        x = torch.cat([token.expand(len(x), -1, -1) for token in tokens] + [self.patch_embed(x)], dim=1)
        x = x + (self.pos_embed if config.pos_embed == "learned" else self.table)
        x = self.norm_pre(x)
        if ids is not None:
            x = x[torch.arange(len(x))[:, None], ids]
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def sincos_table(config: ViTConfig) -> torch.Tensor:
    rows, columns = config.grid_size
    quarter = config.embed_dim // 4
    table = torch.zeros(1, config.num_tokens, config.embed_dim, dtype=torch.float64)
    for row in range(rows):
        for column in range(columns):
            for i in range(quarter):
                omega = 1 / 10000 ** (i / quarter)
                token = table[0, config.num_prefix_tokens + row * columns + column]
                token[i], token[quarter + i] = math.sin(column * omega), math.cos(column * omega)
                token[2 * quarter + i], token[3 * quarter + i] = math.sin(row * omega), math.cos(row * omega)
    return table


def to_torch_layout(name: str, array: np.ndarray, config: ViTConfig) -> np.ndarray:
    """PyTorch keeps linear weights as (out, in), and a convolution's, the patch embedding's too, as (out, C, k, k)."""
    if name.startswith("patch_embed") and array.ndim == 2:
        k = config.patch_size if name == "patch_embed.proj.weight" else 3
        return array.T.reshape(array.shape[1], -1, k, k)
    return array.T if array.ndim == 2 else array


def from_torch_layout(name: str, array: np.ndarray, config: ViTConfig) -> np.ndarray:
    """The inverse of `to_torch_layout`."""
    return array.reshape(len(array), -1).T if array.ndim in (2, 4) else array


def torch_twin(model: VisionTransformer) -> TorchViT:
    """The same model, with the same weights and dtype, in PyTorch."""
    dtype = torch.float64 if model.dtype == np.float64 else torch.float32
    twin = TorchViT(model.config).to(dtype)
    state = {
        name: torch.from_numpy(np.array(to_torch_layout(name, array, model.config)))
        for name, array in model.parameters().items()
    }
    missing, unexpected = twin.load_state_dict(state, strict=False)
    if set(missing) - {"table"} or unexpected:
        raise ValueError(f"names differ: missing {missing}, unexpected {unexpected}")
    return twin
