"""Maps over the patches: five answers to "what in this image speaks for that class?", by five methods."""

from ..backend import Array, array_module
from ..config import ViTConfig
from .look import LogitGradients, Look, Targets
from .readers import on_grid, readers
from .relevance import attention_relevance
from .rollout import attention_rollout


def attribution_maps(
    seen: Look, targets: Targets = None, *, fill: Array, grads: LogitGradients | None = None
) -> dict[str, Array]:
    """Maps (B, rows, columns) of each image by name; errors as for `Look.classes`. A model without blocks has the last
    two alone.

    last attention     the row of the tokens that the head reads in the last block's attention, mean of the heads
    rollout            of all blocks, see `attention_rollout`; like the first, the same for each class
    relevance          see `attention_relevance`
    input gradient     the sum over a patch of |dimage|: where the logit is sensitive
    gradient x input   the sum over a patch of dimage * (image - fill): the fall of the logit, were it linear, if the
                       patch were painted over with `fill`: a first guess of `covering`

    Sources: Simonyan et al. 2014, arXiv:1312.6034, section 3, for the gradient; Shrikumar et al. 2016, "Not Just a
    Black Box", arXiv:1605.01713, for gradient times input; of the others, in their files.

    Args:
        fill: what a pixel is measured against, (C, 1, 1) or anything that broadcasts to (C, H, W); as normalised as the
            images are.
        grads: what `seen.backward(targets)` gave, where it was asked already.
    """
    config, rows, grads = seen.model.config, readers(seen), grads or seen.backward(targets)
    maps = {}
    if config.depth:
        last = seen.attention[-1].mean(axis=1)  # (B, N, N)
        maps = {
            "last attention": on_grid((rows[:, None] @ last)[:, 0], config),
            "rollout": on_grid(attention_rollout(seen.attention, rows), config),
            "relevance": on_grid(attention_relevance(seen.attention, grads.attention, rows), config),
        }
    maps["input gradient"] = patch_sums(array_module(rows).abs(grads.images), config)
    maps["gradient x input"] = patch_sums(grads.images * (seen.images - fill), config)
    return maps


def patch_sums(images: Array, config: ViTConfig) -> Array:
    """The sum over all pixels and channels of each patch: (B, C, H, W) -> (B, rows, columns)."""
    B, C, _, _ = images.shape
    (rows, columns), P = config.grid_size, config.patch_size
    return images.reshape(B, C, rows, P, columns, P).sum(axis=(1, 3, 5))
