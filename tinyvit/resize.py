"""A model for images of another size: only its positions depend on how many patches there are.

Source: Dosovitskiy et al. 2021, arXiv:2010.11929, section 3.2: keep the patch size, so that larger images have more
patches, and interpolate the learned positions by their place in the image.
"""

import copy
import dataclasses
from typing import TYPE_CHECKING, TypeVar

from .config import ViTConfig, sizes_that_divide
from .errors import UserError
from .ops import ResampleMethod, resample_positions_forward

if TYPE_CHECKING:
    from .vit import VisionTransformer

Model = TypeVar("Model", bound="VisionTransformer")


def resized_model(
    model: Model,
    img_size: int | tuple[int, int],
    *,
    method: ResampleMethod = "bicubic",
    antialias: bool = False,
    align_corners: bool = False,
) -> Model:
    """A copy of `model` for images of `img_size` (one number, or height and width), in its dtype and on its device.

    Positions are resampled, see `resample_matrix` for how; all other weights are copied. Nothing is shared with
    `model`, so one can be trained without the other. Fixed positions become learned ones: a table made anew would
    count patches, and say of the middle of a larger image what the model knows as its far end.

    Raises:
        UserError: the patches do not divide the new size, or there is no such method.
    """
    old, new = model.config, resized_config(model.config, img_size)
    if new.pos_embed != "learned" and new.grid_size == old.grid_size:
        return copy.deepcopy(model)  # the table is what it would be
    twin = with_learned_positions(model)
    twin.config = dataclasses.replace(new, pos_embed="learned")
    twin.pos_embed, _ = resample_positions_forward(
        twin.pos_embed,
        grid=old.grid_size,
        new_grid=new.grid_size,
        num_prefix=new.num_prefix_tokens,
        method=method,
        antialias=antialias,
        align_corners=align_corners,
    )
    return twin


def resized_config(config: ViTConfig, img_size: int | tuple[int, int]) -> ViTConfig:
    """The same for images of another size; the patches stay as they are.

    Raises:
        UserError: they do not divide the new size.
    """
    patch, sides = config.patch_size, img_size if isinstance(img_size, tuple | list) else (img_size, img_size)
    if len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides) and any(s % patch for s in sides):
        raise UserError(
            f"a {sides[0]}x{sides[1]} image does not divide into {patch}x{patch} patches, as this model has them: "
            f"choose img_size {sizes_that_divide(img_size, patch)}"
        )
    return dataclasses.replace(config, img_size=img_size)


def with_learned_positions(model: Model) -> Model:
    """A copy of `model`; where its positions are a fixed table, that table is now a parameter."""
    twin = copy.deepcopy(model)
    if model.config.pos_embed != "learned":
        twin.config = dataclasses.replace(model.config, pos_embed="learned")
        twin.pos_embed = twin.sincos.astype(twin.dtype)
        del twin.sincos
    return twin
