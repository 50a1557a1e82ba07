"""Is the check any good for layers and models? Their backwards are broken as people break them, and it must be caught."""

import numpy as np
import pytest

from tinyvit import VisionTransformer
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import all_cases
from tinyvit.layers import (
    Attention,
    AttentionPool,
    Block,
    BoxHead,
    Conv2d,
    ConvStem,
    DenseHead,
    DistilledHead,
    DiT,
    DiTBlock,
    EncoderWithHead,
    Linear,
    Mlp,
    PatchEmbed,
    Pool,
    SequenceHead,
    WordEmbed,
)

CASES = {(case.kind, case.name): case for case in all_cases()}


def no_residual(backward, self, dy, *rest):
    dx, grads = backward(self, dy, *rest)
    return dx - dy, grads


def only_residual(backward, self, dy, *rest):
    return dy, backward(self, dy, *rest)[1]


def changed(name, change):
    """One parameter's gradient is not what it was."""

    def sabotage(backward, self, dy, saved):
        dx, grads = backward(self, dy, saved)
        return dx, grads | {name: change(grads[name])}

    return sabotage


def missing(name):
    def sabotage(backward, self, dy, saved):
        dx, grads = backward(self, dy, saved)
        return dx, {key: grad for key, grad in grads.items() if key != name}

    return sabotage


def swapped(one, other):
    def sabotage(backward, self, dy, saved):
        dx, grads = backward(self, dy, saved)
        return dx, grads | {one: grads[other], other: grads[one]}

    return sabotage


def blocks_in_the_forwards_order(backward, self, dy, saved):
    twin = self._map(lambda array: array)
    twin.blocks = twin.blocks[::-1]
    return backward(twin, dy, saved._replace(features=saved.features._replace(blocks=saved.features.blocks[::-1])))


def mean_without_its_share(backward, self, dx, saved):
    dx, grads = backward(self, dx, saved)
    return dx * (saved.shape[1] - saved.num_first), grads


def without(field):
    """The backward forgets one thing that the forward did."""

    def sabotage(backward, self, dy, saved, *rest):
        if field in saved._fields:
            return backward(self, dy, saved._replace(**{field: None}), *rest)
        embed = saved.features.embed._replace(**{field: None})
        return backward(self, dy, saved._replace(features=saved.features._replace(embed=embed)), *rest)

    return sabotage


def halves(grad):
    return 0.5 * grad


