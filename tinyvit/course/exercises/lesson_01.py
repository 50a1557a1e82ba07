# mypy: disable-error-code="no-untyped-def"
"""Lesson 1, images to patches."""

import math
from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _sizes(rng: np.random.Generator) -> Iterator[tuple[int, int, int, int, int]]:
    """B, C, rows of patches, columns of patches, P; the first tells all mistakes apart."""
    yield 2, 3, *rng.permutation([2, 3]), rng.choice([2, 4])
    yield 1, 1, 3, 3, 2
    yield 3, 2, 5, 1, 1
    yield tuple(rng.integers(1, 5, 5))


def _numbered(*shape: int) -> np.ndarray:
    """0, 1, 2, ...: a number that is in the wrong place says where it comes from."""
    return np.arange(float(math.prod(shape))).reshape(shape)


# --- 1.1 ---


def patchify_forward(images, *, patch_size):
    return _cut(images, patch_size)


def _cut(images, P, *, split="bciujv", order="bijcuv"):
    """Split the axes H and W in two, re-arrange by letters, and flatten to (B, L, C*P*P)."""
    B, C, H, W = images.shape
    length = {"b": B, "c": C, "i": H // P, "u": P, "j": W // P, "v": P}
    pieces = np.einsum(f"{split}->{order}", images.reshape([length[letter] for letter in split]))
    return pieces.reshape(B, -1, C * P * P), (H, W, P)


def _each_channel_alone(images, *, patch_size):
    _, shape = _cut(images, patch_size)
    patches = np.stack([_cut(images[:, c : c + 1], patch_size)[0] for c in range(images.shape[1])], 1)
    return patches.reshape(len(images), -1, patch_size**2), shape


def _one_vector(images, *, patch_size):
    patches, shape = _cut(images, patch_size)
    return patches.reshape(len(images), -1), shape


def _rows_for_columns(images, *, patch_size):
    patches, (H, W, P) = _cut(images, patch_size)
    placed = np.zeros_like(patches)
    for i in range(H // P):
        for j in range(W // P):
            placed[:, i * (H // P) + j] = patches[:, i * (W // P) + j]
    return placed, (H, W, P)


def _not_joined(images, *, patch_size):
    (B, C, H, W), P = images.shape, patch_size
    return images.reshape(B, C, H // P, P, W // P, P).transpose(0, 2, 4, 1, 3, 5), (H, W, P)


def _halves_joined(images, *, patch_size):
    patches, shape = _not_joined(images, patch_size=patch_size)
    return patches.reshape(*patches.shape[:3], -1), shape


def _float_sizes(images, *, patch_size):
    B, C, H, W = images.shape
    return images.reshape(B, C, H / patch_size, patch_size, W / patch_size, patch_size)


def _lengths_for_numbers(images, *, patch_size):
    pieces, _ = _not_joined(images, patch_size=patch_size)
    return pieces.transpose(pieces.shape)


def _begins_at(images, patch_size, step):
    (B, _, H, W), P = images.shape, patch_size
    corners = [(i * step, j * step) for i in range(H // P) for j in range(W // P)]
    return np.stack([images[:, :, u : u + P, v : v + P].reshape(B, -1) for u, v in corners], 1), (H, W, P)


def _square(axis):
    """As many patches down as across, those of one side."""

    def cut(images, *, patch_size):
        (B, C, H, W), P, n = images.shape, patch_size, images.shape[axis] // patch_size
        pieces = images.reshape(B, C, n, P, n, P).transpose(0, 2, 4, 1, 3, 5)
        return pieces.reshape(B, n * n, C * P * P), (H, W, P)

    return cut


def _patchify_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, C, rows, columns, P in _sizes(rng):
        yield Case((_numbered(B, C, rows * P, columns * P),), {"patch_size": int(P)})


add(
    "1.1",
    patchify_forward,
    _patchify_cases,
    outputs=("patches", "H", "W", "P"),
    mistakes={
        "the axes were not moved: a reshape alone cuts the image into runs of pixels, not into squares": (
            lambda images, *, patch_size: _cut(images, patch_size, order="bciujv")
        ),
        "each patch is flattened channel last; it is channel first: all of its red, then all of its green, ...": (
            lambda images, *, patch_size: _cut(images, patch_size, order="bijuvc")
        ),
        "the patches are read column by column; they are read row by row, as a page": (
            lambda images, *, patch_size: _cut(images, patch_size, order="bjicuv")
        ),
        "inside each patch rows and columns are swapped": (
            lambda images, *, patch_size: _cut(images, patch_size, order="bijcvu")
        ),
        "H was split into (P, H/P); it is (H/P, P): first which patch, then where in the patch": (
            lambda images, *, patch_size: _cut(images, patch_size, split="bcuivj")
        ),
        "every channel was cut by itself; a patch holds all channels of its square": _each_channel_alone,
        "all patches of an image are in one vector; every patch is a vector of its own": _one_vector,
        "patch j of row i is number i * (W/P) + j: a whole row of patches, W/P of them, comes before the next": (
            _rows_for_columns
        ),
        "the six axes are in the right order; now join them with reshape, to (B, L, C*P*P)": _not_joined,
        "the pixels of a patch are joined; the rows and columns of patches are to be joined too, to L": _halves_joined,
        "H / P is 3.0, not 3, and a shape wants whole numbers: write H // P": _float_sizes,
        "transpose takes the numbers of the axes, 0 to 5, and not their lengths": _lengths_for_numbers,
        "saved is (H, W, P), in this order": (
            lambda images, *, patch_size: (_cut(images, patch_size)[0], (patch_size, *images.shape[2:]))
        ),
        "saved is (H, W, P): height and width in pixels, and the patch size": (
            lambda images, *, patch_size: (_cut(images, patch_size)[0], images.shape)
        ),
        "the sizes that the backward will need are missing: return patches, (H, W, P)": (
            lambda images, *, patch_size: _cut(images, patch_size)[0]
        ),
        "patch (i, j) begins at pixel (i * P, j * P), and not at (i, j)": (
            lambda images, *, patch_size: _begins_at(images, patch_size, 1)
        ),
        "saved is (H, W, P), in pixels: H and W and not the numbers of patches": (
            lambda images, *, patch_size: (
                _cut(images, patch_size)[0],
                (images.shape[2] // patch_size, images.shape[3] // patch_size, patch_size),
            )
        ),
        "an image need not be square: there are H // P rows of patches, and W // P in each": _square(2),
        "an image need not be square: there are H // P rows of patches, and W // P in each row": _square(3),
    },
)


# --- 1.2 ---


def unpatchify_forward(patches, *, image_shape, patch_size):
    return _paste(patches, image_shape, patch_size)


def _paste(patches, image_shape, P, *, split="bijcuv", order="bciujv"):
    (H, W), (B, _, size) = image_shape, patches.shape
    C = size // P**2
    length = {"b": B, "c": C, "i": H // P, "u": P, "j": W // P, "v": P}
    pieces = np.einsum(f"{split}->{order}", patches.reshape([length[letter] for letter in split]))
    return pieces.reshape(B, C, H, W), P


def _apart(patches, *, image_shape, patch_size):
    images, P = _paste(patches, image_shape, patch_size)
    B, C, H, W = images.shape
    return images.reshape(B, C, H // P, P, W // P, P), P


def _rows_for_columns_back(patches, *, image_shape, patch_size):
    (H, W), P, B = image_shape, patch_size, len(patches)
    images = np.zeros((B, patches.shape[2] // P**2, H, W))
    for n in range(patches.shape[1]):
        i, j = divmod(n, H // P)
        images[:, :, i * P : (i + 1) * P, j * P : (j + 1) * P] = patches[:, n].reshape(B, -1, P, P)
    return images, P


def _unpatchify_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, C, rows, columns, P in _sizes(rng):
        options = {"image_shape": (int(rows * P), int(columns * P)), "patch_size": int(P)}
        yield Case((_numbered(B, rows * columns, C * P * P),), options)


add(
    "1.2",
    unpatchify_forward,
    _unpatchify_cases,
    outputs=("images", "P"),
    mistakes={
        "the axes were not moved: a reshape alone lays the patches one behind the other": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, order="bijcuv")
        ),
        "this is the transpose of patchify once more; what undoes it is another one: (0, 3, 1, 4, 2, 5)": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, order="bjuicv")
        ),
        "the numbers of a patch were read channel last; they are channel first: (C, P, P)": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, split="bijuvc")
        ),
        "the patches were laid down column by column; they go row by row, as words on a page": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, split="bjicuv")
        ),
        "inside each patch rows and columns are swapped": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, order="bcivju")
        ),
        "C is in front, but its pixels are still sorted by patches; the order is H/P, P, W/P, P: each row, then the "
        "place in the row": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, order="bcijuv")
        ),
        "P came before H/P; first which patch, then where in the patch: H/P, P, W/P, P": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size, order="bcuivj")
        ),
        "the six axes are in the right order; now join them with reshape, to (B, C, H, W)": _apart,
        "image_shape is (H, W), height first": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape[::-1], patch_size)
        ),
        "the size that the backward will need is missing: return images, P": (
            lambda patches, *, image_shape, patch_size: _paste(patches, image_shape, patch_size)[0]
        ),
        "a row has W // P patches: patch n stands in row n // (W // P)": _rows_for_columns_back,
    },
)
