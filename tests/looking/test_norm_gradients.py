"""Layer norm's three terms: in sum the op's gradient, and each what its derivation says."""

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, seen_by
from tinyvit import UserError
from tinyvit.looking import norm_gradients
from tinyvit.ops import layer_norm_backward, layer_norm_forward


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("block", [0, 1])
def test_the_terms_add_up_to_the_ops_gradient(name, block, rng):
    seen = seen_by(name, rng)
    grads = seen.backward(1)
    dx, _, _ = layer_norm_backward(grads.normed[block], seen.saved.features.blocks[block].attn.norm)
    for image, token in ((0, 0), (2, seen.model.config.num_tokens - 1)):
        found = norm_gradients(seen, grads, block, token, image=image)
        np.testing.assert_allclose(found.dx, dx[image, token], rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(found.direct + found.through_mean + found.through_rstd, found.dx)


def test_each_term_by_holding_the_others_fixed(rng):
    """y through x - mean alone, through the mean alone, through rstd alone, by central differences."""
    seen = seen_by("everything", rng)
    norm, size = seen.model.blocks[1].norm1, 1e-6
    found = norm_gradients(seen, seen.backward(2), 1, 3)
    x, eps = found.x, norm.eps

    def y(direct, mean, rstd):
        scale = 1 / np.sqrt(rstd.var() + eps)
        return ((direct - mean.mean()) * scale) @ found.dx_hat

    for term, place in ((found.direct, 0), (found.through_mean, 1), (found.through_rstd, 2)):
        wanted = []
        for unit in np.eye(len(x)):
            up, down = ([x + sign * size * unit if n == place else x for n in range(3)] for sign in (1, -1))
            wanted.append((y(*up) - y(*down)) / (2 * size))
        np.testing.assert_allclose(term, wanted, rtol=1e-5, atol=1e-8)


def test_it_is_the_norm_of_that_token(rng):
    seen = seen_by("registers", rng)
    found = norm_gradients(seen, seen.backward(0), 1, 2, image=1)
    norm = seen.model.blocks[1].norm1
    y, _ = layer_norm_forward(found.x, norm.weight, norm.bias, eps=norm.eps)
    np.testing.assert_allclose(found.x_hat * norm.weight + norm.bias, y, rtol=1e-10)
    np.testing.assert_allclose(found.dx_hat, found.dy * norm.weight)
    np.testing.assert_allclose(found.rstd, 1 / np.sqrt(found.x.var() + norm.eps))


def test_places_that_are_none(rng):
    seen = seen_by("registers", rng)
    for block, token in ((2, 0), (0, -1), (0, 99)):
        with pytest.raises(UserError, match="numbered from 0"):
            norm_gradients(seen, seen.backward(0), block, token)
