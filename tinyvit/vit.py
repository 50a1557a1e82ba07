"""The Vision Transformer: images -> tokens -> logits, and every gradient back.

Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929, section 3.1; names as in timm.
"""

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, Unpack

import numpy as np

from . import layers, ops
from .backend import Array, array_module, by_rows
from .config import ViTConfig
from .layers import Grads, Layer, prefixed
from .ops.positions import sincos2d


class EmbedSaved(NamedTuple):
    patch_embed: Any  # PatchEmbedSaved or WordEmbedSaved
    prepend: ops.PrependTokensSaved
    position: ops.AddPositionSaved
    drop: ops.DropoutSaved | None
    norm_pre: ops.LayerNormSaved | None


class FeaturesSaved(NamedTuple):
    embed: EmbedSaved
    gather: ops.GatherTokensSaved | None  # where some tokens were chosen
    blocks: list[layers.BlockSaved]
    norm: ops.LayerNormSaved | None


class ViTSaved(NamedTuple):
    features: FeaturesSaved
    pool: Any  # PoolSaved or AttentionPoolSaved
    fc_norm: ops.LayerNormSaved | None
    head: Any  # LinearSaved, DistilledHeadSaved or None


class VisionTransformer(Layer):
    """images (B, C, H, W) -> logits (B, K), or features, (B, D) as a rule, when `num_classes` is 0.

    Weights are drawn from `rng` in float32 on the CPU; `to` and `astype` give copies elsewhere.
    """

    fixed: ClassVar[tuple[str, ...]] = ("sincos",)

    def __init__(self, config: ViTConfig, *, rng: np.random.Generator | None = None):
        rng = np.random.default_rng() if rng is None else rng
        D, prefix = config.embed_dim, config.num_prefix_tokens
        sizes, eps = (D, config.num_heads, config.hidden_dim), config.layer_norm_eps
        shared: dict[str, Any] = {"gelu": config.gelu, "rng": rng}  # by every block, and by a pool that attends

        def norm(is_there: bool) -> Layer:
            return layers.LayerNorm(D, eps=eps) if is_there else layers.Identity()

        self.config = config
        if config.class_token:
            self.cls_token: Array = layers.truncated_normal(rng, (1, 1, D))
        if config.num_registers:
            self.reg_token: Array = layers.truncated_normal(rng, (1, config.num_registers, D))
        if config.pos_embed == "learned":
            self.pos_embed: Array = layers.truncated_normal(rng, (1, config.num_tokens, D))
        else:
            self.sincos: Array = sincos2d(D, config.grid_size, num_prefix=prefix)
        self.patch_embed = layers.patch_embed(config, rng=rng)
        self.drop: Layer = layers.Dropout(config.drop_rate) if config.drop_rate else layers.Identity()
        self.norm_pre = norm(config.pre_norm)
        options: dict[str, Any] = {"qkv_bias": config.qkv_bias, "layer_scale": config.layer_scale, **shared}
        rates = [config.drop_path_rate * index / max(1, config.depth - 1) for index in range(config.depth)]
        self.blocks = [
            layers.Block(*sizes, layer_norm_eps=eps, drop_rate=config.drop_rate, drop_path_rate=rate, **options)
            for rate in rates
        ]
        self.norm = norm(config.final_norm and not config.fc_norm)
        if config.pool == "map":
            self.pool: Layer = layers.AttentionPool(*sizes, num_prefix=prefix, layer_norm_eps=eps, **shared)
        else:
            self.pool = layers.Pool(config.pool, num_prefix=prefix)
        self.fc_norm = norm(config.fc_norm)
        self.head: Layer = layers.Identity()  # features alone
        if config.pool == "cls+dist":
            self.head = layers.DistilledHead(config.num_pooled, config.num_classes, rng=rng)
        elif config.num_classes:
            self.head = layers.Linear(config.num_pooled, config.num_classes, rng=rng)
        layers.spread_to(config.init_std, self.parameters())

    def forward(self, x: Array, *, rng: np.random.Generator | None = None) -> tuple[Array, ViTSaved]:
        """(B, C, H, W) -> (B, K). With an `rng`, dropout and drop path are at work; without, nothing is random.

        Raises:
            TypeError: the images are no array.
            UserError: they have another shape than the config says, or another dtype than the model.
        """
        num_queries = self.config.num_queries  # Q tokens that the pool looks at, 1 for the class token alone
        x, features_saved = self._encode(x, rng=rng, num_queries=num_queries)  # (B, C, H, W) -> (B, Q, D)
        x, pool_saved = self.pool.forward(x)  # -> (B, D)
        x, fc_norm_saved = self.fc_norm.forward(x)
        logits, head_saved = self.head.forward(x)  # (B, D) -> (B, K)
        return logits, ViTSaved(features_saved, pool_saved, fc_norm_saved, head_saved)

    def backward(self, dy: Array, saved: ViTSaved) -> tuple[Array, Grads]:
        """dlogits (B, K) -> dimages (B, C, H, W) and the gradient of every parameter."""
        return _collected(self.backward_parts(dy, saved))

    def backward_parts(self, dy: Array, saved: ViTSaved) -> Iterator[tuple[Array, Grads]]:
        """The forward, read bottom-up: of each part, its dx and the gradients of its parameters.

        A generator: who adds gradients up need not hold all of them, and who trains only the last parts may stop early.
        """
        dx, dhead = self.head.backward(dy, saved.head)
        dx, dfc_norm = self.fc_norm.backward(dx, saved.fc_norm)
        dx, dpool = self.pool.backward(dx, saved.pool)
        yield dx, prefixed("head", dhead) | prefixed("fc_norm", dfc_norm) | prefixed("pool", dpool)
        yield from self._encode_backward(dx, saved.features)

    def forward_features(self, x: Array, *, ids: Array | None = None, rng: Any = None) -> tuple[Array, FeaturesSaved]:
        """(B, C, H, W) -> tokens (B, N, D) after the last norm; with `ids` (B, V), these tokens alone: (B, V, D)."""
        return self._encode(x, ids=ids, rng=rng)

    def backward_features(self, dtokens: Array, saved: FeaturesSaved) -> tuple[Array, Grads]:
        """(B, N, D) -> dimages (B, C, H, W) and the gradient of every parameter but those of pool, fc_norm and head."""
        return _collected(self._encode_backward(dtokens, saved))

    def _encode(
        self, x: Array, *, ids: Array | None = None, rng: Any = None, num_queries: int | None = None
    ) -> tuple[Array, FeaturesSaved]:
        """Images to tokens; of the last block the first `num_queries` alone, for nothing after it reads the others."""
        x, embed_saved = self._embed(x, rng)
        x, gather_saved = (x, None) if ids is None else ops.gather_tokens_forward(x, ids=ids)  # (B, N, D) -> (B, V, D)
        blocks_saved = []
        for block in self.blocks:
            x, saved = block.forward(x, rng=rng, num_queries=num_queries if block is self.blocks[-1] else None)
            blocks_saved.append(saved)
        x, norm_saved = self.norm.forward(x)
        return x, FeaturesSaved(embed_saved, gather_saved, blocks_saved, norm_saved)

    def _encode_backward(self, dx: Array, saved: FeaturesSaved) -> Iterator[tuple[Array, Grads]]:
        dx, dnorm = self.norm.backward(dx, saved.norm)
        yield dx, prefixed("norm", dnorm)
        for index in reversed(range(len(self.blocks))):
            dx, dblock = self.blocks[index].backward(dx, saved.blocks[index])
            yield dx, prefixed(f"blocks.{index}", dblock)
        if saved.gather is not None:
            dx = ops.gather_tokens_backward(dx, saved.gather)
        yield self._embed_backward(dx, saved.embed)

    def predict(self, x: Array) -> Array:
        """(B, C, H, W) -> (B, K): the forward that keeps nothing, so that memory does not grow with depth.

        On the CPU, many images are shared among as many threads as the matrix library may use.
        """
        self.patch_embed.check(x, self.config.input_shape, self.dtype)  # whole, before it is cut up
        return by_rows(self._predict, x)

    def _predict(self, x: Array) -> Array:
        x = self._embed(x, None)[0]
        for block in self.blocks:
            x = block.forward(x, num_queries=self.config.num_queries if block is self.blocks[-1] else None)[0]
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
            maps.append(saved.attention_weights.astype(x.dtype, copy=False))
        return maps

    def _embed(self, x: Array, rng: Any) -> tuple[Array, EmbedSaved]:
        """Patches to tokens, the class token and the registers in front, positions added."""
        self.patch_embed.check(x, self.config.input_shape, self.dtype)
        x, patch_embed_saved = self.patch_embed.forward(x)  # (B, C, H, W) -> (B, L, D)
        x, prepend_saved = ops.prepend_tokens_forward(x, self._prefix_tokens())  # (B, L, D) -> (B, N, D)
        pos_embed = self.pos_embed if self.config.pos_embed == "learned" else self.sincos.astype(x.dtype)
        x, position_saved = ops.add_position_forward(x, pos_embed)
        x, drop_saved = self.drop.forward(x, rng=rng)
        x, norm_pre_saved = self.norm_pre.forward(x)
        return x, EmbedSaved(patch_embed_saved, prepend_saved, position_saved, drop_saved, norm_pre_saved)

    def _embed_backward(self, dx: Array, saved: EmbedSaved) -> tuple[Array, Grads]:
        dx, dnorm_pre = self.norm_pre.backward(dx, saved.norm_pre)
        dx, _ = self.drop.backward(dx, saved.drop)
        dx, dpos_embed = ops.add_position_backward(dx, saved.position)
        dx, dprefix = ops.prepend_tokens_backward(dx, saved.prepend)
        dimages, dpatch_embed = self.patch_embed.backward(dx, saved.patch_embed)
        grads = prefixed("patch_embed", dpatch_embed) | prefixed("norm_pre", dnorm_pre)
        mine = {"cls_token": dprefix[:, :1], "pos_embed": dpos_embed}
        if self.config.num_registers:
            mine["reg_token"] = dprefix[:, -self.config.num_registers :]
        return dimages, {name: grad for name, grad in mine.items() if hasattr(self, name)} | grads

    def _prefix_tokens(self) -> Array:
        """The class token and the registers, those that there are: (1, T, D)."""
        some = [getattr(self, name) for name in ("cls_token", "reg_token") if hasattr(self, name)]
        some = some or [self.patch_embed.proj.weight[None, :0]]  # none: (1, 0, D), empty, of the model's dtype
        return some[0] if len(some) == 1 else array_module(some[0]).concatenate(some, axis=1)

    def resized(self, img_size: int | tuple[int, int], **options: Unpack[ops.ResampleOptions]) -> Self:
        """A copy for images of `img_size` (one number, or height and width); nothing is shared with this model.

        Patches keep their size, and positions are interpolated by their place in the image (section 3.2). Fixed ones
        become learned: a table made anew for the larger grid would give the old positions to other places.

        Raises:
            UserError: the patches do not divide the new size, or there is no such method.
        """
        grid, config = self.config.grid_size, self.config.resized(img_size)
        if config.pos_embed != "learned" and config.grid_size == grid:
            return copy.deepcopy(self)  # the table is what it would be
        sizes: dict[str, Any] = {"grid": grid, "new_grid": config.grid_size, "num_prefix": config.num_prefix_tokens}
        twin = self.with_learned_positions()
        twin.config = dataclasses.replace(config, pos_embed="learned")
        twin.pos_embed, _ = ops.resample_positions_forward(twin.pos_embed, **sizes, **options)
        return twin

    def with_learned_positions(self) -> Self:
        """A copy in which a fixed table of positions has become a parameter."""
        twin = copy.deepcopy(self)
        if self.config.pos_embed != "learned":
            twin.config = dataclasses.replace(self.config, pos_embed="learned")
            twin.pos_embed = twin.sincos.astype(twin.dtype)
            del twin.sincos
        return twin

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors` into `folder`: complete, or not at all. In Hugging Face's layout,
        which `transformers` loads, if it has words for this model; in our own if not.

        Raises:
            UserError: `folder` holds other files, is a file, or cannot be written.
        """
        from .pretrained import save_model_folder

        save_model_folder(folder, self.config, self.parameters())

    @classmethod
    def from_pretrained(cls, path: str | Path, *, num_classes: int | None = None) -> Self:
        """The model in a folder of tinyvit, Hugging Face or timm, or in Google's `.npz`; nothing is run as code.

        With `num_classes`, a new head of so many classes takes the place of the saved one: zeros, as in the paper
        (section 3.2). What tinyvit saved keeps its dtype; others' weights become float32 unless they are wider.

        Raises:
            UserError: files are missing or damaged, a weight is NaN or infinite, or weights and config do not fit.
        """
        from .pretrained import open_checkpoint

        return cls.from_checkpoint(open_checkpoint(path, with_head=num_classes is None), num_classes=num_classes)

    @classmethod
    def from_checkpoint(cls, checkpoint: Any, *, num_classes: int | None = None, **changes: Any) -> Self:
        """The same of an open `pretrained.Checkpoint`; `changes` are of config fields that no weight depends on."""
        config = checkpoint.config if num_classes is None else checkpoint.config.with_head(num_classes)
        model = cls(dataclasses.replace(config, **changes), rng=layers.NO_DRAWS)
        model.adopt(checkpoint.state(model.parameters(), with_head=num_classes is None))
        return model


def _collected(parts: Iterator[tuple[Array, Grads]]) -> tuple[Array, Grads]:
    """The last dx, and the gradients of all parts in the order of the forward."""
    dx, grads = next(parts)
    for part in parts:
        dx, grads = part[0], part[1] | grads
    return dx, grads
