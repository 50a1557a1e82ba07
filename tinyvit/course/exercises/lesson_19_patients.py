# mypy: disable-error-code="no-untyped-def"
"""Lesson 19, gradients block by block, and patches in other places."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 19.3 ---


def gradients_by_block(grads, depth):
    return _by_block(grads, depth)


def _length(arrays):
    return np.sqrt(sum((g * g).sum() for g in arrays))


def _by_block(grads, depth, *, dot=".", length=_length, first=0, belongs=str.startswith):
    beginnings = [f"blocks.{index}{dot}" for index in range(first, depth + first)]
    return np.array([length([g for name, g in grads.items() if belongs(name, part)]) for part in beginnings])


def _with(**options):
    return lambda grads, depth: _by_block(grads, depth, **options)


def _root_in_the_loop(arrays):
    length = 0.0
    for g in arrays:
        length = np.sqrt(length + (g * g).sum())
    return length


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
            _with(dot="")
        ),
        "the number of a block was taken for one letter; it may have two: look for blocks.1. with its dot": (
            _with(belongs=lambda name, part: name[7:8] == part[7:-1])
        ),
        "another name has blocks.0. further on: look whether it begins so, startswith": (
            _with(belongs=lambda name, part: part in name)
        ),
        "blocks were counted from 1; the first one is block 0": _with(first=1),
        "no name was found: they begin with blocks. and a number, which an f in front of the quotes puts in": (
            lambda grads, depth: np.zeros(depth)
        ),
        "lengths do not add up: add the squares of all numbers of a block, then take one root": (
            _with(length=lambda arrays: sum(np.sqrt((g * g).sum()) for g in arrays))
        ),
        "the mean of the lengths was taken: add the squares of all numbers of a block, then take one root": (
            _with(length=lambda arrays: np.mean([np.sqrt((g * g).sum()) for g in arrays]))
        ),
        "the largest length was taken: add the squares of all numbers of a block, then take one root": (
            _with(length=lambda arrays: max(np.sqrt((g * g).sum()) for g in arrays))
        ),
        "a root was taken for each array, of what was there so far, too: take one, when all squares are added up": (
            _with(length=_root_in_the_loop)
        ),
        "that is the sum of squares: its root is missing": _with(length=lambda arrays: _length(arrays) ** 2),
        "that is the root of a mean; a length is the root of the sum": (
            _with(length=lambda arrays: np.sqrt(np.mean(np.concatenate([g.ravel() for g in arrays]) ** 2)))
        ),
        "one array alone was taken of each block: add up the squares of them all": (
            _with(length=lambda arrays: _length(arrays[-1:]))
        ),
        "absolute values were added up: a length is the root of a sum of squares": (
            _with(length=lambda arrays: sum(np.abs(g).sum() for g in arrays))
        ),
        "the numbers were added up, where those below 0 take off: add their squares": (
            _with(length=lambda arrays: abs(sum(g.sum() for g in arrays)))
        ),
    },
)

# --- 19.4 ---


def move_patches(images, order, patch_size):
    return _moved(images, order, patch_size)


def _moved(
    images,
    order,
    patch_size,
    *,
    by_columns=False,
    width=None,
    step=None,
    rounds=None,
    channels=None,
    crossed=False,
    canvas=np.copy,
):
    P = patch_size
    step = P if step is None else step
    if width is None:
        width = images.shape[2 if by_columns else 3] // P

    def part(number):
        row, column = divmod(int(number), width)
        row, column = (column, row) if by_columns else (row, column)
        rows, columns = slice(row * step, row * step + P), slice(column * step, column * step + P)
        return slice(None), slice(channels), *((columns, rows) if crossed else (rows, columns))

    moved = canvas(images)
    for place, source in enumerate(order[:rounds]):
        moved[part(place)] = images[part(source)]
    return moved


def _in_patches(images, P):
    """(B, C, H, W) -> (B, L, C, P, P)."""
    B, C, H, W = images.shape
    return images.reshape(B, C, H // P, P, W // P, P).transpose(0, 2, 4, 1, 3, 5).reshape(B, -1, C, P, P)


def _turned(images, order, P):
    """Rows and columns of each patch exchanged on the way back."""
    B, C, H, W = images.shape
    patches = _in_patches(images, P)[:, order].reshape(B, H // P, W // P, C, P, P)
    return patches.transpose(0, 3, 1, 5, 2, 4).reshape(images.shape)


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
        "a row of patches has W // P of them, and not H // P": (
            lambda images, order, P: _moved(images, order, P, width=images.shape[2] // P)
        ),
        "a row of patches has W // P of them, and not W, which counts pixels": (
            lambda images, order, P: _moved(images, order, P, width=images.shape[3])
        ),
        "a row of patches has W // P of them, and not P": lambda images, order, P: _moved(images, order, P, width=P),
        "a patch begins at row * P and column * P": lambda images, order, P: _moved(
            images, order, P, step=1, canvas=np.zeros_like
        ),
        "rows and columns changed places: the row's slice cuts along H, the column's along W": (
            lambda images, order, P: _moved(images, order, P, crossed=True, canvas=np.zeros_like)
        ),
        "the first channel alone has moved": lambda images, order, P: _moved(images, order, P, channels=1),
        "one patch alone was put in its place: does the return stand inside the loop?": (
            lambda images, order, P: _moved(images, order, P, rounds=1)
        ),
        "those are patches; put them together to images again": (
            lambda images, order, P: _in_patches(images, P)[:, order]
        ),
        "patches were cut by a transpose, and put together by a reshape alone: transpose on the way back, too": (
            lambda images, order, P: _in_patches(images, P)[:, order].reshape(images.shape)
        ),
        "rows and columns within each patch changed places on the way back": _turned,
        "order was used to pick images; it says which patch of each image": lambda images, order, P: images[order],
        "nothing has moved": lambda images, order, patch_size: images.copy(),
    },
)
