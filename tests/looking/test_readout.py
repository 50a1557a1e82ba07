"""The readout: a linear function that gives the logit, and for which only tokens count that the head reads."""

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, seen_by
from tinyvit.layers import AttentionPool, LayerNorm
from tinyvit.looking import readout


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_it_gives_the_logit(name, rng):
    seen = seen_by(name, rng)
    dx, constant = readout(seen, [1, 2, 0])
    logits = (dx * seen.states[-1]).sum(axis=(1, 2)) + constant
    np.testing.assert_allclose(logits, seen.logits[range(3), [1, 2, 0]], rtol=1e-11)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_slope_where_what_is_fixed_is_fixed(name, rng, monkeypatch):
    """The end of the model runs again on another state, with the norms' scales, the pool's attention and what its MLP
    wrote taken from the first one: the logit moves by <dx, step>, however far the step.
    """
    seen = seen_by(name, rng)
    model, saved = seen.model, seen.saved
    dx, _ = readout(seen, 1)
    step = 3.0 * rng.standard_normal(dx.shape)

    def norm(layer, x, of_layer):
        if not isinstance(layer, LayerNorm):
            return x
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred * of_layer.rstd.reshape(*x.shape[:-1], 1) * layer.weight + layer.bias

    def pool(x):
        if not isinstance(model.pool, AttentionPool):
            return model.pool.forward(x)[0]
        x, D = x[:, model.pool.num_prefix :], x.shape[-1]
        v = x @ model.pool.qkv.weight[:, 2 * D :] + model.pool.qkv.bias[2 * D :]
        heads = v.reshape(*v.shape[:2], model.pool.num_heads, -1)
        mixed = np.einsum("bhl,blhd->bhd", saved.pool.attention.weights[:, :, 0], heads).reshape(len(x), D)
        wrote = model.pool.mlp.fc2.forward(saved.pool.mlp.fc2.x)[0]
        return mixed @ model.pool.proj.weight + model.pool.proj.bias + wrote

    def logits(state):
        return model.head.forward(
            norm(model.fc_norm, pool(norm(model.norm, state, saved.features.norm)), saved.fc_norm)
        )[0]

    np.testing.assert_allclose(logits(seen.states[-1]), seen.logits, rtol=1e-11)
    moved = logits(seen.states[-1] + step)[:, 1] - seen.logits[:, 1]
    np.testing.assert_allclose((dx * step).sum(axis=(1, 2)), moved, rtol=1e-9)


def test_readout_is_zero_for_tokens_the_head_does_not_read(rng):
    dx, _ = readout(seen_by("registers", rng), 0)
    assert dx[:, 0].all()
    assert not dx[:, 1:].any()
