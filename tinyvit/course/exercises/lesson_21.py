# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, a class for each pixel: how good it is, and a loss to learn it by."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 21.1 ---


def mean_iou(labels, predicted, num_classes):
    return _mean(_counted(labels, predicted, num_classes), range(num_classes))


def _counted(labels, predicted, num_classes):
    counted = labels < num_classes
    return labels[counted], predicted[counted]


def _overlap(true, said):
    return (true & said).sum() / (true | said).sum()


def _mean(pixels, classes, *, quotient=_overlap, absent=None):
    """Mean of a quotient over classes; `absent` counts for a class that is nowhere, None for not at all."""
    (labels, predicted), found = pixels, []
    for k in classes:
        true, said = labels == k, predicted == k
        if (true | said).any():
            found.append(quotient(true, said))
        elif absent is not None:
            found.append(absent)
    return float(np.mean(found))


def _with(**options):
    """The mean over all classes, with another quotient, or something for classes that are nowhere."""
    return lambda labels, predicted, K: _mean(_counted(labels, predicted, K), range(K), **options)


def _by_image(labels, predicted, num_classes):
    return float(np.mean([_with()(*pair, num_classes) for pair in zip(labels, predicted, strict=True)]))


def _of_true_classes(labels, predicted, num_classes):
    pixels = _counted(labels, predicted, num_classes)
    return _mean(pixels, np.unique(pixels[0]))


def _accuracy(labels, predicted, num_classes):
    labels, predicted = _counted(labels, predicted, num_classes)
    return float((labels == predicted).mean())


def _by_frequency(labels, predicted, num_classes):
    labels, predicted = _counted(labels, predicted, num_classes)
    return sum((labels == k).mean() * _overlap(labels == k, predicted == k) for k in np.unique(labels))


def _recall(true, said):
    return (true & said).sum() / np.maximum(true.sum(), 1)


