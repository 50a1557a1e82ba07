"""Distillation: a small student learns from a trained teacher besides the labels, as DeiT does.

    loss = (1 - alpha) cross-entropy(student, label) + alpha of teaching:
        soft: T² KL(teacher || student), both softened by the temperature T       (Hinton et al. 2015)
        hard: cross-entropy(student, the class that the teacher would choose)      (Touvron et al. 2021)

The teacher sees the augmented image that the student sees, so it says what is in that one; without augmentation it says
so once, before the first step (`prepared`), for it is most of the work. With a distillation token
(`--pool cls+dist --num-registers 1`) the class token's head learns the labels and the other head the teacher's answers.

Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531; Touvron et al. 2021, arXiv:2012.12877, section 4.
"""

import dataclasses
import functools
import os
from collections.abc import Collection
from typing import Any

import numpy as np

from ..backend import Array, device_of, resolve_device
from ..config.costs import model_costs
from ..datasets import Dataset
from ..errors import UserError
from ..evaluation.judge import SHIPPED, check_fits, load_judge
from ..evaluation.predict import usual_batch_size
from ..layers import DistilledHead, Grads, prefixed
from ..ops import cross_entropy_backward, cross_entropy_forward, distillation_backward, distillation_forward
from ..vit import VisionTransformer
from .classify import Classify
from .fit import Note
from .split_answers import on_all_cores
from .task import Batch


class Distill(Classify):
    """A batch is images (B, C, H, W), labels (B,), and the teacher's logits for them (B, K), or the same images as the
    teacher takes them; the student is a classifier like any other.
    """

    def fit(self, config: Any, dataset: Dataset, free: Collection[str], note: Note) -> Any:
        """Also finds the teacher: of MNIST's digits, the shipped classifier, if no other is named."""
        teacher = config.teacher
        if teacher == "auto":
            if not (dataset.built_in and dataset.name == "mnist" and SHIPPED.is_dir()):
                raise UserError(
                    f"no teacher is known for {dataset.name}: train one on it, and name its folder with --teacher"
                )
            teacher = str(SHIPPED)
        config = dataclasses.replace(config, teacher=os.path.abspath(teacher))
        note(f"The teacher is {config.teacher}.")
        return super().fit(config, dataset, free, note)

    def check(self, config: Any, dataset: Dataset) -> None:
        super().check(config, dataset)
        check_fits(load_judge(config.teacher), config.teacher, config.model.input_shape, dataset.class_names)

    def prepared(self, config: Any, dataset: Dataset) -> Dataset:
        """Also with the teacher's logits for the training images, where these stay as they are."""
        if config.augment != "none":
            return dataset
        device, train = resolve_device(config.device), dataset.train
        judge = load_judge(config.teacher, device)

        def logits(rows: slice) -> np.ndarray:
            return judge.logits(train.images[rows])

        if device == "cpu":
            taught = on_all_cores(logits, len(train), judge.model.config.num_tokens)
        else:
            size = usual_batch_size(judge.model)
            taught = np.concatenate([logits(slice(at, at + size)) for at in range(0, len(train), size)])
        return dataclasses.replace(dataset, train=dataclasses.replace(train, taught=taught))

    def flops(self, config: Any) -> float:
        """Operations of the student, and where the teacher works in each step a third of its: it has no backward."""
        if config.augment == "none":
            return super().flops(config)
        teaching = model_costs(load_judge(config.teacher).model.config)
        return super().flops(config) + sum(cost.flops for cost in teaching.values()) / 3

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        images, labels = super().batch(config, dataset, chosen, rng)
        if dataset.train.taught is not None:
            return images, labels, dataset.train.taught[chosen]
        preprocessing = load_judge(config.teacher).preprocessing
        ours, theirs = (dataset.mean, dataset.std), (preprocessing.mean, preprocessing.std)
        return images, labels, images if ours == theirs else renormalized(images, ours, theirs)

    def loss_and_gradients(
        self,
        config: Any,
        model: VisionTransformer,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        images, labels, taught = batch
        if taught.ndim > 2:  # images, as the teacher takes them
            taught = teacher(config.teacher, device_of(taught), taught.dtype.name).predict(taught)
        for_labels, for_teacher, saved = forward_both(model, images, rng)
        loss, loss_saved = cross_entropy_forward(
            for_labels, labels=labels, weights=weights, label_smoothing=config.label_smoothing
        )
        dlabels = cross_entropy_backward((1.0 - config.alpha) * share, loss_saved)
        if config.distillation == "hard":
            teaching, taught_saved = cross_entropy_forward(for_teacher, labels=taught.argmax(axis=1), weights=weights)
            dteacher = cross_entropy_backward(config.alpha * share, taught_saved)
        else:
            teaching, soft_saved = distillation_forward(
                for_teacher, teacher_logits=taught, temperature=config.temperature, weights=weights
            )
            dteacher = distillation_backward(config.alpha * share, soft_saved)
        return (1.0 - config.alpha) * loss + config.alpha * teaching, backward_both(model, dlabels, dteacher, saved)


def forward_both(model: VisionTransformer, images: Array, rng: Any) -> tuple[Array, Array, Any]:
    """Logits for the labels and for the teacher's answers, (B, K) each: the same, or of a head each."""
    if not isinstance(model.head, DistilledHead):
        logits, saved = model.forward(images, rng=rng)
        return logits, logits, saved
    tokens, features = model.forward_features(images, rng=rng)
    pooled, pool = model.pool.forward(tokens)
    for_labels, for_teacher, head = model.head.forward_both(pooled)
    return for_labels, for_teacher, (features, pool, head)


def backward_both(model: VisionTransformer, dlabels: Array, dteacher: Array, saved: Any) -> Grads:
    """(B, K), (B, K) -> the gradient of every parameter."""
    if not isinstance(model.head, DistilledHead):
        return model.backward(dlabels + dteacher, saved)[1]
    features, pool, head = saved
    dpooled, dhead = model.head.backward_both(dlabels, dteacher, head)
    dtokens, _ = model.pool.backward(dpooled, pool)
    return model.backward_features(dtokens, features)[1] | prefixed("head", dhead)


@functools.lru_cache(maxsize=2)  # once for a process
def teacher(folder: str, device: str, dtype: str) -> VisionTransformer:
    """The classifier in `folder`, on a device and in a dtype."""
    return load_judge(folder).model.to(device).astype(dtype)


def renormalized(images: np.ndarray, ours: tuple[Any, Any], theirs: tuple[Any, Any]) -> np.ndarray:
    """Images (B, C, H, W), normalised with one mean and standard deviation, with others; each a number, or one of each
    channel.
    """
    mean, std, their_mean, their_std = (np.asarray(x, np.float64).reshape(-1, 1, 1) for x in (*ours, *theirs))
    return ((images * std + mean - their_mean) / their_std).astype(images.dtype)
