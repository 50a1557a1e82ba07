"""Masked autoencoder: an encoder sees a quarter of the patches, and a small decoder paints the hidden ones.

No labels are needed: what is hidden is the truth. Afterwards the decoder is put away, and the encoder is fine-tuned.

Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377.
"""

from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np

from ..backend import Array, array_module, to_device, to_numpy
from ..backend.random import ExampleRows
from ..config.mae import MAEConfig
from ..datasets import Dataset, normalize
from ..datasets.batches import training_images
from ..errors import UserError
from ..evaluation.predict import BATCH_SIZE
from ..evaluation.reconstruction import Reconstruction
from ..layers import Grads, MAEDecoder, MaskedAutoencoder
from ..ops import mse_backward, mse_forward, patchify_forward, unpatchify_forward
from ..plots.reconstruction import plot_reconstruction
from ..vit import VisionTransformer
from .fit import Note
from .task import Batch, Task

NUM_DRAWN = 12  # images


class MAE(Task[MaskedAutoencoder]):
    """A batch is images (B, C, H, W), ids (B, V) and hidden (B, L); an answer is the loss, and what it is to beat."""

    needs_classes: ClassVar[bool] = False
    unused: ClassVar[tuple[str, ...]] = ("label_smoothing", "class_weights")

    def build(self, config: Any, rng: np.random.Generator) -> MaskedAutoencoder:
        encoder = VisionTransformer(config.model, rng=rng)
        decoder = MAEDecoder(
            config.model,
            embed_dim=config.decoder_embed_dim,
            depth=config.decoder_depth,
            num_heads=config.decoder_num_heads,
            rng=rng,
        )
        return MaskedAutoencoder(encoder, decoder)

    def fit(self, config: Any, dataset: Dataset, free: Collection[str], note: Note) -> Any:
        return super().fit(config, dataset, [name for name in free if name != "num_classes"], note)

    def check(self, config: Any, dataset: Dataset) -> None:
        super().check(config, dataset)
        if config.model.num_classes:
            raise UserError(
                f"a masked autoencoder learns no classes, got num_classes {config.model.num_classes}: set it to 0"
            )
        if config.model.num_patches < 2:
            raise UserError(
                "a masked autoencoder hides some patches and shows others, and the model has one: choose a smaller "
                "patch_size"
            )

    def num_tokens(self, config: Any) -> int:
        return config.model.num_prefix_tokens + num_visible(config)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        return training_images(config, dataset, chosen, rng), *random_mask(config, len(chosen), rng)

    def loss_and_gradients(
        self,
        config: Any,
        model: MaskedAutoencoder,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        images, ids, hidden = batch
        y, saved = model.forward(images, ids=ids, rng=rng)
        of_patches = weights_of_patches(hidden, weights)
        loss, loss_saved = mse_forward(y, target=target(config, images), weights=of_patches)
        _, grads = model.backward(mse_backward(share, loss_saved), saved)
        return loss, grads

    def answer_size(self, config: Any) -> int:
        return 2

    def answers(self, config: Any, model: MaskedAutoencoder, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        """For each image, the mean squared error of its hidden patches, and that of saying the mean of each."""
        images = getattr(dataset, split).images
        parts = [np.zeros((0, 2), np.float32)]
        examples = range(len(images))[rows]
        for first in range(0, len(examples), BATCH_SIZE):
            some = examples[first : first + BATCH_SIZE]
            x = normalize(images[some.start : some.stop], dataset.mean, dataset.std, model.dtype)
            ids, hidden = random_mask(config, len(some), ExampleRows(config.seed, split, some))
            patches = target(config, x)
            y = to_numpy(model.forward(to_device(x, model.device), ids=to_device(ids, model.device))[0])
            errors = ((y - patches) ** 2).mean(axis=2), (patches**2).mean(axis=2)  # (B, L) each
            parts.append(np.stack([(error * hidden).sum(axis=1) / hidden.sum(axis=1) for error in errors], axis=1))
        return np.concatenate(parts).astype(np.float32)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Reconstruction:
        return Reconstruction.of(answers)

    def figures(self, config: Any, model: MaskedAutoencoder, dataset: Dataset, split: str) -> dict[str, Any]:
        """The first images of the split: what the model sees, what it paints, and the truth."""
        images = getattr(dataset, split).images[:NUM_DRAWN]
        x = normalize(images, dataset.mean, dataset.std, model.dtype)
        ids, hidden = random_mask(config, len(x), ExampleRows(config.seed, split, range(len(x))))
        painted = reconstruction(config, model, x, ids, hidden)
        pixels = np.asarray(dataset.std).reshape(-1, 1, 1) * painted + np.asarray(dataset.mean).reshape(-1, 1, 1)
        mask = as_image(config, np.repeat(hidden[..., None], patch_values(config), axis=2))
        return {"reconstruction": plot_reconstruction(images, np.clip(pixels, 0, 1), mask[:, 0] > 0)}


def num_visible(config: MAEConfig) -> int:
    """Patches that the encoder sees: at least one, and all but one at most."""
    L = config.model.num_patches
    return max(1, min(L - 1, round(L * (1 - config.mask_ratio))))


def random_mask(config: MAEConfig, n: int, rng: Any) -> tuple[np.ndarray, np.ndarray]:
    """Random masks for `n` images, each set of visible patches as likely as any other.

    Returns:
        ids: int64 (n, V), the tokens in front and the visible patches, in ascending order.
        hidden: float32 (n, L), 1 for a hidden patch and 0 for a visible one.
    """
    L, prefix = config.model.num_patches, config.model.num_prefix_tokens
    visible = np.sort(rng.random((n, L)).argsort(axis=1)[:, : num_visible(config)], axis=1)
    hidden = np.ones((n, L), np.float32)
    np.put_along_axis(hidden, visible, 0.0, axis=1)
    front = np.broadcast_to(np.arange(prefix), (n, prefix))
    return np.concatenate([front, prefix + visible], axis=1), hidden


def target(config: MAEConfig, images: Array) -> Array:
    """(B, C, H, W) -> (B, L, C*P*P), the pixels of each patch, normalised to mean 0 and variance 1.

    The epsilon is far larger than the paper's: an all but black patch of a drawing stays near 0, instead of becoming
    noise at full strength.
    """
    patches, _ = patchify_forward(images, patch_size=config.model.patch_size)
    mean, std = patch_statistics(config, patches)
    return (patches - mean) / std


def patch_statistics(config: MAEConfig, patches: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each patch, (B, L, 1)."""
    mean, variance = patches.mean(axis=2, keepdims=True), patches.var(axis=2, keepdims=True)
    return mean, array_module(patches).sqrt(variance + config.norm_pix_eps)


def weights_of_patches(hidden: Array, weights: Array | None) -> Array:
    """(B, L), adding up to one: of each image its weight, shared by its hidden patches."""
    of_images = 1.0 / len(hidden) if weights is None else weights[:, None]
    return (hidden / hidden.sum(axis=1, keepdims=True) * of_images).astype(hidden.dtype)


def reconstruction(config: MAEConfig, model: MaskedAutoencoder, images: Array, ids: Array, hidden: Array) -> np.ndarray:
    """Normalised images (B, C, H, W), the hidden patches as the model paints them, each at the mean and the variance of
    the true patch, as in the paper's figures: the model is asked for neither.
    """
    patches, _ = patchify_forward(images, patch_size=config.model.patch_size)
    mean, std = patch_statistics(config, patches)
    y, _ = model.forward(images, ids=ids)
    return as_image(config, np.where(hidden[..., None] > 0, y * std + mean, patches))


def as_image(config: MAEConfig, patches: np.ndarray) -> np.ndarray:
    """(B, L, C*P*P) -> (B, C, H, W)."""
    return unpatchify_forward(patches, image_shape=config.model.image_shape, patch_size=config.model.patch_size)[0]


def patch_values(config: MAEConfig) -> int:
    """C*P*P."""
    return config.model.in_chans * config.model.patch_size**2
