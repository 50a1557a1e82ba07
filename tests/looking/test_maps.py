"""The five maps: each is what its definition says, of every kind of model."""

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, seen_by
from tinyvit.looking import attribution_maps, covering, look, patch_sums, readers


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_model_has_five_maps_of_its_grid(name, rng):
    seen = seen_by(name, rng)
    maps = attribution_maps(seen, 1, fill=np.zeros((seen.model.config.in_chans, 1, 1)))
    names = ["last attention", "rollout", "relevance", "input gradient", "gradient x input"]
    assert list(maps) == names
    for heat in maps.values():
        assert heat.shape == (3, *seen.model.config.grid_size)
        assert np.isfinite(heat).all()
        assert heat.any()


def test_maps_by_hand(rng):
    seen = seen_by("registers", rng)
    fill = rng.standard_normal((2, 1, 1))
    maps = attribution_maps(seen, [0, 1, 2], fill=fill)
    np.testing.assert_allclose(
        maps["last attention"][1].ravel(),
        seen.attention[-1][1, :, 0, 3:].mean(axis=0),  # behind two registers
    )
    dimages = seen.backward([0, 1, 2]).images
    first = dimages[2, :, :2, 2:4]  # the second patch of the first row
    np.testing.assert_allclose(maps["input gradient"][2, 0, 1], np.abs(first).sum())
    wanted = (first * (seen.images[2, :, :2, 2:4] - fill)).sum()
    np.testing.assert_allclose(maps["gradient x input"][2, 0, 1], wanted)


def test_what_depends_on_the_class(rng):
    seen = seen_by("mean pooling", rng)
    one, other = (attribution_maps(seen, target, fill=np.zeros((2, 1, 1))) for target in (0, 1))
    same = {name for name in one if np.array_equal(one[name], other[name])}
    assert same == {"last attention", "rollout"}


def test_gradient_x_input_is_the_first_guess_of_covering(rng):
    """Next to the fill, where the logit is as good as linear, they are the same."""
    seen_model = seen_by("cls token, erf", rng).model
    fill = rng.standard_normal((2, 1, 1))
    image = fill + 1e-6 * rng.standard_normal((2, 4, 6))
    estimate = attribution_maps(look(seen_model, image[None]), 2, fill=fill)["gradient x input"][0]
    np.testing.assert_allclose(covering(seen_model, image, 2, fill=fill), estimate.ravel(), rtol=1e-3)


def test_without_blocks_there_are_gradients_alone(rng):
    seen = seen_by("mean pooling", rng, depth=0)
    assert list(attribution_maps(seen, fill=np.zeros((2, 1, 1)))) == ["input gradient", "gradient x input"]


def test_sums_over_patches(rng):
    images = rng.standard_normal((2, 2, 4, 6))
    sums = patch_sums(images, CLASSIFIERS["cls token, erf"])
    np.testing.assert_allclose(sums[1, 1, 2], images[1, :, 2:, 4:].sum())
    np.testing.assert_allclose(sums.sum(axis=(1, 2)), images.sum(axis=(1, 2, 3)))


def test_the_mean_over_patches_reads_the_mean_of_their_rows(rng):
    seen = seen_by("mean pooling", rng)
    mine = attribution_maps(seen, fill=np.zeros((2, 1, 1)))["last attention"]
    np.testing.assert_allclose(mine[0].ravel(), seen.attention[-1][0, :, 1:, 1:].mean(axis=(0, 1)))
    assert readers(seen)[0, 0] == 0
