"""Scores: covering agrees with itself, a good map beats a random one, and bounds hold."""

import numpy as np
import pytest

from tests.support.looking import model_of
from tinyvit.looking import MapScore, Windows, attribution_maps, deletion_insertion, look, score_maps


@pytest.mark.parametrize("name", ["cls token, erf", "everything", "attention pooling"])
@pytest.mark.parametrize("window", [None, 2])
def test_scores_of_every_map(name, window, rng):
    model = model_of(name, rng)
    image = rng.standard_normal(model.config.input_shape)
    windows = Windows(model.config.grid_size, window)
    scores = score_maps(model, image, fill=np.zeros((2, 1, 1)), rng=rng, windows=windows)
    assert list(scores)[-2:] == ["covering", "chance"]
    assert len(scores) == 7
    for score in scores.values():
        assert isinstance(score, MapScore)
        assert -1 - 1e-9 <= score.agreement <= 1 + 1e-9
        assert 0 <= score.deletion <= 1
        assert 0 <= score.insertion <= 1
    assert np.isclose(scores["covering"].agreement, 1)


def test_gradient_x_input_agrees_where_the_logit_is_linear(rng):
    """Close to the fill; there an attention map, which knows no sign, does not."""
    model = model_of("cls token, erf", rng)
    image = 1e-6 * rng.standard_normal((2, 4, 6))
    scores = score_maps(model, image, fill=np.zeros((2, 1, 1)), rng=rng)
    assert np.isclose(scores["gradient x input"].agreement, 1)
    assert scores["last attention"].agreement < 0.99


def test_the_random_map_is_the_seeds(rng):
    model = model_of("cls token, erf", rng)
    image = rng.standard_normal((2, 4, 6))
    one, same, other = (
        score_maps(model, image, fill=np.zeros((2, 1, 1)), rng=np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert one == same
    assert one["chance"] != other["chance"]


@pytest.mark.parametrize("multi_label", [False, True])
def test_curves_are_those_of_the_answer(multi_label, rng):
    model = model_of("mean pooling", rng)
    image, fill = rng.standard_normal((2, 4, 6)), np.zeros((2, 1, 1))
    scores = score_maps(model, image, fill=fill, rng=rng, multi_label=multi_label)
    seen = look(model, image[None])
    heat = attribution_maps(seen, fill=fill)["relevance"][0]
    target = int(model.predict(image[None]).argmax())
    wanted = deletion_insertion(model, image, target, heat, fill=fill, multi_label=multi_label)
    np.testing.assert_allclose(scores["relevance"][1:], wanted, rtol=1e-12)


def test_half_precision_is_scored(rng):
    model = model_of("mean pooling", rng)
    image, fill = rng.standard_normal((2, 4, 6)), np.zeros((2, 1, 1))
    wanted = score_maps(model, image, fill=fill, rng=np.random.default_rng(1))
    half = [array.astype(np.float16) for array in (image, fill)]
    mine = score_maps(model.astype(np.float16), half[0], fill=half[1], rng=np.random.default_rng(1))
    for name, score in wanted.items():
        np.testing.assert_allclose(mine[name][1:], score[1:], atol=0.01)
