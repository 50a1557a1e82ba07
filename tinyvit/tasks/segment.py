"""Semantic segmentation: the class of each pixel, from the tokens of a plain ViT and one linear layer.

Source: Zheng et al. 2021, "Rethinking Semantic Segmentation ... with Transformers" (SETR), arXiv:2012.15840; Strudel et
al. 2021, "Segmenter", arXiv:2105.05633.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array, array_module, bincount, to_numpy
from ..datasets import Dataset, normalize
from ..evaluation.metrics.mean_iou import confusion_matrices
from ..evaluation.predict import NoAnswerError
from ..evaluation.segmentation import BACKGROUND, Segmentation
from ..layers import DenseHead, EncoderWithHead, Grads, spread_to
from ..ops import cross_entropy_backward, cross_entropy_forward, patchify_forward, unpatchify_forward
from ..plots.scenes import plot_mask, plot_masks
from ..vit import VisionTransformer
from .scenes import MASKS, SceneTask, is_composed, outputs, training_canvases
from .task import Batch, Found

NUM_DRAWN = 8  # images


class Segment(SceneTask):
    """A batch is images (B, C, H, W) and the classes of their pixels, patch by patch (B, L, P*P); an answer is a
    confusion matrix of pixels, and the loss.

    The model's logits stay in patches, and the labels are cut into patches: a tenth of the numbers to move.
    """

    truth, with_background = MASKS, True

    def build(self, config: Any, rng: np.random.Generator) -> EncoderWithHead:
        model = config.model
        encoder = VisionTransformer(model.with_head(0), rng=rng)
        out = model.patch_size**2 * model.num_classes
        head = DenseHead(model.embed_dim, out, num_prefix=model.num_prefix_tokens, rng=rng)
        spread_to(model.init_std, head.parameters())
        return EncoderWithHead(encoder, head)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        if is_composed(dataset):
            images, masks, _ = training_canvases(config, dataset, chosen, rng)
        else:
            images, masks = dataset.train.images[chosen], dataset.train.labels[chosen]
        return normalize(images, dataset.mean, dataset.std), in_patches(config, masks)

    def loss_and_gradients(
        self,
        config: Any,
        model: EncoderWithHead,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        images, labels = batch
        y, saved = model.forward(images, rng=rng)
        logits = y.reshape(-1, config.model.num_classes)  # (B, L, P*P*K) -> (B*L*P*P, K)
        of_pixels = pixel_weights(config, labels, weights, dtype=logits.dtype)
        loss, loss_saved = cross_entropy_forward(logits, labels=labels.reshape(-1), weights=of_pixels.reshape(-1))
        dlogits = cross_entropy_backward(share, loss_saved)
        _, grads = model.backward(dlogits.reshape(y.shape), saved)
        return loss, grads

    def answer_size(self, config: Any) -> int:
        return config.model.num_classes**2 + 1

    def answers(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        K = config.model.num_classes
        parts = [np.zeros((0, self.answer_size(config)), np.float32)]
        for some in outputs(config, model, dataset, split, rows):
            masks = some.made.masks if some.made else getattr(dataset, split).labels[some.examples]
            labels = in_patches(config, masks)
            logits = some.y.reshape(*labels.shape, K)
            losses = (pixel_weights(config, labels) * pixel_losses(logits, labels)).sum(axis=(1, 2)) * len(labels)
            confusion = confusion_matrices(labels, logits.argmax(axis=-1), K)
            parts.append(np.concatenate([confusion.reshape(len(labels), -1), losses[:, None]], axis=1))
        return np.concatenate(parts).astype(np.float32)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Segmentation:
        if split == "test" and not np.isfinite(answers).all():
            raise NoAnswerError
        return Segmentation.of(answers)

    def predict(
        self,
        config: Any,
        model: EncoderWithHead,
        x: Array,
        image: np.ndarray,
        size: tuple[int, int],
        class_names: Sequence[str],
    ) -> Found:
        y = to_numpy(model.forward(x)[0])
        names = pixel_names(config, class_names)
        (mask,) = predicted_masks(config, y)
        shares = bincount(mask.reshape(-1), minlength=len(names)) / mask.size
        words = [f"{names[k]} {100 * shares[k]:.1f} %" for k in np.argsort(-shares, kind="stable") if shares[k]]
        return Found("pixels of " + ", ".join(words), lambda title: plot_mask(image, mask, names, title))

    def figures(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str) -> dict[str, Any]:
        some = next(outputs(config, model, dataset, split, slice(NUM_DRAWN)))
        masks = some.made.masks if some.made else getattr(dataset, split).labels[some.examples]
        names = pixel_names(config, dataset.class_names)
        title = f"Segmentation of the first images of {split}"
        return {"masks": plot_masks(some.images, masks, predicted_masks(config, some.y), names, title)}


def pixel_names(config: Any, class_names: Sequence[str]) -> list[str]:
    """K names: on canvases, the background comes before the classes of the data set."""
    return [BACKGROUND] * (config.model.num_classes - len(class_names)) + list(class_names)


def in_patches(config: Any, masks: np.ndarray) -> np.ndarray:
    """Masks (B, H, W) -> labels int64 (B, L, P*P)."""
    return patchify_forward(masks[:, None].astype(np.int64), patch_size=config.model.patch_size)[0]


def pixel_weights(config: Any, labels: Array, weights: Array | None = None, *, dtype: Any = np.float64) -> Array:
    """Weight of each pixel in the loss, (B, L, P*P), adding up to one over the batch, and in each image to the
    image's own, `weights` (B,), by default 1/B. A pixel of no class has none.

    Most pixels are background: with `foreground_weight` those of other classes count more.
    """
    xp = array_module(labels)
    each = xp.where(labels == 0, 1.0, config.foreground_weight).astype(dtype)
    each *= labels < config.model.num_classes
    of_images = 1.0 / len(labels) if weights is None else weights[:, None, None]
    each *= of_images / xp.maximum(each.sum(axis=(1, 2), keepdims=True), 1e-12)
    return each


def pixel_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy of each pixel in nats: logits (..., K), labels (...) -> (...); of a label of no class anything."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    of_label = np.take_along_axis(shifted, np.minimum(labels, logits.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.log(np.exp(shifted).sum(axis=-1)) - of_label


def predicted_masks(config: Any, y: np.ndarray) -> np.ndarray:
    """The model's output (B, L, P*P*K) -> the most probable class of each pixel, int64 (B, H, W)."""
    P, K = config.model.patch_size, config.model.num_classes
    patches = y.reshape(*y.shape[:2], P * P, K).argmax(axis=-1)
    return unpatchify_forward(patches, image_shape=config.model.image_shape, patch_size=P)[0][:, 0]
