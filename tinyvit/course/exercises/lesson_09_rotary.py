# mypy: disable-error-code="no-untyped-def"
"""Lesson 9, positions that turn: rotary embedding, both ways."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 9.5 ---


def rotary(x, dy, angles):
    return _turned(x, angles), _turned(dy, -angles)


def _turned(x, angles, *, halves=False, sign=1, both_plus=False):
    if halves:
        a, b = np.split(x, 2, axis=-1)
    else:
        a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = np.cos(angles), sign * np.sin(angles)
    one, other = a * cos + b * sin if both_plus else a * cos - b * sin, a * sin + b * cos
    if halves:
        return np.concatenate([one, other], axis=-1)
    y = np.empty_like(x)
    y[..., 0::2], y[..., 1::2] = one, other
    return y


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for lead, n, d in (((), 3, 4), ((2,), 4, 6), ((1, 2), 5, 2), ((2, 3), 1, 8), ((1,), 2, 4)):
        x, dy = rng.standard_normal((2, *lead, n, d))
        yield Case((x, dy, rng.uniform(-3, 3, (n, d // 2))))


def _side_by_side(x, angles):
    """Both halves of the answer one behind the other, where pairs stand side by side."""
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


add(
    "9.5",
    rotary,
    _cases,
    outputs=("y", "dx"),
    mistakes={
        "dx was turned forward; the backward turns back, by minus the angle": (
            lambda x, dy, angles: (_turned(x, angles), _turned(dy, angles))
        ),
        "the first half was paired with the second; a pair stands side by side: features 0 and 1, 2 and 3, ...": (
            lambda x, dy, angles: (_turned(x, angles, halves=True), _turned(dy, -angles, halves=True))
        ),
        "the pairs are turned the other way: (1, 0) turned by a small angle is (cos, sin), with a plus": (
            lambda x, dy, angles: (_turned(x, angles, sign=-1), _turned(dy, -angles, sign=-1))
        ),
        "a sign is missing: the first of a pair becomes a cos - b sin": (
            lambda x, dy, angles: (_turned(x, angles, both_plus=True), _turned(dy, -angles, both_plus=True))
        ),
        "the turned pairs stand in two halves; write them back side by side": (
            lambda x, dy, angles: (_side_by_side(x, angles), _side_by_side(dy, -angles))
        ),
        "dx is dy as it is; it passes through the turning, too": lambda x, dy, angles: (_turned(x, angles), dy.copy()),
        "dx was turned forward and got a minus; it is the angle that gets the minus": (
            lambda x, dy, angles: (_turned(x, angles), -_turned(dy, angles))
        ),
        "np.cos and np.sin take radians, which the angles are: nothing is to be converted": (
            lambda x, dy, angles: (_turned(x, np.deg2rad(angles)), _turned(dy, -np.deg2rad(angles)))
        ),
        "sin and cos are swapped: the first of a pair becomes a cos - b sin": (
            lambda x, dy, angles: (_turned(x, np.pi / 2 - angles), _turned(dy, np.pi / 2 + angles))
        ),
    },
)
