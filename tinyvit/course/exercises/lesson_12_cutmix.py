# mypy: disable-error-code="no-untyped-def"
"""Lesson 12, one image in another: CutMix and its shares of two labels."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 12.4 ---


def cutmix(images, labels, order, box, num_classes):
    return _mixed(images, labels, order, box, num_classes)


def _mixed(images, labels, order, box, K, *, shares=None, turned=False, kept_label=False, whole=False, other=None):
    top, bottom, left, right = (*box[2:], *box[:2]) if turned else box
    mixed, donors = images.copy(), images[order]
    mixed[:, :, top:bottom, left:right] = donors[:, :, top:bottom, left:right]
    area = (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
    area = area if shares is None else shares(area)
    one_hot = np.eye(K)
    targets = (1 - area) * one_hot[labels] + area * one_hot[labels if kept_label else labels[order]]
    return donors if whole else mixed, targets if other is None else other(targets, one_hot)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for (B, C, H, W), K in (((3, 1, 6, 8), 4), ((1, 2, 5, 7), 3), ((6, 3, 8, 5), 10), ((2, 1, 9, 4), 2)):
        for _ in range(2):
            top, left = int(rng.integers(0, H - 1)), int(rng.integers(0, W - 1))
            box = top, int(rng.integers(top + 1, H)), left, int(rng.integers(left + 1, W))
            order, labels = np.roll(np.arange(B), 1)[rng.permutation(B)], rng.integers(0, K, B)
            yield Case((rng.standard_normal((B, C, H, W)), labels, order, box, K))
    for box in ((2, 2, 1, 3), (0, 3, 1, 5)):  # an empty one, and one of more than half of the pixels
        yield Case((rng.standard_normal((3, 1, 4, 5)), np.array([2, 0, 1]), np.array([1, 2, 0]), box, 3))


def _changed(**options):
    return lambda *given: _mixed(*given, **options)


def _in_place_of_order(images, labels, order, box, K):
    """The image that takes the piece, and the one that gives it, changed about."""
    return _mixed(images, labels, np.argsort(order), box, K)


add(
    "12.4",
    cutmix,
    _cases,
    outputs=("images", "targets"),
    mistakes={
        "each half counts: the share of a label is the area of its pixels, not a half": _changed(shares=lambda a: 0.5),
        "the shares have changed places: the pasted piece has the share of its area": _changed(shares=lambda a: 1 - a),
        "box is top, bottom, left, right; rows and columns have changed places": _changed(turned=True),
        "the piece came with its image's label, and that has its share": _changed(kept_label=True),
        "the whole other image was taken, and not the piece within the box": _changed(whole=True),
        "image i takes from image order[i], and not the other way round": _in_place_of_order,
        "the targets are whole; they are shares of two labels": _changed(
            other=lambda targets, one_hot: one_hot[targets.argmax(1)]
        ),
    },
)
