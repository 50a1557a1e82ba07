"""Looking keeps CuPy's rules: on the stand-in, all of it gives what NumPy gives."""

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, model_of
from tinyvit.looking import (
    adversarial_step,
    attention_gradients,
    attribution_maps,
    covering,
    head_parts,
    logit_lens,
    logit_parts,
    look,
    norm_gradients,
    readers,
    relevance_by_block,
    score_maps,
    score_terms,
    token_similarity,
    without_heads,
)  # fmt: skip


def found(model, images, fill):
    """Everything there is to be found, by name."""
    seen = look(model, images)
    grads = seen.backward([0, 1])
    of_head, of_norm = attention_gradients(seen, grads, 1, 1, 2), norm_gradients(seen, grads, 1, 2)
    return (
        attribution_maps(seen, fill=fill)
        | of_head._asdict()
        | of_norm._asdict()
        | {
            "parts": logit_parts(seen, 1),
            "readers": readers(seen),
            "dattention": grads.attention[0],
            "lens": logit_lens(seen),
            "relevance by block": relevance_by_block(seen.attention, grads.attention, readers(seen)),
            "adversarial": adversarial_step(images, grads.images, epsilon=20),
            "similarity": token_similarity(seen.states[1], 2),
            "heads": head_parts(seen, 1),
            "terms": score_terms(seen, 0, 1, query=0, key=3),
            "without": without_heads(model, [(1, 0)]).predict(images),
            "covering": covering(model, images[0], 2, fill=fill),
        }
    )


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_looking_keeps_cupys_rules(strict, name, rng):
    model = model_of(name, rng)
    images, fill = (
        rng.standard_normal((2, *model.config.input_shape)),
        rng.standard_normal((model.config.in_chans, 1, 1)),
    )
    wanted = found(model, images, fill)
    device = model._map(strict.asarray)
    mine = found(device, strict.asarray(images), strict.asarray(fill))
    assert mine.keys() == wanted.keys()
    for key, array in mine.items():
        assert type(array) is strict.ndarray, key
        np.testing.assert_allclose(array._host, wanted[key], atol=1e-11, err_msg=key)


def test_a_look_makes_no_host_wait(strict, rng):
    model = model_of("everything", rng)._map(strict.asarray)
    images = strict.asarray(rng.standard_normal((2, *model.config.input_shape)))
    with strict.no_host_reads():
        seen = look(model, images)
        seen.backward([1, 2])
        logit_parts(seen, [1, 2])


def test_scores_are_the_same(strict, rng):
    model = model_of("registers", rng)
    image, fill = rng.standard_normal(model.config.input_shape), np.zeros((2, 1, 1))
    wanted = score_maps(model, image, fill=fill, rng=np.random.default_rng(1))
    device = model._map(strict.asarray)
    mine = score_maps(device, strict.asarray(image), fill=strict.asarray(fill), rng=np.random.default_rng(1))
    np.testing.assert_allclose([*mine.values()], [*wanted.values()], atol=1e-9)
