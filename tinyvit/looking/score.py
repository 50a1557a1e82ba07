"""Scores of the maps on one image: does what a map points at matter to the answer, when it is tried?"""

from typing import Any, NamedTuple

from ..backend import Array, to_numpy
from ..vit import VisionTransformer
from .agreement import rank_correlation
from .covering import Windows, covering
from .curves import deletion_insertion
from .look import look
from .maps import attribution_maps


class MapScore(NamedTuple):
    agreement: float  # rank correlation with covering, -1 to 1; NaN where there is no order to compare
    deletion: float  # area under the curve, 0 to 1; small is good
    insertion: float  # the same; large is good


def score_maps(
    model: VisionTransformer,
    image: Array,
    *,
    fill: Array,
    rng: Any,
    windows: Windows | None = None,
    multi_label: bool = False,
) -> dict[str, MapScore]:
    """Score each map of `attribution_maps` by name, for the class that the model answers; then "covering" itself, which
    is what can be reached, and "chance", a random map, which is what comes by itself.

    A map agrees with `covering` where it orders the windows as the fall of the logit does; in a window of several
    patches, their values are added up.

    Args:
        image: (C, H, W), normalised, of the model's dtype and on its device.
        fill: what is painted over patches, see `covered`.
        rng: a `np.random.Generator`.
        windows: None: `Windows` of the model's grid.
        multi_label: as for `deletion_insertion`.
    """
    windows = windows or Windows(model.config.grid_size)
    seen = look(model, image[None])
    (target,) = seen.classes()
    falls = to_numpy(covering(model, image, target, fill=fill, windows=windows))
    maps = {name: to_numpy(of_images[0]) for name, of_images in attribution_maps(seen, fill=fill).items()}
    maps |= {"covering": windows.as_map(falls), "chance": rng.random(windows.grid)}
    scores = {}
    for name, heat in maps.items():
        agreement = rank_correlation(windows.sums(heat), falls)
        curves = deletion_insertion(model, image, target, heat, fill=fill, multi_label=multi_label)
        scores[name] = MapScore(agreement, *curves)
    return scores
