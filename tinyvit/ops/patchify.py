"""Patchify: an image becomes a row of patches, as a page becomes a row of stamps: values only move.

    patches[b, (i, j), (c, u, v)] = images[b, c, i*P + u, j*P + v]

Patches are read in rows, each flattened channel first, as a convolution's (C, P, P) weights are.
Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", section 3.1, arXiv:2010.11929.
"""

from typing import NamedTuple

from ..backend import Array
from ..errors import UserError
from .floats import check_array, check_shape


class PatchifySaved(NamedTuple):
    """A re-arrangement needs to remember only the shapes."""

    image_shape: tuple[int, int]  # (H, W)
    patch_size: int  # P


def patchify_forward(images: Array, *, patch_size: int) -> tuple[Array, PatchifySaved]:
    """(B, C, H, W) -> (B, L, C*P*P), with L = (H/P) * (W/P).

    Raises:
        UserError: `images` has not four axes, or its height or width is no multiple of `patch_size` >= 1.
    """
    check_array("images", images)
    if images.ndim != 4:
        raise UserError(f"images must have the shape (B, C, H, W), got {images.shape}: add the missing axes")
    B, C, H, W = images.shape
    P = patch_size
    if P < 1 or H % P or W % P:
        raise UserError(
            f"a {H}x{W} image does not divide into {P}x{P} patches: choose a patch_size that divides {H} and {W}"
        )
    pieces = images.reshape(B, C, H // P, P, W // P, P)
    # (B, C, H/P, P, W/P, P) -> (B, H/P, W/P, C, P, P): the two grid axes go in front
    patches = pieces.transpose(0, 2, 4, 1, 3, 5).reshape(B, (H // P) * (W // P), C * P * P)
    return patches, PatchifySaved((H, W), P)


def patchify_backward(dpatches: Array, saved: PatchifySaved) -> Array:
    """(B, L, C*P*P) -> (B, C, H, W). Each number of the output is one number of the input, so its gradient goes back to
    where the number came from: the backward of a re-arrangement is the re-arrangement back.
    """
    dimages, _ = unpatchify_forward(dpatches, image_shape=saved.image_shape, patch_size=saved.patch_size)
    return dimages


class UnpatchifySaved(NamedTuple):
    patch_size: int  # P


def unpatchify_forward(
    patches: Array, *, image_shape: tuple[int, int], patch_size: int
) -> tuple[Array, UnpatchifySaved]:
    """(B, L, C*P*P) -> (B, C, H, W), the inverse of `patchify_forward`.

    Raises:
        UserError: `patches` has not three axes, or they do not fill an image of that shape.
    """
    check_array("patches", patches)
    check_shape("patches", patches, ("B", "L", "C*P*P"))
    (H, W), P = image_shape, patch_size
    B, L, size = patches.shape
    if P < 1 or H % P or W % P or L != (H // P) * (W // P) or size % (P * P):
        raise UserError(f"{L} patches of {size} values do not make up a {H}x{W} image of {P}x{P} patches")
    C = size // (P * P)
    pieces = patches.reshape(B, H // P, W // P, C, P, P)
    # (B, H/P, W/P, C, P, P) -> (B, C, H/P, P, W/P, P): the transpose of patchify, undone
    images = pieces.transpose(0, 3, 1, 4, 2, 5).reshape(B, C, H, W)
    return images, UnpatchifySaved(P)


def unpatchify_backward(dimages: Array, saved: UnpatchifySaved) -> Array:
    """(B, C, H, W) -> (B, L, C*P*P). The inverse of a re-arrangement is one too, so this is patchify again."""
    dpatches, _ = patchify_forward(dimages, patch_size=saved.patch_size)
    return dpatches
