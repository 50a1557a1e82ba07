"""A model for images of another size: only its positions depend on how many patches there are.

Source: Dosovitskiy et al. 2021, arXiv:2010.11929, section 3.2: keep the patch size, so that larger images have more
patches, and interpolate the learned positions by their place in the image.
"""

import copy
import dataclasses
from typing import TYPE_CHECKING, TypeVar

from .backend import like
from .ops import ResampleMethod, resample_positions_forward, sincos2d

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

    Learned positions are resampled, see `resample_matrix` for how; fixed ones are made anew; all other weights are
    copied. Nothing is shared with `model`, so one can be trained without the other.

    Raises:
        UserError: the patches do not divide the new size, or there is no such method.
    """
    old, new = model.config, dataclasses.replace(model.config, img_size=img_size)
    twin = copy.deepcopy(model)
    twin.config = new
    if new.pos_embed == "learned":
        twin.pos_embed, _ = resample_positions_forward(
            model.pos_embed,
            grid=old.grid_size,
            new_grid=new.grid_size,
            num_prefix=new.num_prefix_tokens,
            method=method,
            antialias=antialias,
            align_corners=align_corners,
        )
    else:
        table = sincos2d(new.embed_dim, new.grid_size, num_prefix=new.num_prefix_tokens)
        twin.sincos = like(table, model.sincos)
    return twin
