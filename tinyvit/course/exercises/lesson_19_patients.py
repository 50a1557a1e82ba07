# mypy: disable-error-code="no-untyped-def"
"""Lesson 19, gradients block by block, patches in other places, and what ails ten runs."""

from collections.abc import Iterator, Mapping

import numpy as np

from ..clinic import DIAGNOSES
from ..exercise import Case, NotAskedFor, add

# --- 19.3 ---


def gradients_by_block(grads, depth):
    return _by_block(grads, depth)


def _length(arrays):
    return np.sqrt(sum((g * g).sum() for g in arrays))


def _by_block(grads, depth, *, dot=".", length=_length):
    blocks = [[g for name, g in grads.items() if name.startswith(f"blocks.{index}{dot}")] for index in range(depth)]
    return np.array([length(arrays) for arrays in blocks])


def _grads_cases(rng: np.random.Generator) -> Iterator[Case]:
    shapes = {"norm1.weight": (3,), "attn.qkv.weight": (2, 6), "mlp.fc1.bias": (4,)}
    for depth in (2, 12, 1, 3, 21):
        names = [f"blocks.{index}.{part}" for index in range(depth) for part in shapes]
        names += ["head.weight", "blocks_norm.weight", "pos_embed", "old.blocks.0.attn.qkv.weight"]
        grads = {}
        for name in rng.permutation(names).tolist():
            shape = next((shape for part, shape in shapes.items() if name.endswith(part)), (1, 2, 3))
            grads[name] = rng.uniform(0.2, 3) * rng.standard_normal(shape)
        yield Case((grads, depth))


add(
    "19.3",
    gradients_by_block,
    _grads_cases,
    outputs=("norms",),
    mistakes={
        "block 1 got block 10's gradients, too: both names begin with blocks.1, so look for blocks.1. with its dot": (
            lambda grads, depth: _by_block(grads, depth, dot="")
        ),
        "lengths do not add up: add the squares of all numbers of a block, then take one root": (
            lambda grads, depth: _by_block(
                grads, depth, length=lambda arrays: sum(np.sqrt((g * g).sum()) for g in arrays)
            )
        ),
        "that is the sum of squares: its root is missing": (
            lambda grads, depth: _by_block(grads, depth, length=lambda arrays: sum((g * g).sum() for g in arrays))
        ),
        "that is the root of a mean; a length is the root of the sum": (
            lambda grads, depth: _by_block(
                grads, depth, length=lambda arrays: np.sqrt(np.mean(np.concatenate([g.ravel() for g in arrays]) ** 2))
            )
        ),
        "one array alone was taken of each block: add up the squares of them all": (
            lambda grads, depth: _by_block(grads, depth, length=lambda arrays: np.sqrt((arrays[-1] ** 2).sum()))
        ),
        "absolute values were added up: a length is the root of a sum of squares": (
            lambda grads, depth: _by_block(grads, depth, length=lambda arrays: sum(np.abs(g).sum() for g in arrays))
        ),
    },
)

# --- 19.4 ---


def move_patches(images, order, patch_size):
    return _moved(images, order, patch_size)


def _moved(images, order, patch_size, *, by_columns=False, wide=None):
    P = patch_size
    height, width = images.shape[2] // P, images.shape[3] // P

    def part(number):
        row, column = divmod(int(number), height if by_columns else width)
        row, column = (column, row) if by_columns else (row, column)
        return slice(None), slice(None), slice(row * P, row * P + P), slice(column * P, column * P + P)

    moved = images.copy()
    for place, source in enumerate(order):
        moved[part(place)] = images[part(source)]
    return moved


def _patches_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, C, height, width, P in ((2, 1, 4, 4, 7), (1, 3, 2, 3, 2), (3, 2, 5, 2, 3), (1, 1, 1, 4, 2), (2, 1, 3, 1, 1)):
        images = rng.standard_normal((B, C, height * P, width * P))
        yield Case((images, rng.permutation(height * width), P))


def _pixels_moved(images, order, patch_size):
    """Rows of all pixels cut as if the image were its patches, one after another."""
    B, C, H, W = images.shape
    return images.reshape(B, C, len(order), -1)[:, :, order].reshape(B, C, H, W)


def _one_by_one(images, order, patch_size):
    """In place: what was written over is read later."""
    moved = images.copy()
    width, P = images.shape[3] // patch_size, patch_size
    for place, source in enumerate(order):
        (a, b), (c, d) = divmod(place, width), divmod(int(source), width)
        moved[:, :, a * P : a * P + P, b * P : b * P + P] = moved[:, :, c * P : c * P + P, d * P : d * P + P]
    return moved


add(
    "19.4",
    move_patches,
    _patches_cases,
    outputs=("images",),
    mistakes={
        "patches went the other way: place i gets patch order[i], so order tells where to read, not where to write": (
            lambda images, order, patch_size: _moved(images, np.argsort(order), patch_size)
        ),
        "places were counted down the columns; patches are counted row by row": (
            lambda images, order, patch_size: _moved(images, order, patch_size, by_columns=True)
        ),
        "a reshape alone does not cut patches: it cuts rows of pixels": _pixels_moved,
        "patches were read from the image that is being written, where some are gone already: read from images": (
            _one_by_one
        ),
        "nothing has moved": lambda images, order, patch_size: images.copy(),
    },
)

# --- 19.5 ---


def diagnoses():
    return dict(DIAGNOSES)


def _exchanged(one, other):
    return lambda: DIAGNOSES | {one: DIAGNOSES[other], other: DIAGNOSES[one]}


def _told(result):
    """Ones, if all are right."""
    if not isinstance(result, Mapping) or {*result} != {*DIAGNOSES}:
        raise NotAskedFor('wanted a dict with a diagnosis for each letter, {"A": "...", ..., "J": "..."}')
    if unknown := [words for words in result.values() if words not in DIAGNOSES.values()]:
        raise NotAskedFor(f"{unknown[0]!r} is none of the ten: {', '.join(sorted(DIAGNOSES.values()))}")
    if wrong := [letter for letter in sorted(DIAGNOSES) if result[letter] != DIAGNOSES[letter]]:
        raise NotAskedFor(f"{len(DIAGNOSES) - len(wrong)} of 10 are right; look again at {', '.join(wrong)}")
    return np.ones(len(DIAGNOSES))


add(
    "19.5",
    diagnoses,
    lambda rng: iter([Case(())]),
    outputs=("right",),
    mistakes={
        "one of C and F has seen too few images; its training accuracy is perfect, and that of the other is not": (
            _exchanged("C", "F")
        ),
        "D and H both stay near the loss of who does not look; in one of them the weights have moved": (
            _exchanged("D", "H")
        ),
        "B and G both learn little; in one of them the weights have shrunk": _exchanged("B", "G"),
        "E and J both look healthy; one of them gives the same answer when patches change places": _exchanged("E", "J"),
        "E and I both fail the gradient check; in one of them whole blocks have no gradient at all": (
            _exchanged("E", "I")
        ),
        "A and H both are no better than chance; look at the labels of one batch": _exchanged("A", "H"),
    },
    summary=_told,
)
