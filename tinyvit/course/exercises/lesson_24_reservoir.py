# mypy: disable-error-code="no-untyped-def"
"""Lesson 24, which images of a stream are kept."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 24.5 ---


def reservoir(count, capacity, draws):
    return _kept(count, capacity, draws)


def _kept(
    count,
    capacity,
    draws,
    *,
    place=lambda draws, image, capacity: draws[image],
    enters=lambda draw, capacity: draw < capacity,
):
    kept = [*range(min(count, capacity))]
    for image in range(capacity, count):
        if enters(draws[image], capacity):
            kept[place(draws, image, capacity)] = image
    return np.array(kept)


def _streams(rng: np.random.Generator) -> Iterator[Case]:
    for count, capacity in ((60, 7), (5, 5), (3, 8), (30, 1), (int(rng.integers(40, 90)), 12), (40, 9)):
        yield Case((count, capacity, rng.integers(0, np.arange(count) + 1)))
    yield Case((9, 3, np.array([0, 0, 1, 2, 3, 0, 3, 2, 1])))  # a draw that is just the capacity


def _moved(count, capacity, draws):
    """Who is thrown out makes room, and the new one stands at the end."""
    kept = [*range(min(count, capacity))]
    for image in range(capacity, count):
        if draws[image] < capacity:
            kept.pop(draws[image])
            kept.append(image)
    return np.array(kept)


def _inserted(count, capacity, draws):
    kept = [*range(min(count, capacity))]
    for image in range(capacity, count):
        if draws[image] < capacity:
            kept.insert(draws[image], image)
    return np.array(kept)


def _shuffled(count, capacity, draws):
    """The first images change places by their draws, too."""
    kept = []
    for image in range(count):
        if image < capacity:
            kept.append(image)
            kept[image], kept[draws[image]] = kept[draws[image]], kept[image]
        elif draws[image] < capacity:
            kept[draws[image]] = image
    return np.array(kept)


def _grown(count, capacity, draws):
    return np.array([image for image in range(count) if image < capacity or draws[image] < capacity])


add(
    "24.5",
    reservoir,
    _streams,
    outputs=("kept",),
    mistakes={
        "these are the first images, and nothing came in after them: from then on the draw decides": (
            lambda count, capacity, draws: np.arange(min(count, capacity))
        ),
        "these are the last images: a new one enters only if its draw is below the capacity": (
            lambda count, capacity, draws: np.arange(count)[-capacity:]
        ),
        "every new image enters, so the latest are kept far too often; it enters only if its draw is below capacity": (
            lambda count, capacity, draws: _kept(
                count,
                capacity,
                draws,
                place=lambda draws, image, capacity: draws[image] % capacity,
                enters=lambda draw, capacity: True,
            )
        ),
        "the memory grew beyond its capacity: a new image takes the place of an old one": _grown,
        "a new image takes the place of an old one; list.insert moves all others along, and nobody goes": _inserted,
        "a new image takes the very place of the old one; it does not go to the end": _moved,
        "the images were sorted; each stays in its place": lambda count, capacity, draws: np.sort(
            _kept(count, capacity, draws)
        ),
        "places that no image has come to were filled with 0, the number of an image: then the array is shorter": (
            lambda count, capacity, draws: np.pad(_kept(count, capacity, draws), (0, max(0, capacity - count)))
        ),
        "while there is room, an image goes to the next place; its draw counts only after that": _shuffled,
        "a draw that is just the capacity is no place: the last place is capacity - 1": (
            lambda count, capacity, draws: _kept(
                count,
                capacity,
                draws,
                place=lambda draws, image, capacity: min(draws[image], capacity - 1),
                enters=lambda draw, capacity: draw <= capacity,
            )
        ),
        "the images are counted from 0": lambda count, capacity, draws: _kept(count, capacity, draws) + 1,
        "the place that is given away is the draw itself, not the next in a row": (
            lambda count, capacity, draws: _kept(
                count, capacity, draws, place=lambda draws, image, capacity: image % capacity
            )
        ),
        "each image has the draw of its own number, draws[image], and the first ones have theirs too": (
            lambda count, capacity, draws: _kept(count, capacity, np.concatenate([draws[:capacity], draws]))
        ),
        "the last place is never given away: a draw of capacity - 1 is below the capacity, too": (
            lambda count, capacity, draws: _kept(
                count, capacity, draws, enters=lambda draw, capacity: draw < capacity - 1
            )
        ),
        "place 0 is never given away: a draw of 0 is one, too": (
            lambda count, capacity, draws: _kept(
                count, capacity, draws, enters=lambda draw, capacity: 0 < draw < capacity
            )
        ),
        "the last image is not looked at: range(count) ends with count - 1": (
            lambda count, capacity, draws: _kept(count, capacity, [*draws[:-1], count])
        ),
    },
)