def _mask_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Some class may be predicted alone, or be nowhere; some pixels have no label; a class may have one pixel."""
    for shape, K, true, said, no_label in (
        ((2, 4, 5), 3, (0, 1, 2), (0, 1, 2), 255),
        ((1, 3, 4), 2, (0, 1), (0, 1), None),
        ((3, 5, 7), 5, (0, 1, 3), (0, 1, 2, 3), 5),
        ((4, 6, 3), 6, (0, 2, 4), (0, 2, 4, 5), None),
    ):
        labels = rng.choice(true, shape, p=[0.6, *[0.4 / (len(true) - 1)] * (len(true) - 1)])
        labels[:, 0, : len(true)] = true  # each in every image
        predicted = np.where(rng.random(shape) < 0.5, labels, rng.choice(said, shape))
        predicted[:, -1, -1] = said[-2]
        if no_label:
            labels[:, 1:][rng.random(labels[:, 1:].shape) < 0.2] = no_label
        yield Case((labels, predicted, K))
    yield Case((np.array([[[0, 0, 1], [0, 2, 2]]]), np.array([[[0, 2, 1], [0, 2, 0]]]), 3))


add(
    "21.1",
    mean_iou,
    _mask_cases,
    outputs=("mean IoU",),
    mistakes={
        "each image was measured by itself; count the pixels of all images together, and divide once": _by_image,
        "a class that is neither true nor predicted counted as 0; leave it out of the mean": _with(absent=0.0),
        "a class that is neither true nor predicted counted as 1; leave it out of the mean": _with(absent=1.0),
        "a class that is neither true nor predicted gives 0 / 0; leave it out of the mean": _with(absent=np.nan),
        "a class that is only predicted was left out; its IoU is 0, and counts": _of_true_classes,
        "the denominator counts the right pixels twice; take them off once: they are in both": _with(
            quotient=lambda true, said: (true & said).sum() / (true.sum() + said.sum())
        ),
        "that is Dice, 2 I / (true + said); IoU divides by the union": _with(
            quotient=lambda true, said: 2 * (true & said).sum() / (true.sum() + said.sum())
        ),
        "divided by the true pixels alone, which is recall; pixels wrongly called so count, too": _with(
            quotient=_recall
        ),
        "divided by the predicted pixels alone, which is precision; pixels that were missed count, too": _with(
            quotient=lambda true, said: (true & said).sum() / np.maximum(said.sum(), 1)
        ),
        "pixels without a label were counted as wrong; take out those whose label is not below num_classes": (
            lambda labels, predicted, K: _mean((labels, predicted), range(K))
        ),
        "that is pixel accuracy; here each class has its own quotient": _accuracy,
        "the background, class 0, was left out; it is a class as others": (
            lambda labels, predicted, K: _mean(_counted(labels, predicted, K), range(1, K))
        ),
        "each class was weighted by its pixels; all count alike": _by_frequency,
    },
)

# --- 21.2 ---


def pixel_loss(logits, labels, class_weights):
    return _loss(logits, labels, class_weights)


def _weights_of(labels, class_weights):
    """A weight for each pixel, not yet adding up to 1."""
    counted = labels < len(class_weights)
    return np.where(counted, class_weights[np.where(counted, labels, 0)], 0.0)


def _loss(
    logits,
    labels,
    class_weights,
    *,
    weights=_weights_of,
    otherwise=0,
    total=lambda each, labels, K: each.sum(),
    logarithm=np.log,
    pull=lambda probs, truth, each, unscaled: (probs - truth) * each[:, None],
):
    exps = np.exp(logits - logits.max(1, keepdims=True))
    probs = exps / exps.sum(1, keepdims=True)
    K = len(class_weights)
    truth = np.where(labels < K, labels, otherwise % K)[:, None] == np.arange(K)
    unscaled = weights(labels, class_weights)
    each = unscaled / total(unscaled, labels, K)
    return -(each * logarithm(probs[truth])).sum(), pull(probs, truth, each, unscaled)


def _other(**options):
    return lambda logits, labels, class_weights: _loss(logits, labels, class_weights, **options)


def _ones(labels, class_weights):
    return (labels < len(class_weights)) * 1.0


def _all_labelled(labels, class_weights):
    return class_weights[np.where(labels < len(class_weights), labels, 0)]


def _last_class(labels, class_weights):
    return class_weights[np.minimum(labels, len(class_weights) - 1)]


def _columns(logits, labels, class_weights):
    loss, dlogits = _loss(logits, labels, class_weights, pull=lambda probs, truth, each, unscaled: probs - truth)
    counted = (labels < len(class_weights))[:, None]
    return loss, dlogits * counted * class_weights / _weights_of(labels, class_weights).sum()


def _pixel_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, K, unlabelled, no_label in ((7, 3, 2, 255), (1, 4, 0, 0), (12, 2, 3, 2), (5, 5, 0, 0), (9, 4, 1, 255)):
        labels = rng.integers(0, K, n)
        labels[rng.permutation(n)[:unlabelled]] = no_label
        yield Case((2 * rng.standard_normal((n, K)), labels, rng.uniform(0.3, 3, K)))


add(
    "21.2",
    pixel_loss,
    _pixel_cases,
    outputs=("loss", "dlogits"),
    mistakes={
        "the class weights are missing: all pixels count alike": _other(weights=_ones),
        "divided by the number of pixels; the weights must add up to 1, so divide by their sum": _other(
            total=lambda each, labels, K: len(labels)
        ),
        "divided by the number of labelled pixels; the weights must add up to 1, so divide by their sum": _other(
            total=lambda each, labels, K: (labels < K).sum()
        ),
        "the weights were not divided by their sum": _other(total=lambda each, labels, K: 1.0),
        "pixels without a label count as if they were of class 0; their weight is 0": _other(weights=_all_labelled),
        "pixels without a label count as if they were of the last class; their weight is 0": _other(
            weights=_last_class, otherwise=-1
        ),
        "the loss is right, and the gradient lacks the weights of the pixels": _other(
            pull=lambda probs, truth, each, unscaled: probs - truth
        ),
        "the loss is right, and the gradient has the weights before they were divided by their sum": _other(
            pull=lambda probs, truth, each, unscaled: (probs - truth) * unscaled[:, None]
        ),
        "the sign of the gradient: it is probs - one-hot": _other(
            pull=lambda probs, truth, each, unscaled: (truth * 1.0 - probs) * each[:, None]
        ),
        "take 1 off at the true class: the gradient is probs - one-hot": _other(
            pull=lambda probs, truth, each, unscaled: probs * each[:, None]
        ),
        "the gradient is not 0 at the other classes: there it is probs, times the pixel's weight": _other(
            pull=lambda probs, truth, each, unscaled: (probs - truth) * truth * each[:, None]
        ),
        "the gradient's columns were weighted, each by its class; a pixel has one weight, that of its true class": (
            _columns
        ),
        "the sign of the loss: a logarithm of a probability is below 0": _other(logarithm=lambda p: -np.log(p)),
        "the logarithm is missing: the loss is minus the log of the true class's probability": _other(
            logarithm=lambda p: p
        ),
        "that is in bits, with log2; nats have np.log": _other(logarithm=np.log2),
    },
    not_to_call=("cross_entropy",),
)  # fmt: skip
