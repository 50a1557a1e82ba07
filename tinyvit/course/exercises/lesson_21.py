# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, how good a class for each pixel is."""

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
        if (true | said).any() and (one := quotient(true, said)) is not None:
            found.append(one)
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


def _mean_where(counts):
    """The mean over pixels that are counted by another rule."""

    def function(labels, predicted, num_classes):
        counted = counts(labels, num_classes)
        return _mean((labels[counted], predicted[counted]), range(num_classes))

    return function


def _all_as_one(labels, predicted, num_classes):
    labels, predicted = _counted(labels, predicted, num_classes)
    right = (labels == predicted).sum()
    return float(right / (2 * labels.size - right))


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
        ((4, 6, 3), 6, (0, 2, 4), (0, 2, 4, 5), 99),
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
        "a class that is only predicted, or has no right pixel, was left out; its IoU is 0, and counts": (
            _of_true_classes
        ),
        "pixels without a label may have another number than 255: all whose label is not below num_classes": (
            _mean_where(lambda labels, K: labels != 255)
        ),
        "the label num_classes was taken for a class; classes end at num_classes - 1: labels < num_classes": (
            _mean_where(lambda labels, K: labels <= K)
        ),
        "pixels without a label were taken for the last class; leave them out": lambda labels, predicted, K: _mean(
            (np.minimum(labels, K - 1), predicted), range(K)
        ),
        "images with a pixel without a label were left out; leave out that pixel alone": (
            _mean_where(lambda labels, K: np.broadcast_to((labels < K).all((1, 2), keepdims=True), labels.shape))
        ),
        "divided by the pixels in one of the two alone, ^; the union has those in both, too: |": _with(
            quotient=lambda true, said: (true & said).sum() / (true ^ said).sum() if (true ^ said).any() else None
        ),
        "the pixels of all classes were added up before dividing; each class has its own quotient": _all_as_one,
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
