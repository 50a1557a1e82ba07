# mypy: disable-error-code="no-untyped-def"
"""Lesson 25, images moved by whole pixels."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 25.3 ---


def shifted(images, down, right, black):
    return _moved(images, down, right, black)


def _moved(images, down, right, black, *, mode="constant"):
    """Of each padded image the window that begins `down` rows higher and `right` columns further left."""
    H, W = images.shape[2:]
    margin = int(max(np.abs(down).max(), np.abs(right).max()))
    edges, filled = ((0, 0), (0, 0), (margin, margin), (margin, margin)), {"constant_values": black}
    padded = np.pad(images, edges, mode=mode, **(filled if mode == "constant" else {}))
    pairs = zip(margin - down, margin - right, strict=True)
    windows = [padded[i, :, top : top + H, left : left + W] for i, (top, left) in enumerate(pairs)]
    return np.stack(windows)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for (B, C, H, W), down, right in (
        ((4, 1, 5, 7), (1, -2, 0, 2), (3, 1, -2, 0)),
        ((3, 2, 6, 4), (0, 0, 0), (0, 0, 0)),
        ((2, 3, 4, 4), (-1, 1), (1, 2)),
        ((1, 1, 3, 6), (2,), (-1,)),
        ((3, 1, 2, 5), (0, 1, -1), (4, -3, 0)),
        ((2, 1, 2, 3), (-6, 1), (1, -4)),  # farther than the image is large: all black
        ((1, 2, 3, 2), (0,), (-4,)),
    ):
        yield Case((rng.standard_normal((B, C, H, W)), np.array(down), np.array(right), float(rng.uniform(-3, -1))))
    B = int(rng.integers(4, 8))
    yield Case((rng.standard_normal((B, 2, 6, 5)), *rng.integers(-3, 4, (2, B)), -0.5))


def _rolled(images, down, right):
    return np.stack([np.roll(image, (d, r), axis=(1, 2)) for image, d, r in zip(images, down, right, strict=True)])


def _first_channel(images, down, right, black):
    moved = images.copy()
    moved[:, :1] = _moved(images[:, :1], down, right, black)
    return moved


def _over_itself(images, down, right, black):
    """What moves in is not black, but what stood there before."""
    inside = _moved(np.ones_like(images), down, right, 0.0) > 0
    return np.where(inside, _moved(images, down, right, black), images)


def _one(numbers):
    return np.full_like(numbers, numbers[0])


add(
    "25.3",
    shifted,
    _cases,
    outputs=("moved",),
    not_to_call=("random_shift", "warp_affine"),
    mistakes={
        "what leaves the image on one side comes in on the other: np.roll wraps around; what moves in is black": (
            lambda images, down, right, black: _rolled(images, down, right)
        ),
        "all images are moved as the first one is: each has a shift of its own": (
            lambda images, down, right, black: _moved(images, _one(down), _one(right), black)
        ),
        "the images move the other way: a positive `down` moves the digit to higher row numbers": (
            lambda images, down, right, black: _moved(images, -down, -right, black)
        ),
        "`down` has the wrong sign: positive moves the digit down, to higher row numbers": (
            lambda images, down, right, black: _moved(images, -down, right, black)
        ),
        "`right` has the wrong sign: positive moves the digit to the right, to higher column numbers": (
            lambda images, down, right, black: _moved(images, down, -right, black)
        ),
        "rows and columns are exchanged: `down` is along axis 2, `right` along axis 3": (
            lambda images, down, right, black: _moved(images, right, down, black)
        ),
        "what moves in is `black`, and not 0: after normalising, black is another number": (
            lambda images, down, right, black: _moved(images, down, right, 0.0)
        ),
        "what moves in is black, and not a copy of the edge": (
            lambda images, down, right, black: _moved(images, down, right, black, mode="edge")
        ),
        "what moves in is black, and not what stood in that place before": _over_itself,
        "only the rows were moved; `right` moves the columns": (
            lambda images, down, right, black: _moved(images, down, 0 * right, black)
        ),
        "only the columns were moved; `down` moves the rows": (
            lambda images, down, right, black: _moved(images, 0 * down, right, black)
        ),
        "only the first channel was moved; all channels of an image move together": _first_channel,
        "nothing was moved": lambda images, down, right, black: images.copy(),
        "the images have grown: cut each window to the size of the image, H by W": (
            lambda images, down, right, black: np.pad(
                images,
                ((0, 0), (0, 0), *[(int(max(np.abs(down).max(), np.abs(right).max())),) * 2] * 2),
                constant_values=black,
            )
        ),
    },
)
