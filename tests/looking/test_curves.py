"""Deletion and insertion: the order of the steps, and areas that are known."""

import numpy as np
import pytest

from tests.support.looking import model_of
from tinyvit.looking import curve_masks, deletion_insertion
from tinyvit.ops import sigmoid_forward, softmax_forward


@pytest.mark.parametrize(("grid", "steps"), [((2, 3), 6), ((4, 4), 16), ((7, 7), 16), ((14, 14), 16), ((1, 1), 1)])
def test_steps_take_the_greatest_first(grid, steps, rng):
    heat = rng.standard_normal(grid)
    masks = curve_masks(heat)
    assert masks.shape == (steps + 1, *grid)
    assert not masks[0].any()
    assert masks[-1].all()
    counts = masks.sum(axis=(1, 2))
    assert (np.diff(counts) >= heat.size // steps).all()
    for mask in masks[1:-1]:
        assert heat[mask].min() > heat[~mask].max()


@pytest.mark.parametrize("multi_label", [False, True])
def test_areas_by_a_slow_loop(multi_label, rng):
    model = model_of("cls token, erf", rng)
    image, heat = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 3))
    fill = np.zeros((2, 1, 1))

    def probability(x):
        logits = model.predict(x[None])
        return (sigmoid_forward if multi_label else softmax_forward)(logits)[0][0, 1]

    gone, back = image.copy(), np.zeros_like(image)
    deletion, insertion = [probability(gone)], [probability(back)]
    for index in np.argsort(-heat.ravel()):
        i, j = divmod(index, 3)
        place = (slice(None), slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2))
        gone[place], back[place] = 0, image[place]
        deletion.append(probability(gone))
        insertion.append(probability(back))
    wanted = [np.trapezoid(curve, dx=1 / 6) for curve in (deletion, insertion)]
    mine = deletion_insertion(model, image, 1, heat, fill=fill, multi_label=multi_label)
    np.testing.assert_allclose(mine, wanted, rtol=1e-10)
