"""Object detection without anchors: every patch says what is in its place, and how far it reaches.

A patch answers for a box whose middle is near its own. In the end many patches claim the same thing; non-maximum
suppression keeps the surest.
Source: Tian et al. 2019, "FCOS", arXiv:1904.01355; on a plain ViT: Li et al. 2022, arXiv:2203.16527.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array, array_module, to_numpy
from ..datasets import Dataset, normalize
from ..datasets.boxes import NO_CLASS
from ..evaluation.detection import FIELDS, Detection
from ..evaluation.metrics.nms import suppress_overlaps
from ..evaluation.predict import NoAnswerError
from ..layers import BoxHead, EncoderWithHead, Grads, spread_to
from ..ops import focal_backward, focal_forward, giou_backward, giou_forward, sigmoid_forward
from ..plots.scenes import plot_boxes, plot_found
from ..vit import VisionTransformer
from .assignment import assigned, patch_weights
from .scenes import BOXES, SceneTask, evaluation_canvases, is_composed, outputs, training_canvases
from .task import Batch, Found

NUM_DRAWN = 8  # images
DRAWN_SCORE = 0.4  # of a box that is drawn, at least


class Detect(SceneTask):
    """A batch is images (B, C, H, W), of each patch the class it answers for (B, L), NO_CLASS for none, and the box
    (B, L, 4); an answer is the surest boxes (k, 6), and the loss.
    """

    truth, with_background = BOXES, False

    def build(self, config: Any, rng: np.random.Generator) -> EncoderWithHead:
        model = config.model
        encoder = VisionTransformer(model.with_head(0), rng=rng)
        head = BoxHead(
            model.embed_dim,
            model.num_classes,
            grid=model.grid_size,
            patch_size=model.patch_size,
            num_prefix=model.num_prefix_tokens,
            rng=rng,
        )
        spread_to(model.init_std, head.parameters())
        return EncoderWithHead(encoder, head)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        if is_composed(dataset):
            images, _, boxes = training_canvases(config, dataset, chosen, rng)
        else:
            images, boxes = dataset.train.images[chosen], dataset.train.labels[chosen]
        return normalize(images, dataset.mean, dataset.std), *assigned(config, boxes)

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
        images, classes, targets = batch
        y, saved = model.forward(images, rng=rng)
        K = config.model.num_classes
        every, positive = patch_weights(classes, weights)
        xp = array_module(y)
        focal, focal_saved = focal_forward(
            y[..., :K],
            targets=classes[..., None] == xp.arange(K),
            weights=every.astype(y.dtype),
            alpha=config.focal_alpha,
            gamma=config.focal_gamma,
        )
        giou, giou_saved = giou_forward(
            y[..., K:].reshape(-1, 4), target=targets.reshape(-1, 4), weights=positive.reshape(-1).astype(y.dtype)
        )
        dboxes = giou_backward(config.box_weight * share, giou_saved).reshape(targets.shape)
        dy = xp.concatenate([focal_backward(share, focal_saved), dboxes], axis=2)
        _, grads = model.backward(dy, saved)
        return focal + config.box_weight * giou, grads

    def answer_size(self, config: Any) -> int:
        return FIELDS * config.max_boxes + 1

    def answers(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        parts = [np.zeros((0, self.answer_size(config)), np.float32)]
        for some in outputs(config, model, dataset, split, rows):
            boxes = some.made.boxes if some.made else getattr(dataset, split).labels[some.examples]
            found = surest(config, some.y).reshape(len(boxes), -1)
            parts.append(np.concatenate([found, image_losses(config, some.y, boxes)[:, None]], axis=1))
        return np.concatenate(parts).astype(np.float32)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Detection:
        if split == "test" and not np.isfinite(answers).all():
            raise NoAnswerError
        truth = getattr(dataset, split).labels
        if is_composed(dataset):
            truth = evaluation_canvases(config, dataset, split, range(len(truth))).boxes
        return Detection.of(answers, truth, config.model.num_classes)

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
        (found,) = surest(config, y)
        found = found[found[:, 5] >= DRAWN_SCORE]
        (H, W), (height, width) = config.model.image_shape, size
        own = found[:, :4] * [width / W, height / H, width / W, height / H]
        texts = [f"{class_names[int(box[4])]} {100 * box[5]:.0f} %" for box in found]
        places = [" ".join(f"{edge:.0f}" for edge in box) for box in own]
        words = [f"{text} at {place}" for text, place in zip(texts, places, strict=True)]
        pairs = list(zip(found, texts, strict=True))
        return Found(", ".join(words) or "nothing found", lambda title: plot_found(image, pairs, title))

    def figures(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str) -> dict[str, Any]:
        some = next(outputs(config, model, dataset, split, slice(NUM_DRAWN)))
        truth = some.made.boxes if some.made else getattr(dataset, split).labels[some.examples]
        names = dataset.class_names
        found = [
            [(box, f"{names[int(box[4])]} {100 * box[5]:.0f} %") for box in of_one if box[5] >= DRAWN_SCORE]
            for of_one in surest(config, some.y)
        ]
        true = [[(box, names[int(box[4])]) for box in of_one if box[4] != NO_CLASS] for of_one in truth]
        return {"boxes": plot_boxes(some.images, found, true, f"Detection in the first images of {split}")}


def image_losses(config: Any, y: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The loss of each image by itself, (B,)."""
    K = config.model.num_classes
    losses = []
    for of_one, classes, targets in zip(y, *assigned(config, boxes), strict=True):
        every, positive = patch_weights(classes[None])
        is_class = classes[:, None] == np.arange(K)
        options = {"alpha": config.focal_alpha, "gamma": config.focal_gamma}
        focal = focal_forward(of_one[:, :K], targets=is_class, weights=every[0], **options)[0]
        giou = giou_forward(of_one[:, K:], target=targets, weights=positive[0])[0]
        losses.append(focal + config.box_weight * giou)
    return np.array(losses)


def surest(config: Any, y: np.ndarray) -> np.ndarray:
    """The model's output (B, L, K + 4) -> (B, k, 6): x1 y1 x2 y2, class, score of the surest boxes that do not overlap
    much, the surest first; class NO_CLASS and score 0 where there are fewer.
    """
    K, k = config.model.num_classes, config.max_boxes
    H, W = config.model.image_shape
    boxes = np.clip(y[..., K:], 0, [W, H, W, H])
    probs = sigmoid_forward(y[..., :K])[0]
    scores = probs.max(axis=2)
    kept = suppress_overlaps(boxes, scores, max_iou=config.nms_iou, min_score=config.min_score)
    scores = np.where(kept, scores, 0.0)
    classes = np.where(kept, probs.argmax(axis=2), NO_CLASS)
    found = np.concatenate([boxes * kept[..., None], classes[..., None], scores[..., None]], axis=2)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(found, order[..., None], axis=1)
    missing = np.broadcast_to([0.0, 0, 0, 0, NO_CLASS, 0], (len(y), k - found.shape[1], 6))
    return np.concatenate([found, missing], axis=1)
