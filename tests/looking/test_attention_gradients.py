"""The backward of one head: what it says is what finite differences say, and its shares add up to the op's own."""

import numpy as np
import pytest

import tinyvit.layers.attention
from tests.support.looking import CLASSIFIERS, FEW, model_of, seen_by
from tinyvit import UserError
from tinyvit.looking import attention_gradients, look
from tinyvit.ops import attention_backward, softmax_forward
from tinyvit.ops.attention import split_heads

EPS = 1e-6


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize(("block", "head"), [(0, 1), (1, 0)])
def test_all_tokens_shares_are_the_ops_gradient(name, block, head, rng):
    seen = seen_by(name, rng)
    grads, tokens = seen.backward(2), range(seen.model.config.num_tokens)
    dqkv = attention_backward(grads.heads[block], seen.saved.features.blocks[block].attn.body.attention)
    dq, dk, dv = (x[1, head] for x in split_heads(dqkv, seen.model.config.num_heads))
    found = [attention_gradients(seen, grads, block, head, token, image=1) for token in tokens]
    close = {"rtol": 1e-9, "atol": 1e-14}
    np.testing.assert_allclose([each.dq for each in found], dq, **close)
    for name, wanted in (("dk", dk), ("dv", dv)):
        np.testing.assert_allclose(getattr(found[0], name), wanted, **close)
        np.testing.assert_allclose(sum(getattr(each, f"{name}_row") for each in found), wanted, **close)
    for each in found:
        np.testing.assert_allclose(softmax_forward(each.scores)[0], each.weights, rtol=1e-10)
        np.testing.assert_allclose(each.dweights, each.v @ each.dy, **close)
        assert abs(each.dscores.sum()) < 1e-12  # softmax gives each score what it takes from the others


@pytest.mark.parametrize("name", [*FEW, "registers", "mean pooling", "layer scale"])
@pytest.mark.parametrize("part", ["q", "k", "v"])
def test_queries_keys_and_values_by_finite_differences(name, part, rng, monkeypatch):
    """They are moved by hand between qkv and the attention of one block, on their way through the whole model."""
    model, block, head, token = model_of(name, rng), 1, 1, 0
    images = rng.standard_normal((1, *model.config.input_shape))
    seen = look(model, images)
    found = attention_gradients(seen, seen.backward(1), block, head, token)
    gradient = getattr(found, f"d{part}")
    step, forward = rng.standard_normal(gradient.shape), tinyvit.layers.attention.attention_forward

    def logit(size):
        calls = iter(range(model.config.depth))

        def moved(qkv, **options):
            if next(calls) == block:
                qkv = qkv.copy()
                one = split_heads(qkv, model.config.num_heads)["qkv".index(part)][0, head]
                one[token if part == "q" else slice(None)] += size * step
            return forward(qkv, **options)

        monkeypatch.setattr(tinyvit.layers.attention, "attention_forward", moved)
        return model.forward(images)[0][0, 1]

    np.testing.assert_allclose((gradient * step).sum(), (logit(EPS) - logit(-EPS)) / (2 * EPS), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [((2, 0, 0), "no block 2"), ((-1, 0, 0), "no block -1"), ((0, 2, 0), "no head 2"), ((0, 0, 99), "no token 99")],
)
def test_places_that_are_none(place, sentence, rng):
    seen = seen_by("cls token, erf", rng)
    with pytest.raises(UserError, match=sentence):
        attention_gradients(seen, seen.backward(1), *place)
