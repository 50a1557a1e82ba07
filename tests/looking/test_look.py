"""One look: the same forward as the model's, and gradients that finite differences agree with."""

import numpy as np
import pytest

import tinyvit.layers.attention
from tests.support.looking import CLASSIFIERS, FEW, model_of, seen_by
from tinyvit import UserError, VisionTransformer, ViTConfig
from tinyvit.gradcheck.configs import MODELS, WORD_MODELS
from tinyvit.looking import look
from tinyvit.ops.attention import by_head, split_heads

EPS = 1e-5


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_look_is_the_forward_and_the_backward_of_the_model(name, rng):
    model = model_of(name, rng)
    images = rng.standard_normal((3, *model.config.input_shape))
    seen = look(model, images)
    np.testing.assert_allclose(seen.logits, model.predict(images), rtol=1e-12)
    for mine, wanted in zip(seen.states, model.hidden_states(images), strict=True):
        np.testing.assert_array_equal(mine, wanted)
    for mine, wanted in zip(seen.attention, model.attention(images), strict=True):
        np.testing.assert_array_equal(mine, wanted)
    targets = [2, 0, 1]
    dimages, _ = model.backward(np.eye(3)[targets], model.forward(images)[1])
    np.testing.assert_allclose(seen.backward(targets).images, dimages, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", FEW)
def test_the_gradient_of_the_images_by_finite_differences(name, rng):
    model = model_of(name, rng)
    images, targets = rng.standard_normal((3, *model.config.input_shape)), np.array([1, 0, 2])
    dimages = look(model, images).backward(targets).images
    for _ in range(3):
        step = rng.standard_normal(images.shape)
        up, down = (model.predict(images + sign * EPS * step)[range(3), targets] for sign in (1, -1))
        np.testing.assert_allclose((dimages * step).sum(axis=(1, 2, 3)), (up - down) / (2 * EPS), rtol=1e-6)


@pytest.mark.parametrize("name", [*FEW, "attention pooling, prefix", "distilled"])
@pytest.mark.parametrize("block", [0, 1])
def test_the_gradient_of_attention_by_finite_differences(name, block, rng, monkeypatch):
    """The weights of one block are moved after softmax, by hand, on their way through the whole model."""
    model = model_of(name, rng)
    images = rng.standard_normal((2, *model.config.input_shape))
    dweights = look(model, images).backward(1).attention[block]
    step = rng.standard_normal(dweights.shape)
    forward = tinyvit.layers.attention.attention_forward

    def logits(size):
        calls = iter(range(model.config.depth))

        def moved(qkv, *, num_heads, num_queries=None):
            y, saved = forward(qkv, num_heads=num_heads, num_queries=num_queries)
            if next(calls) == block:
                weights = saved.weights + size * step[:, :, : saved.weights.shape[2]]
                by_head(y, num_heads)[...] = weights @ split_heads(qkv, num_heads)[2]
            return y, saved

        monkeypatch.setattr(tinyvit.layers.attention, "attention_forward", moved)
        return model.forward(images)[0][:, 1]

    wanted = (logits(EPS) - logits(-EPS)) / (2 * EPS)
    np.testing.assert_allclose((dweights * step).sum(axis=(1, 2, 3)), wanted, rtol=1e-6)


def test_the_models_answer_is_explained_where_none_is_chosen(rng):
    seen = seen_by("cls token, erf", rng, images=5)
    answers = seen.logits.argmax(axis=1)
    np.testing.assert_array_equal(seen.classes(), answers)
    np.testing.assert_array_equal(seen.backward().images, seen.backward(answers).images)
    np.testing.assert_array_equal(seen.classes(2), [2] * 5)


@pytest.mark.parametrize("targets", [3, -1, [0, 1], [0, 1, 3], 1.5, [[0, 1, 2]], "1", True])
def test_classes_that_are_none(targets, rng):
    with pytest.raises(UserError, match="a class from 0 to 2"):
        seen_by("cls token, erf", rng).classes(targets)


@pytest.mark.parametrize("config", [MODELS["features"], *WORD_MODELS.values()])
def test_a_model_with_no_class_of_an_image(config, rng):
    with pytest.raises(UserError, match=r"this model (has no classes|reads words)"):
        look(VisionTransformer(config, rng=rng), np.zeros((1, *config.input_shape), np.float32))


def test_images_that_the_model_does_not_take(rng):
    model = model_of("cls token, erf", rng)
    for images in (np.zeros((1, 2, 4, 5)), np.zeros((1, 2, 4, 6), np.float32)):
        with pytest.raises(UserError):
            look(model, images)


def test_half_precision_is_looked_at_in_float32(rng):
    model = model_of("cls token, erf", rng).astype(np.float16)
    seen = look(model, rng.standard_normal((2, *model.config.input_shape)).astype(np.float16))
    assert {seen.logits.dtype, seen.backward().images.dtype, seen.backward().attention[0].dtype} == {np.dtype("f4")}


@pytest.mark.parametrize("depth", [0, 1])
def test_models_with_few_blocks(depth, rng):
    seen = seen_by("cls token, erf", rng, depth=depth)
    assert len(seen.states) == depth + 1
    assert len(seen.backward().attention) == depth


def test_the_model_stays_as_it_is_and_its_arrays_are_shared(rng):
    model = model_of("everything", rng)
    before, layers = model.state_dict(), [type(block.drop) for block in model.blocks]
    images = rng.standard_normal((2, *model.config.input_shape))
    look(model, images).backward(0)
    assert [type(block.drop) for block in model.blocks] == layers
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, before[name])
    assert look(model, images).model.blocks[0].mlp.fc1.weight is model.blocks[0].mlp.fc1.weight


def test_no_gradient_of_a_linear_weight_is_made(rng):
    seen = seen_by("cls token, erf", rng)
    _, grads = seen.model.backward(seen.dlogits(), seen.saved)
    linear = ("qkv.weight", "proj.weight", "fc1.weight", "fc2.weight", "head.weight")
    assert not [name for name in grads if name.endswith(linear)]
    assert [name for name in grads if "attention_weights" in name] == [
        f"blocks.{b}.attn.attention_weights" for b in (0, 1)
    ]


def test_large_grids_of_any_shape(rng):
    config = ViTConfig(
        img_size=(12, 40), patch_size=4, in_chans=1, num_classes=2, embed_dim=8, depth=1, num_heads=2, pool="mean"
    )
    model = VisionTransformer(config, rng=rng)
    seen = look(model, rng.standard_normal((1, 1, 12, 40)).astype(np.float32))
    assert seen.attention[0].shape == (1, 2, 31, 31)
