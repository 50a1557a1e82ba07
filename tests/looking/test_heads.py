"""Single heads: parts that sum to what attention wrote, scores that are sums, and the model without a head."""

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, model_of, seen_by
from tinyvit import UserError
from tinyvit.looking import head_parts, look, score_terms, without_heads
from tinyvit.ops import softmax_forward


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("block", [0, 1])
def test_heads_and_a_bias_are_what_attention_wrote(name, block, rng):
    seen = seen_by(name, rng)
    layer = seen.model.blocks[block]
    bias, _ = layer.ls1.forward(layer.attn.proj.bias[None])
    parts = head_parts(seen, block)
    assert parts.shape[:2] == (3, 2)
    np.testing.assert_allclose(parts.sum(axis=1) + bias, seen.branches[block][0], rtol=1e-10)


@pytest.mark.parametrize("name", ["cls token, erf", "layer scale", "everything"])
@pytest.mark.parametrize(("block", "head"), [(0, 1), (1, 0), (1, 1)])
def test_a_head_switched_off_is_its_part_taken_away(name, block, head, rng):
    model = model_of(name, rng)
    images = rng.standard_normal((3, *model.config.input_shape))
    seen, without = look(model, images), look(without_heads(model, [(block, head)]), images)
    wanted = seen.branches[block][0] - head_parts(seen, block)[:, head]
    np.testing.assert_allclose(without.branches[block][0], wanted, rtol=1e-9, atol=1e-13)
    assert not head_parts(without, block)[:, head].any()
    assert not np.allclose(without.logits, seen.logits)


def test_the_model_itself_keeps_its_heads_and_shares_the_rest(rng):
    model = model_of("registers", rng)
    before = model.state_dict()
    twin = without_heads(model, [(1, 0), (1, 1)])
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, before[name])
        assert (twin.parameters()[name] is array) == (name != "blocks.1.attn.proj.weight")
    assert not twin.blocks[1].attn.proj.weight.any()
    assert type(twin) is type(model)
    logits, saved = twin.forward(rng.standard_normal((1, *model.config.input_shape)))
    assert twin.backward(logits, saved)[1].keys() == model.parameters().keys()  # it can be trained like any other


@pytest.mark.parametrize("pair", [(2, 0), (-1, 0), (0, 2), (0, -1)])
def test_heads_that_are_none(pair, rng):
    with pytest.raises(UserError, match="blocks are 0 to 1, heads 0 to 1"):
        without_heads(model_of("registers", rng), [pair])


@pytest.mark.parametrize("name", ["cls token, erf", "no qkv bias", "everything"])
def test_scores_are_sums_whose_softmax_is_the_attention(name, rng):
    seen = seen_by(name, rng)
    N = seen.model.config.num_tokens
    for block, head, query in ((0, 1, 2), (1, 0, 0)):
        terms = np.stack([score_terms(seen, block, head, query=query, key=key) for key in range(N)], axis=1)
        assert terms.shape == (3, N, 4)
        weights, _ = softmax_forward(terms.sum(axis=-1))
        np.testing.assert_allclose(weights, seen.attention[block][:, head, query], rtol=1e-10)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ((2, 0, 0, 0), "no block 2"),
        ((0, 2, 0, 0), "no head 2"),
        ((0, 0, -1, 0), "no token -1"),
        ((0, 0, 0, 99), "no token 99"),
    ],
)
def test_scores_that_are_none(place, sentence, rng):
    block, head, query, key = place
    with pytest.raises(UserError, match=sentence):
        score_terms(seen_by("registers", rng), block, head, query=query, key=key)
