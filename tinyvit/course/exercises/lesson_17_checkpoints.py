# mypy: disable-error-code="no-untyped-def"
"""Lesson 17, gradient checkpointing: compute again what was not kept."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 17.4 ---


def checkpointed(layers, x, dy, every):
    return _walked(layers, x, dy, every)


def _walked(layers, x, dy, every, *, keep_all=False, forwards=False, stale=False, first_in=False, short=False):
    kept = []
    for number, (forward, _) in enumerate(layers):
        if number % every == 0:
            kept.append(x)
        x, _ = forward(x)
    most = 0
    starts = list(range(0, len(layers), every))
    for first in starts if forwards else reversed(starts):
        segment = layers[first : first + every]
        x, held = kept[-1] if stale else kept[first // every], []
        for forward, _ in segment:
            x, saved = forward(x)
            held.append(saved)
        most = max(most, len(held))
        for _, backward in reversed(segment):
            dy = backward(dy, held.pop(0 if first_in else -1))
        if short:
            break
    return dy, len(layers) if keep_all else most


def _layer(weight, bias):
    """tanh(x @ weight + bias), both ways."""

    def forward(x):
        if not isinstance(x, np.ndarray):
            raise TypeError(f"a layer takes an array, and not a {type(x).__name__}")
        y = np.tanh(x @ weight + bias)
        return y, (1 - y * y,)

    def backward(dy, saved):
        (slope,) = saved
        return (dy * slope) @ weight.T

    return forward, backward


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for depth, every, rows, d in ((6, 2, 3, 4), (5, 2, 1, 3), (7, 3, 2, 2), (4, 4, 2, 3), (3, 1, 2, 5), (2, 5, 4, 2)):
        layers = tuple(_layer(rng.standard_normal((d, d)) / np.sqrt(d), rng.standard_normal(d)) for _ in range(depth))
        yield Case((layers, rng.standard_normal((rows, d)), rng.standard_normal((rows, d)), every))


def _changed(**options):
    return lambda *given: _walked(*given, **options)


add(
    "17.4",
    checkpointed,
    _cases,
    outputs=("dx", "most"),
    mistakes={
        "the segments were walked from the first; the backward begins with the last": _changed(forwards=True),
        "each segment begins with the input that was kept for it, and not with the last one": _changed(stale=True),
        "within a segment, the layer that was computed last is walked back first, with its own `saved`": (
            _changed(first_in=True)
        ),
        "only the last segment was walked back": _changed(short=True),
        "a `saved` of each layer was held at once; hold those of one segment": _changed(keep_all=True),
    },
)
