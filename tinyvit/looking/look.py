"""One look into a model: a forward that forgets nothing, and for a class you choose, the backward of its logit."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, like, to_numpy
from ..errors import UserError
from ..ops.floats import is_narrow
from ..vit import VisionTransformer, ViTSaved
from .recording import ATTENTION, HEADS, NORMED, recording

Targets = int | Sequence[int] | np.ndarray | None


class LogitGradients(NamedTuple):
    """Of the logit of one class, for each image by itself."""

    images: Array  # (B, C, H, W)
    attention: list[Array]  # (B, h, N, N) for each block: how much one more unit of an attention weight would raise it
    heads: list[Array]  # (B, N, D) for each block, of the heads' outputs, side by side as proj takes them
    normed: list[Array]  # (B, N, D) for each block, of norm1's output


@dataclass(frozen=True)
class Look:
    """Activations of a model on its way from images to logits; see `look`. Nothing of it may be written to."""

    model: VisionTransformer  # that of `recording`
    images: Array  # (B, C, H, W)
    logits: Array  # (B, K)
    saved: ViTSaved

    @functools.cached_property
    def attention(self) -> list[Array]:
        """(B, h, N, N) for each block: `attention[b][:, head, i]` is where token i looks; `on_grid` makes a map."""
        return [saved.attention_weights for saved in self.saved.features.blocks]

    @functools.cached_property
    def branches(self) -> list[tuple[Array, Array]]:
        """Outputs of attention and MLP of each block, as added to the residual stream: two arrays (B, N, D)."""
        blocks: Any = self.saved.features.blocks
        return [(saved.attn.drop.y, saved.mlp.drop.y) for saved in blocks]

    @functools.cached_property
    def states(self) -> list[Array]:
        """The residual stream (B, N, D) before the first block and after each."""
        embed: Any = self.saved.features.embed
        states = [embed.norm_pre.y]
        for attn, mlp in self.branches:
            states.append(states[-1] + attn + mlp)
        return states

    def classes(self, targets: Targets = None) -> np.ndarray:
        """The classes to explain, int64 (B,) on the host: `targets`, one for all images or one for each; where it is
        None, those that the model answers.

        Raises:
            UserError: there is no such class, or they are not one for each image.
        """
        B, K = self.logits.shape
        if targets is None:
            return to_numpy(self.logits.argmax(axis=1))
        given = np.asarray(targets)
        if given.dtype.kind not in "iu" or given.shape not in ((), (B,)) or given.min() < 0 or given.max() >= K:
            raise UserError(
                f"targets must be a class from 0 to {K - 1}, or one for each of the {B} images, got {targets!r:.60}"
            )
        return np.broadcast_to(given, B).astype(np.int64)

    def check(self, **places: int) -> None:
        """Check that there are such places: of `block`, `head`, `token` and `image` those that are given.

        Raises:
            UserError: there is no block, head, token or image of this number.
        """
        config = self.model.config
        counts = {
            "block": config.depth,
            "head": config.num_heads,
            "token": config.num_tokens,
            "image": len(self.logits),
        }
        for what, number in places.items():
            if not 0 <= number < counts[what]:
                raise UserError(f"there is no {what} {number}: of {what}s there are {counts[what]}, numbered from 0")

    def dlogits(self, targets: Targets = None) -> Array:
        """The gradient with respect to the logits of the logit to explain: 1 at its class, 0 elsewhere (B, K)."""
        one_hot = self.classes(targets)[:, None] == np.arange(self.logits.shape[1])
        return like(one_hot.astype(self.logits.dtype), self.logits)

    def backward(self, targets: Targets = None) -> LogitGradients:
        """Gradients of the logit of a class of each image; `targets` and errors as for `classes`.

        Source: Simonyan et al. 2014, "Deep Inside Convolutional Networks", arXiv:1312.6034, section 3, for the images;
        Chefer et al. 2021, arXiv:2103.15679, for the attention weights.
        """
        dimages, grads = self.model.backward(self.dlogits(targets), self.saved)
        blocks = range(self.model.config.depth)
        kinds = ([grads[f"blocks.{b}.attn.{kind}"] for b in blocks] for kind in (ATTENTION, HEADS, NORMED))
        return LogitGradients(dimages, *kinds)


def look(model: VisionTransformer, images: Array) -> Look:
    """The forward of `model` on normalised images (B, C, H, W), of its dtype and on its device, and all it computed.

    All rows of the last block are computed, also of tokens that the head does not read. What is narrower than float32
    is looked at in float32.

    Raises:
        TypeError: the images are no array.
        UserError: they have another shape or dtype than the model takes, or the model has no classes or is for words.
    """
    config = model.config
    if not config.num_classes or config.stem == "words":
        what = "reads words" if config.stem == "words" else "has no classes (num_classes is 0)"
        raise UserError(f"what is looked at is the logit of a class of an image, and this model {what}: take another")
    model.patch_embed.check(images, config.input_shape, model.dtype)
    if is_narrow(images):
        model, images = model.astype("float32"), images.astype("float32")
    twin = recording(model)
    tokens, features = twin.forward_features(images)
    pooled, pool = twin.pool.forward(tokens)
    normed, fc_norm = twin.fc_norm.forward(pooled)
    logits, head = twin.head.forward(normed)
    return Look(twin, images, logits, ViTSaved(features, pool, fc_norm, head))