SABOTAGES = {
    "block: the residual's road forgotten": (Block, "_branch_backward", no_residual, "layer", "Block"),
    "block: the branch's road forgotten": (Block, "_branch_backward", only_residual, "layer", "Block"),
    "block: drop path forgotten": (Block, "_branch_backward", without("drop_path"), "layer", "Block, everything"),
    "block: dropout forgotten": (Block, "_branch_backward", without("drop"), "layer", "Block, everything"),
    "block: norms swapped": (Block, "backward", swapped("norm1.weight", "norm2.weight"), "layer", "Block"),
    "block: a scale's gradient halved": (Block, "backward", changed("ls2.gamma", halves), "layer", "Block, everything"),
    "attention: qkv's bias forgotten": (Attention, "backward", missing("qkv.bias"), "layer", "Attention"),
    "attention: qkv's weights left as they are": (Attention, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0], b(self, dy, saved)[1] | {"qkv.weight": 0 * self.qkv.weight}), "layer", "Attention"),
    "mlp: dx before the first product": (Mlp, "backward", lambda b, self, dy, saved: (dy, b(self, dy, saved)[1]), "layer", "Mlp"),
    "mlp: biases averaged": (Mlp, "backward", changed("fc1.bias", lambda grad: grad / 6), "layer", "Mlp, tanh"),
    "patches: dimages transposed": (PatchEmbed, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0][..., ::-1, :], b(self, dy, saved)[1]), "layer", "PatchEmbed"),
    "patches: the stem's road forgotten": (PatchEmbed, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0], {k: 0 * g if "stem" in k else g for k, g in b(self, dy, saved)[1].items()}), "layer", "PatchEmbed, conv, tanh"),
    "conv: weight's gradient reversed": (Conv2d, "backward", changed("weight", lambda grad: grad[::-1]), "layer", "Conv2d"),
    "stem: a gate passed by": (ConvStem, "backward", lambda b, self, dy, saved: b(self, dy, saved._replace(gelu1=saved.gelu1._replace(x=0 * saved.gelu1.x))), "layer", "ConvStem"),
    "stem: gates swapped": (ConvStem, "backward", lambda b, self, dy, saved: b(self, dy, saved._replace(gelu1=saved.gelu2, gelu2=saved.gelu1)), "layer", "ConvStem"),
    "stem: biases swapped": (ConvStem, "backward", swapped("conv1.bias", "conv2.bias"), "model", "conv stem"),
    "linear: weight's gradient reversed": (Linear, "backward", changed("weight", lambda grad: grad[::-1]), "layer", "Linear"),
    "model: the class token's gradient dropped": (VisionTransformer, "backward", changed("cls_token", np.zeros_like), "model", "cls token, erf"),
    "model: positions left out": (VisionTransformer, "backward", missing("pos_embed"), "model", "cls token, erf"),
    "model: a register's gradient dropped": (VisionTransformer, "backward", changed("reg_token", lambda grad: grad * [[[1], [0]]]), "model", "registers"),
    "model: one weight of the second block off": (VisionTransformer, "backward", changed("blocks.1.mlp.fc2.weight", lambda grad: grad + 1e-4), "model", "tanh"),
    "model: two blocks' gradients swapped": (VisionTransformer, "backward", swapped("blocks.0.attn.proj.weight", "blocks.1.attn.proj.weight"), "model", "no qkv bias"),
    "model: blocks in the forward's order": (VisionTransformer, "backward", blocks_in_the_forwards_order, "model", "mean pooling"),
    "model: dimages dropped": (VisionTransformer, "backward", lambda b, self, dy, saved: (0 * b(self, dy, saved)[0], b(self, dy, saved)[1]), "model", "features"),
    "model: the embedding's dropout forgotten": (VisionTransformer, "backward", without("drop"), "model", "drop path, dropout"),
    "model: the mean's share forgotten": (Pool, "backward", mean_without_its_share, "model", "mean pooling"),
    "model: a class token that is not there": (VisionTransformer, "backward", changed("reg_token", lambda grad: np.roll(grad, 1, axis=1)), "model", "no class token, registers, no final norm"),
    "model: the norm before the blocks passed by": (VisionTransformer, "_embed_backward", lambda b, self, dx, saved: (b(self, 2 * dx, saved)[0] / 2, b(self, dx, saved)[1] | {"norm_pre.weight": 0 * self.norm_pre.weight}), "model", "pre-norm, quick"),
    "model: the norm behind pooling's gradient dropped": (VisionTransformer, "backward", changed("fc_norm.bias", np.zeros_like), "model", "no class token, fc_norm"),
    "distilled: both heads get all": (DistilledHead, "backward", lambda b, self, dy, saved: b(self, 2 * dy, saved), "layer", "DistilledHead"),
    "distilled: one head forgotten": (DistilledHead, "backward", changed("dist.weight", np.zeros_like), "layer", "DistilledHead"),
    "distilled: heads swapped": (DistilledHead, "backward", swapped("cls.weight", "dist.weight"), "model", "distilled"),
    "dense head: gradients for the first patches": (DenseHead, "backward", lambda b, self, dy, saved: (np.roll(b(self, dy, saved)[0], 1, axis=1), b(self, dy, saved)[1]), "layer", "DenseHead"),
    "dense head: patch grid transposed": (DenseHead, "backward", lambda b, self, dy, saved: b(self, dy.reshape(2, 2, 3, -1).swapaxes(1, 2).reshape(dy.shape), saved), "layer", "EncoderWithHead, segmentation"),
    "dense head: pixels u and v of a patch swapped": (DenseHead, "backward", lambda b, self, dy, saved: b(self, dy.reshape(*dy.shape[:2], 2, 2, -1).swapaxes(2, 3).reshape(dy.shape), saved), "layer", "EncoderWithHead, segmentation"),
    "box head: exp passed by": (BoxHead, "backward", lambda b, self, dy, saved: b(self, dy, saved._replace(reach=self.signs + 0 * saved.reach)), "layer", "BoxHead"),
    "box head: left and up as if right and down": (BoxHead, "backward", lambda b, self, dy, saved: b(self, dy, saved._replace(reach=abs(saved.reach))), "layer", "BoxHead"),
    "box head: x for y": (BoxHead, "backward", lambda b, self, dy, saved: b(self, dy, saved._replace(reach=saved.reach[..., [1, 0, 3, 2]])), "layer", "EncoderWithHead, detection"),
    "box head: tokens led by the boxes alone": (BoxHead, "backward", lambda b, self, dy, saved: (b(self, dy * (np.arange(7) > 2), saved)[0], b(self, dy, saved)[1]), "layer", "BoxHead"),
    "encoder with head: the encoder learns nothing": (EncoderWithHead, "backward", changed("encoder.blocks.1.mlp.fc2.weight", np.zeros_like), "layer", "EncoderWithHead, segmentation"),
    "encoder with head: the head's gradients dropped": (EncoderWithHead, "backward", missing("head.sides.bias"), "layer", "EncoderWithHead, detection"),
    "attention pooling: the latent's road forgotten": (AttentionPool, "backward", changed("latent", np.zeros_like), "layer", "AttentionPool"),
    "attention pooling: the residual's road forgotten": (AttentionPool, "backward", lambda b, self, dy, saved: b(self, dy, saved._replace(mlp=saved.mlp._replace(fc1=saved.mlp.fc1._replace(weight=0 * self.mlp.fc1.weight)))), "layer", "AttentionPool"),
    "attention pooling: queries as if of the tokens": (AttentionPool, "backward", changed("qkv.weight", lambda grad: np.roll(grad, 1, axis=0)), "layer", "AttentionPool"),
    "attention pooling: patches for a prefix": (AttentionPool, "backward", lambda b, self, dy, saved: (np.roll(b(self, dy, saved)[0], 1, axis=1), b(self, dy, saved)[1]), "layer", "AttentionPool, prefix, tanh"),
}  # fmt: skip


