"""The stream as a sum: parts add up to the logit, exactly; a part that wrote nothing adds nothing."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.looking import CLASSIFIERS, model_of, seen_by
from tinyvit import VisionTransformer, load_dataset
from tinyvit.datasets import normalize
from tinyvit.looking import logit_lens, logit_parts, look, part_names, token_similarity

SHIPPED = Path(__file__).parents[2] / "data" / "mnist-vit"


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("targets", [None, 0, [2, 1, 0]])
def test_parts_add_up_to_the_logit(name, targets, rng):
    seen = seen_by(name, rng)
    parts = logit_parts(seen, targets)
    assert parts.shape == (3, len(part_names(2)))
    logits = seen.logits[range(3), seen.classes(targets)]
    np.testing.assert_allclose(parts.sum(axis=1), logits, rtol=1e-11)


def test_a_part_by_hand(rng):
    """The class token's row alone, centred, scaled as the last state was, times the column of the class."""
    seen = seen_by("layer scale", rng)
    model, state = seen.model, seen.states[-1][:, 0]
    scale = 1 / np.sqrt(state.var(axis=1, keepdims=True) + model.norm.eps)
    names = dict(zip(part_names(2), logit_parts(seen, 1).T, strict=True))
    for name, part in (
        ("embedding", seen.states[0]),
        ("attention 2", seen.branches[1][0]),
        ("MLP 1", seen.branches[0][1]),
    ):
        centred = part[:, 0] - part[:, 0].mean(axis=1, keepdims=True)
        np.testing.assert_allclose(names[name], (centred * scale * model.norm.weight) @ model.head.weight[:, 1])
    np.testing.assert_allclose(names["constant"], model.norm.bias @ model.head.weight[:, 1] + model.head.bias[1])


def test_parts_of_a_trained_model_in_float32():
    model, dataset = VisionTransformer.from_pretrained(SHIPPED), load_dataset("mnist")
    seen = look(model, normalize(dataset.test.images[:50], dataset.mean, dataset.std))
    for target in (None, 3):
        logits = seen.logits[range(50), seen.classes(target)]
        np.testing.assert_allclose(logit_parts(seen, target).sum(axis=1), logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("branch", "part"), [("attn.proj", "attention"), ("mlp.fc2", "MLP")])
@pytest.mark.parametrize("block", [0, 1])
def test_a_branch_that_wrote_nothing_adds_nothing(branch, part, block, rng):
    model = model_of("mean pooling", rng)
    for kind in ("weight", "bias"):
        model.parameters()[f"blocks.{block}.{branch}.{kind}"][...] = 0
    parts = logit_parts(look(model, rng.standard_normal((2, *model.config.input_shape))), 2)
    silent = [name for name, values in zip(part_names(2), parts.T, strict=True) if not values.any()]
    assert silent == [f"{part} {block + 1}"]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_last_answer_of_the_lens_is_the_models_own(name, rng):
    seen = seen_by(name, rng)
    lens = logit_lens(seen)
    assert lens.shape == (3, 3, 3)
    np.testing.assert_allclose(lens[-1], seen.logits, rtol=1e-12)


def test_the_lens_after_a_block_is_the_model_that_ends_there(rng):
    seen = seen_by("cls token, erf", rng)
    shorter = model_of("cls token, erf", rng)
    shorter.load_state_dict(seen.model.parameters())
    shorter.blocks = shorter.blocks[:1]
    np.testing.assert_allclose(logit_lens(seen)[1], shorter.predict(seen.images), rtol=1e-12)


def test_similarity_is_the_cosine(rng):
    state = rng.standard_normal((2, 5, 3))
    state[1, 4] = 0
    mine = token_similarity(state, 2)
    for image in range(2):
        for token in range(5):
            a, b = state[image, 2], state[image, token]
            wanted = a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) if b.any() else 0
            np.testing.assert_allclose(mine[image, token], wanted, atol=1e-12)
