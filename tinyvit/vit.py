"""The Vision Transformer on one screen: images -> logits, and every arrow back.

Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929, section 3.1; names as in timm.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from .backend import Array, array_module, by_rows
from .config import ViTConfig
from .layers import (
    AttentionPool,
    Block,
    BlockSaved,
    DistilledHead,
    Dropout,
    Gradients,
    Identity,
    Layer,
    LayerNorm,
    Linear,
    PatchEmbed,
    PatchEmbedSaved,
    Pool,
    check_images,
    prefixed,
    spread_to,
    truncated_normal,
)
from .ops import dropout, layer_norm, positions, tokens
from .pretrained import load_model, open_source, save_model_folder
from .resize import resized_model


class EmbedSaved(NamedTuple):
    patch_embed: PatchEmbedSaved
    prepend: tokens.PrependTokensSaved
    position: tokens.AddPositionSaved
    drop: dropout.DropoutSaved | None
    norm_pre: layer_norm.LayerNormSaved | None


class ViTSaved(NamedTuple):
    embed: EmbedSaved
    blocks: list[BlockSaved]
    norm: layer_norm.LayerNormSaved | None
    pool: Any  # PoolSaved or AttentionPoolSaved
    fc_norm: layer_norm.LayerNormSaved | None
    head: Any  # LinearSaved, DistilledHeadSaved or None


class VisionTransformer(Layer):
    """images (B, C, H, W) -> logits (B, K), or features, (B, D) as a rule, when `num_classes` is 0.

    Weights are drawn from `rng` in float32 on the CPU; `to` and `astype` give copies elsewhere.
    """

    fixed: ClassVar[tuple[str, ...]] = ("sincos",)

    def __init__(self, config: ViTConfig, *, rng: np.random.Generator | None = None):
        rng = np.random.default_rng() if rng is None else rng
        C, P, D, prefix = config.in_chans, config.patch_size, config.embed_dim, config.num_prefix_tokens
        sizes, eps = (D, config.num_heads, config.hidden_dim), config.layer_norm_eps
        shared: dict[str, Any] = {"gelu": config.gelu, "rng": rng}
        self.config = config
        if config.class_token:
            self.cls_token: Array = truncated_normal(rng, (1, 1, D))
        if config.num_registers:
            self.reg_token: Array = truncated_normal(rng, (1, config.num_registers, D))
        if config.pos_embed == "learned":
            self.pos_embed: Array = truncated_normal(rng, (1, config.num_tokens, D))
        else:
            self.sincos: Array = positions.sincos2d(D, config.grid_size, num_prefix=prefix)
        self.patch_embed = PatchEmbed(P, C, D, stem=config.stem, bias=not config.pre_norm, **shared)
        self.drop = Dropout(config.drop_rate)
        self.norm_pre: Layer = LayerNorm(D, eps=eps) if config.pre_norm else Identity()
        self.blocks = [
            Block(
                *sizes,
                qkv_bias=config.qkv_bias,
                layer_norm_eps=eps,
                layer_scale=config.layer_scale,
                drop_rate=config.drop_rate,
                drop_path_rate=config.drop_path_rate * index / max(1, config.depth - 1),
                **shared,
            )
            for index in range(config.depth)
        ]
        self.norm: Layer = LayerNorm(D, eps=eps) if config.final_norm and not config.fc_norm else Identity()
        if config.pool == "map":
            self.pool: Layer = AttentionPool(*sizes, num_prefix=prefix, layer_norm_eps=eps, **shared)
        else:
            self.pool = Pool(config.pool, num_prefix=prefix)
        self.fc_norm: Layer = LayerNorm(D, eps=eps) if config.fc_norm else Identity()
        kind, K = DistilledHead if config.pool == "cls+dist" else Linear, config.num_classes
        self.head: Layer = Identity() if kind is Linear and not K else kind(config.num_pooled, K, rng=rng)
        spread_to(config.init_std, self.parameters())

    def forward(self, x: Array, *, rng: np.random.Generator | None = None) -> tuple[Array, ViTSaved]:
        """(B, C, H, W) -> (B, K). With an `rng`, dropout and drop path are at work; without, nothing is random.

        Raises:
            UserError: the images have another shape than the config says.
        """
        x, embed = self._embed(x, rng)  # (B, C, H, W) -> (B, N, D)
        blocks = []
        for block, num_queries in self._blocks():
            x, saved = block.forward(x, rng=rng, num_queries=num_queries)
            blocks.append(saved)
        x, norm = self.norm.forward(x)
        x, pool = self.pool.forward(x)  # (B, N, D) -> (B, D)
        x, fc_norm = self.fc_norm.forward(x)
        logits, head = self.head.forward(x)  # (B, D) -> (B, K)
        return logits, ViTSaved(embed, blocks, norm, pool, fc_norm, head)

    def backward(self, dy: Array, saved: ViTSaved) -> tuple[Array, Gradients]:
        """dlogits (B, K) -> dimages (B, C, H, W) and the gradient of every parameter."""
        dimages, grads = dy, Gradients()
        for dx, part in self.backward_parts(dy, saved):
            dimages, grads = dx, part | grads
        return dimages, grads

    def backward_parts(self, dy: Array, saved: ViTSaved) -> Iterator[tuple[Array, Gradients]]:
        """The forward, read bottom-up: of each part, its dx and the gradients of its parameters.

        Who adds gradients up need not hold all of them, and who trains only the last parts may stop early.
        """
        dx, dhead = self.head.backward(dy, saved.head)
        dx, dfc_norm = self.fc_norm.backward(dx, saved.fc_norm)
        dx, dpool = self.pool.backward(dx, saved.pool)
        yield dx, prefixed("head", dhead) | prefixed("fc_norm", dfc_norm) | prefixed("pool", dpool)
        dx, dnorm = self.norm.backward(dx, saved.norm)
        yield dx, prefixed("norm", dnorm)
        for index in reversed(range(len(self.blocks))):
            dx, dblock = self.blocks[index].backward(dx, saved.blocks[index])
            yield dx, prefixed(f"blocks.{index}", dblock)
        yield self._embed_backward(dx, saved.embed)

    def predict(self, x: Array) -> Array:
        """(B, C, H, W) -> (B, K): the forward that keeps nothing, so that memory does not grow with depth.

        On the CPU, many images are shared among as many threads as the matrix library may use.
        """
        check_images(x, self.config.input_shape, self.dtype)  # whole, before it is cut up
        return by_rows(self._predict, x)

    def _predict(self, x: Array) -> Array:
        x = self._embed(x, None)[0]
        for block, num_queries in self._blocks():
            x = block.forward(x, num_queries=num_queries)[0]
        for layer in (self.norm, self.pool, self.fc_norm, self.head):
            x = layer.forward(x)[0]
        return x

    def hidden_states(self, x: Array) -> list[Array]:
        """(B, C, H, W) -> the tokens (B, N, D) before the first block and after each."""
        states = [self._embed(x, None)[0]]
        for block in self.blocks:
            states.append(block.forward(states[-1])[0])
        return states

    def attention(self, x: Array) -> list[Array]:
        """(B, C, H, W) -> one array (B, h, N, N) per block: row i says how much token i takes from each token."""
        x = self._embed(x, None)[0]
        maps = []
        for block in self.blocks:
            x, saved = block.forward(x)
            maps.append(saved.attention_weights)
        return maps

    def _blocks(self) -> Iterator[tuple[Block, int | None]]:
        """Each block, and how many tokens must come out: of the last one, those that the head looks at."""
        for block in self.blocks:
            yield block, self.config.num_queries if block is self.blocks[-1] else None

    def _embed(self, x: Array, rng: Any) -> tuple[Array, EmbedSaved]:
        """Patches to tokens, the class token and the registers in front, positions added."""
        check_images(x, self.config.input_shape, self.dtype)
        x, patch_embed = self.patch_embed.forward(x)  # (B, C, H, W) -> (B, L, D)
        x, prepend = tokens.prepend_tokens_forward(x, self._prefix_tokens())  # (B, L, D) -> (B, N, D)
        pos_embed = self.pos_embed if self.config.pos_embed == "learned" else self.sincos.astype(x.dtype)
        x, position = tokens.add_position_forward(x, pos_embed)
        x, drop = self.drop.forward(x, rng=rng)
        x, norm_pre = self.norm_pre.forward(x)
        return x, EmbedSaved(patch_embed, prepend, position, drop, norm_pre)

    def _embed_backward(self, dx: Array, saved: EmbedSaved) -> tuple[Array, Gradients]:
        dx, dnorm_pre = self.norm_pre.backward(dx, saved.norm_pre)
        dx, _ = self.drop.backward(dx, saved.drop)
        dx, dpos_embed = tokens.add_position_backward(dx, saved.position)
        dx, dprefix = tokens.prepend_tokens_backward(dx, saved.prepend)
        dimages, dpatch_embed = self.patch_embed.backward(dx, saved.patch_embed)
        grads = prefixed("patch_embed", dpatch_embed) | prefixed("norm_pre", dnorm_pre)
        mine = {"cls_token": dprefix[:, :1], "pos_embed": dpos_embed}
        if self.config.num_registers:
            mine["reg_token"] = dprefix[:, -self.config.num_registers :]
        return dimages, {name: grad for name, grad in mine.items() if hasattr(self, name)} | grads

    def _prefix_tokens(self) -> Array:
        """The class token and the registers, those that there are: (1, T, D)."""
        some = [getattr(self, name) for name in ("cls_token", "reg_token") if hasattr(self, name)]
        some = some or [self.patch_embed.proj.weight[None, :0]]  # (1, 0, D)
        return some[0] if len(some) == 1 else array_module(some[0]).concatenate(some, axis=1)

    resized = resized_model  # (img_size, *, method, antialias, align_corners) -> a copy for images of another size

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors` into `folder`: complete, or not at all. In Hugging Face's layout,
        which `transformers` loads, if it has words for this model; in our own if not.

        Raises:
            UserError: `folder` holds other files, is a file, or cannot be written.
        """
        save_model_folder(folder, self.config, self.parameters())

    @classmethod
    def from_pretrained(cls, path: str | Path, *, num_classes: int | None = None) -> Self:
        """The model in a folder of tinyvit, Hugging Face or timm, or in Google's `.npz`; nothing is run as code.

        With `num_classes`, a new head of so many classes takes the place of the saved one: zeros, as in the paper
        (section 3.2). What tinyvit saved keeps its dtype; others' weights become float32 unless they are wider.

        Raises:
            UserError: files are missing or damaged, a weight is NaN or infinite, or weights and config do not fit
                together.
        """
        return load_model(cls, open_source(path, with_head=num_classes is None), num_classes=num_classes)
