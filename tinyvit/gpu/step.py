"""A whole training step with fused ops: patches to loss, and every arrow back.

The lines are those of `vit.py` and `layers/block.py`, with one difference: bias and residual additions are deferred
to the next kernel. So what runs from block to block is a pair: `x`, the tokens so far, and
`branch` with its `bias`, which is still to be added to them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..backend import Array
from ..config import ViTConfig
from ..optim import FlatArrays
from .attention import AttentionSaved
from .device import Device
from .fused import FusedOps, GeluSaved, LayerNormSaved, LinearSaved
from .launching import WARPS, per_number
from .sources import SHARED_BYTES


class Batch(NamedTuple):
    """Images and labels of a step, on the device."""

    patches: Array  # (B*N, C*P*P), rows of zeros where the class token and the registers stand
    labels: Array  # int32 (B,)


class BlockSaved(NamedTuple):
    norm1: LayerNormSaved
    qkv: LinearSaved
    attention: AttentionSaved
    proj: LinearSaved
    norm2: LayerNormSaved
    fc1: LinearSaved
    gelu: GeluSaved
    fc2: LinearSaved


def reason_against(config: ViTConfig, dtype: np.dtype) -> str | None:
    """Why this model can not be trained by fused ops, in a few words; None if it can."""
    reasons = {
        f"it is in {dtype}, not float32": dtype != np.float32,
        "its stem is convolutions": config.stem == "conv",
        "it takes words": config.stem == "words",
        f"it pools by {config.pool}": config.pool not in ("cls", "mean"),
        f"its GELU is the {config.gelu} one": config.gelu not in ("erf", "tanh"),
        "it has no class token": not config.class_token,
        "it has layer norm elsewhere than other models": config.pre_norm or config.fc_norm or not config.final_norm,
        "it has layer scale": config.layer_scale is not None,
        "it has dropout": config.drop_rate > 0,
        "it has drop path": config.drop_path_rate > 0,
        "it has no head": config.num_classes == 0,
        "it has no blocks": config.depth == 0,
        "its tokens are too long for shared memory": 4 * WARPS * config.embed_dim > SHARED_BYTES,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


class FusedStep:
    """The gradient of a batch, in a fixed number of launches.

    Args:
        parameters, grads: float32, on the device; gradients are written to `grads`.
        positions: (1, N, D) or (N, D), where they are not learned.
    """

    def __init__(
        self,
        device: Device,
        config: ViTConfig,
        parameters: FlatArrays,
        grads: FlatArrays,
        *,
        batch_size: int,
        label_smoothing: float = 0.0,
        positions: Array | None = None,
    ):
        self.device, self.config = device, config
        self.parameters, self.grads = parameters, grads
        self.label_smoothing = label_smoothing
        self.ops = FusedOps(device, config)
        self.loss = device.xp.zeros(1, np.float32)
        self._positions = parameters.get("pos_embed", positions)
        patch_numbers = config.in_chans * config.patch_size**2
        self.batch = Batch(
            device.xp.zeros((batch_size * config.num_tokens, patch_numbers), np.float32),
            device.xp.zeros(batch_size, np.int32),
        )

    def patchify(self, images: Array) -> None:
        """float32 (B, C, H, W) -> the batch's patches."""
        patches = self.batch.patches
        self.device.launch("patchify", *per_number(patches.size), images, patches, patches.size)

    def gradients(self) -> None:
        """Of the batch: fills `grads` and `loss`."""
        ops, p, g = self.ops, self.parameters, self.grads
        ops.restart()
        x, embed, blocks, norm = self._forward(self.batch.patches)
        logits, head = ops.linear_forward(x, p["head.weight"])
        dlogits = ops.cross_entropy(
            logits,
            p["head.bias"],
            self.batch.labels,
            (self.loss, g["head.bias"]),
            label_smoothing=self.label_smoothing,
        )
        dx = ops.linear_backward(dlogits, head, g["head.weight"])
        self._backward(dx, embed, blocks, norm)

    def _forward(self, patches: Array) -> tuple[Array, LinearSaved, list[BlockSaved], LayerNormSaved]:
        """(B*N, C*P*P) -> what the head takes, (B, D)."""
        ops, p, config = self.ops, self.parameters, self.config
        branch, embed = ops.linear_forward(patches, p["patch_embed.proj.weight"])
        x, bias, blocks = None, self._token_table(), []
        for index in range(config.depth):
            of = f"blocks.{index}."
            Q = 1 if index == config.depth - 1 and config.pool == "cls" else config.num_tokens
            (x, y), norm1 = ops.layer_norm_forward(branch, bias, x, p[of + "norm1.weight"], p[of + "norm1.bias"])
            y, qkv = ops.linear_forward(y, p[of + "attn.qkv.weight"])
            y, attention = ops.attention_forward(y, p.get(of + "attn.qkv.bias"), num_queries=Q)
            branch, proj = ops.linear_forward(y, p[of + "attn.proj.weight"])
            (x, y), norm2 = ops.layer_norm_forward(
                branch,
                p[of + "attn.proj.bias"],
                x,
                p[of + "norm2.weight"],
                p[of + "norm2.bias"],
                every=config.num_tokens // Q,
            )
            y, fc1 = ops.linear_forward(y, p[of + "mlp.fc1.weight"])
            y, gelu = ops.gelu_forward(y, p[of + "mlp.fc1.bias"])
            branch, fc2 = ops.linear_forward(y, p[of + "mlp.fc2.weight"])
            bias = p[of + "mlp.fc2.bias"]
            blocks.append(BlockSaved(norm1, qkv, attention, proj, norm2, fc1, gelu, fc2))
        (_, y), norm = ops.layer_norm_forward(branch, bias, x, p["norm.weight"], p["norm.bias"])
        return ops.mean_pool_forward(y) if config.pool == "mean" else y, embed, blocks, norm

    def _backward(self, dx: Array, embed: LinearSaved, blocks: Sequence[BlockSaved], norm: LayerNormSaved) -> None:
        """The forward, read from its last line to its first."""
        ops, g, config = self.ops, self.grads, self.config
        free = ops.memory.free
        if config.pool == "mean":
            dx = ops.mean_pool_backward(dx)
        last_bias = g[f"blocks.{config.depth - 1}.mlp.fc2.bias"]
        dx = ops.layer_norm_backward(dx, norm, None, (g["norm.weight"], g["norm.bias"], last_bias))
        for index in reversed(range(config.depth)):
            of, saved = f"blocks.{index}.", blocks[index]
            dy = ops.linear_backward(dx, saved.fc2, g[of + "mlp.fc2.weight"])
            dh = ops.gelu_backward(dy, saved.gelu, g[of + "mlp.fc1.bias"])
            free(dy)
            dy = ops.linear_backward(dh, saved.fc1, g[of + "mlp.fc1.weight"])
            free(dh)
            out = (g[of + "norm2.weight"], g[of + "norm2.bias"], g[of + "attn.proj.bias"])
            dx, above = ops.layer_norm_backward(dy, saved.norm2, dx, out), dx
            free(dy, above)
            dy = ops.linear_backward(dx, saved.proj, g[of + "attn.proj.weight"])
            dqkv = ops.attention_backward(dy, saved.attention, g.get(of + "attn.qkv.bias"))
            free(dy)
            dy = ops.linear_backward(dqkv, saved.qkv, g[of + "attn.qkv.weight"])
            free(dqkv)
            bias = g[f"blocks.{index - 1}.mlp.fc2.bias"] if index else None
            sums = (g[of + "norm1.weight"], g[of + "norm1.bias"], bias)
            dx, above = ops.layer_norm_backward(dy, saved.norm1, dx, sums), dx
            free(dy, above)
        ops.linear_backward(dx, embed, g["patch_embed.proj.weight"], need_dx=False)
        self._token_table_backward(dx)

    def _token_table(self) -> Array:
        """(N, D): what is added to each token after the first product: class token, registers, bias, positions."""
        p, config = self.parameters, self.config
        table = self.ops.memory.empty(config.num_tokens, config.embed_dim)
        arrays = (p["cls_token"], p.get("reg_token"), p["patch_embed.proj.bias"], self._positions, table)
        self.device.launch("token_table", *per_number(table.size), *arrays)
        return table

    def _token_table_backward(self, dx: Array) -> None:
        """The images' gradients add up to the table's, and from its rows come those of what it is made of."""
        ops, g, config = self.ops, self.grads, self.config
        N, D, prefix = config.num_tokens, config.embed_dim, config.num_prefix_tokens
        dtable = ops.memory.empty(N, D)
        ops.sums.add(dx.reshape(-1, N * D), dtable)
        ops.sums.run()
        if "pos_embed" in g:
            ops.sums.add(dtable.reshape(1, -1), g["pos_embed"])
        ops.sums.add(dtable[:1], g["cls_token"])
        if "reg_token" in g:
            ops.sums.add(dtable[1:prefix].reshape(1, -1), g["reg_token"])
        ops.sums.add(dtable[prefix:], g["patch_embed.proj.bias"])
        ops.sums.run()
