"""Deletion and insertion curves: how soon the answer is gone, or is there, when patches go or come in a map's order.

Source: Petsiuk, Das, Saenko 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
arXiv:1806.07421, section 4.1; there an insertion begins with a blurred image, here with a painted one.
"""

import numpy as np

from ..backend import Array, to_numpy
from ..ops import sigmoid_forward, softmax_forward
from ..ops.floats import widened
from ..vit import VisionTransformer
from .covering import covered

STEPS = 16  # of a curve, or as many as there are patches


def curve_masks(heat: np.ndarray) -> np.ndarray:
    """The patches of a map (rows, columns) in order, the greatest value first, as masks of the first 0, ..., all of
    them: bool (steps + 1, rows, columns), 16 steps as a rule.
    """
    L = heat.size
    steps = min(STEPS, L)
    place = np.empty(L, np.int64)
    place[np.argsort(-heat.ravel(), kind="stable")] = np.arange(L)  # 0: the greatest
    taken = np.round(np.linspace(0, L, steps + 1))
    return (place < taken[:, None]).reshape(steps + 1, *heat.shape)


def deletion_insertion(
    model: VisionTransformer, image: Array, target: int, heat: np.ndarray, *, fill: Array, multi_label: bool = False
) -> tuple[float, float]:
    """Areas under two curves of the probability of class `target`: as patches are painted over (deletion), and as they
    come back to an image that is all `fill` (insertion). Those that a map (rows, columns) values most come first, so a
    map that finds what the model goes by has a small first area and a large second one, both from 0 to 1.

    Args:
        image, fill: as for `covering`.
        multi_label: whether each class is a yes or no by itself, a sigmoid in place of softmax.
    """
    masks = curve_masks(heat)
    logits = widened(model.predict(covered(image, np.concatenate([masks, ~masks]), fill, model.config)))
    probs, _ = (sigmoid_forward if multi_label else softmax_forward)(logits)
    deletion, insertion = np.split(to_numpy(probs[:, target]).astype(np.float64), 2)
    return _area(deletion), _area(insertion)


def _area(curve: np.ndarray) -> float:
    """Under a curve over 0 to 1, by the trapezoidal rule."""
    return float((curve[:-1] + curve[1:]).mean() / 2)