def reordered(order):
    """The six vectors of adaLN in another order on the way back."""

    def sabotage(backward, self, dy, saved):
        dx, dcondition, grads = backward(self, dy, saved)
        weight, bias = (
            np.concatenate([np.split(grads[f"ada.{n}"], 6, -1)[i] for i in order], -1) for n in ("weight", "bias")
        )
        return dx, dcondition, grads | {"ada.weight": weight, "ada.bias": bias}

    return sabotage


def condition_of_the_last_block_alone(backward, self, dy, saved):
    """One condition goes into every block: here the others' gradients are forgotten."""
    first = self.blocks[0]
    first_whole = first.backward
    first.backward = lambda dx, kept: (lambda out: (out[0], 0 * out[1], out[2]))(first_whole(dx, kept))
    try:
        return backward(self, dy, saved)
    finally:
        del first.backward


SABOTAGES |= {
    "dit block: shift and scale swapped": (DiTBlock, "backward", reordered([1, 0, 2, 3, 4, 5]), "layer", "DiTBlock"),
    "dit block: gates in front": (DiTBlock, "backward", reordered([2, 0, 1, 5, 3, 4]), "layer", "DiTBlock"),
    "dit block: the branches' vectors swapped": (DiTBlock, "backward", reordered([3, 4, 5, 0, 1, 2]), "layer", "DiTBlock"),
    "dit block: the residual's road forgotten": (DiTBlock, "_branch_backward", lambda b, self, dy, *rest: (b(self, dy, *rest)[0] - dy, *b(self, dy, *rest)[1:]), "layer", "DiTBlock"),
    "dit block: the condition's gradient forgotten": (DiTBlock, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0], 0 * b(self, dy, saved)[1], b(self, dy, saved)[2]), "layer", "DiTBlock"),
    "dit block: gates forgotten": (DiTBlock, "_branch_backward", lambda b, self, dy, body, saved: b(self, dy, body, saved._replace(gate=saved.gate._replace(gate=0 * saved.gate.gate + 1))), "layer", "DiTBlock"),
    "dit: one block's condition": (DiT, "backward", condition_of_the_last_block_alone, "layer", "DiT"),
    "dit: labels' rows overwritten": (DiT, "backward", changed("label_embed", lambda grad: np.where(np.arange(len(grad))[:, None] == 1, grad / 2, grad)), "layer", "DiT"),
    "dit: time's road forgotten": (DiT, "backward", changed("time_embed.fc1.weight", np.zeros_like), "layer", "DiT"),
    "dit: shift and scale of the last norm swapped": (DiT, "backward", changed("ada.bias", lambda grad: np.roll(grad, len(grad) // 2)), "layer", "DiT"),
    "dit: two blocks' gradients swapped": (DiT, "backward", swapped("blocks.0.ada.weight", "blocks.1.ada.weight"), "layer", "DiT"),
    "dit: dimages with rows and columns of patches swapped": (DiT, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0][..., ::-1, :], b(self, dy, saved)[1]), "layer", "DiT"),
}  # fmt: skip

SABOTAGES |= {
    "words: a code that comes twice counted once": (WordEmbed, "backward", changed("proj.weight", lambda grad: np.sign(grad) * abs(grad).clip(0, 1)), "layer", "WordEmbed"),
    "words: places in another order": (WordEmbed, "backward", changed("proj.weight", lambda grad: grad.reshape(3, -1, 4)[::-1].reshape(grad.shape)), "layer", "WordEmbed"),
    "words: a mean over the places": (WordEmbed, "backward", changed("proj.weight", lambda grad: grad / 3), "layer", "WordEmbed"),
    "words: no character has no row": (WordEmbed, "backward", changed("proj.weight", lambda grad: grad * (np.arange(len(grad)) % 128 > 0)[:, None]), "layer", "WordEmbed, letters"),
    "words: the encoder's rows learn nothing": (EncoderWithHead, "backward", changed("encoder.patch_embed.proj.weight", np.zeros_like), "layer", "EncoderWithHead, tags of words"),
    "sequence head: gradients for the last tokens": (SequenceHead, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0][:, ::-1], b(self, dy, saved)[1]), "layer", "SequenceHead"),
    "sequence head: places in reverse": (SequenceHead, "backward", lambda b, self, dy, saved: b(self, dy[:, ::-1], saved), "layer", "EncoderWithHead, sequence"),
    "sequence head: bias of one place": (SequenceHead, "backward", lambda b, self, dy, saved: (b(self, dy, saved)[0], b(self, dy, saved)[1] | {"proj.bias": dy[:, 0].sum(0)}), "layer", "SequenceHead"),
}  # fmt: skip


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_broken_layer_or_model_is_caught(monkeypatch, name):
    kind, method, sabotage, *place = SABOTAGES[name]
    f, inputs, options = CASES[tuple(place)].build(np.random.default_rng(0))
    whole = getattr(kind, method)
    monkeypatch.setattr(kind, method, lambda self, *arguments: sabotage(whole, self, *arguments))
    assert not check_gradients(f, inputs, options=options, full_up_to=20).passed
