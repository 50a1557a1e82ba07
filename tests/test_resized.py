"""A model for images of another size: what is resampled, what is made anew, what is only copied; and it trains."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest

from tests.support import others_slow
from tinyvit import UserError, VisionTransformer, ViTConfig, check_gradients, preset
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.ops import resample_positions_forward, sincos2d
from tinyvit.optim import AdamW, flatten
from tinyvit.training import train_step

# From (4, 6) to: larger, smaller, one side each way, square; the square model has 3-pixel patches.
SIZES = {name: [(6, 6), 12, 18] if "square" in name else [(8, 10), (2, 4), (10, 2), 8] for name in MODELS}
EACH = [(name, size) for name in MODELS for size in SIZES[name]]

each_size = pytest.mark.parametrize(("name", "size"), EACH)


def build(name, seed=0):
    rng = np.random.default_rng(seed)
    return shaken(VisionTransformer(MODELS[name], rng=rng), rng)


def images_for(model, rng, batch=3):
    return rng.standard_normal((batch, *model.config.input_shape)).astype(model.dtype)


@each_size
def test_positions_are_new_and_everything_else_is_copied(name, size):
    model = build(name)
    other = model.resized(size)
    assert type(other) is VisionTransformer
    assert other.config == dataclasses.replace(model.config, img_size=size, pos_embed="learned")
    config = other.config
    parameters = other.parameters()
    assert set(parameters) == {*model.parameters(), "pos_embed"}
    wanted, _ = resample_positions_forward(
        model.sincos if model.config.pos_embed == "sincos2d" else model.pos_embed,
        grid=model.config.grid_size,
        new_grid=config.grid_size,
        num_prefix=config.num_prefix_tokens,
        method="bicubic",
    )
    np.testing.assert_array_equal(parameters.pop("pos_embed"), wanted)
    assert wanted.shape[1] == config.num_tokens
    for key, array in parameters.items():
        np.testing.assert_array_equal(array, model.parameters()[key])


def test_fixed_positions_are_learned_ones_from_then_on(rng):
    config = dataclasses.replace(MODELS["sincos2d"], num_registers=2)
    model = VisionTransformer(config, rng=rng)
    other = model.resized((8, 10))
    np.testing.assert_array_equal(other.pos_embed[:, :3], 0)
    fresh = VisionTransformer(other.config, rng=rng)
    fresh.load_state_dict(other.state_dict())
    images = images_for(other, rng)
    np.testing.assert_array_equal(fresh.predict(images), other.predict(images))
    assert model.resized(config.img_size).config == config


@pytest.mark.parametrize("way", list(itertools.product(("bicubic", "bilinear"), (False, True), (False, True))))
def test_how_to_resample_is_passed_on(way):
    model = build("registers")
    how = dict(zip(("method", "antialias", "align_corners"), way, strict=True))
    wanted, _ = resample_positions_forward(model.pos_embed, grid=(2, 3), new_grid=(3, 2), num_prefix=3, **how)
    np.testing.assert_array_equal(model.resized((6, 4), **how).pos_embed, wanted)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("method", ["bicubic", "bilinear"])
def test_the_same_size_gives_the_same_logits(name, method, rng):
    model = build(name)
    images = images_for(model, rng)
    same = model.resized(model.config.img_size, method=method)
    np.testing.assert_array_equal(same.predict(images), model.predict(images))


@each_size
def test_a_resized_model_takes_images_of_its_size_alone(name, size, rng):
    model = build(name)
    other = model.resized(size)
    images = images_for(other, rng)
    logits, _ = other.forward(images)
    assert logits.shape == (3, model.config.num_classes or model.config.embed_dim)
    np.testing.assert_array_equal(other.predict(images), logits)
    if other.config.image_shape != model.config.image_shape:
        with pytest.raises(UserError, match="resize or reshape"):
            other.predict(images_for(model, rng))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("same_size", [True, False])
def test_nothing_is_shared_in_either_direction(name, same_size):
    model = build(name)
    flatten(model)  # as a trainer does: all parameters are views of one vector
    before = copy.deepcopy([array for _, array in arrays(model)])
    other = model.resized(model.config.img_size if same_size else SIZES[name][1])
    for (_, one), (_, two) in itertools.product(arrays(model), arrays(other)):
        assert not np.shares_memory(one, two)
    for _, array in arrays(other):
        array[...] = 7.0
    for kept, (_, array) in zip(before, arrays(model), strict=True):
        np.testing.assert_array_equal(kept, array)


def arrays(model):
    """Parameters and fixed tables by name."""
    return [(path, getattr(owner, path[-1])) for path, owner in model._arrays()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["registers", "sincos2d"])
def test_the_dtype_stays(name, dtype, rng):
    other = build(name).astype(dtype).resized((8, 10))
    assert {array.dtype for array in other.parameters().values()} == {np.dtype(dtype)}
    logits, saved = other.forward(images_for(other, rng))
    dimages, grads = other.backward(logits, saved)
    assert {array.dtype for array in (logits, dimages, *grads.values())} == {np.dtype(dtype)}


def test_up_and_down_again_is_near_and_the_prefix_is_exact():
    """Smooth positions survive a larger grid; the tokens without a place are not touched at all."""
    model = VisionTransformer(ViTConfig(28, 4, 1, 10, 16, 1, 2, num_registers=2), rng=np.random.default_rng(0))
    model = model.astype(np.float64)
    model.pos_embed[...] = sincos2d(16, (7, 7), num_prefix=3)
    model.pos_embed[:, :3] = np.random.default_rng(1).standard_normal((1, 3, 16))
    there = model.resized(56, align_corners=True)
    back = there.resized(28, align_corners=True)
    np.testing.assert_array_equal(there.pos_embed[:, :3], model.pos_embed[:, :3])
    np.testing.assert_array_equal(back.pos_embed[:, :3], model.pos_embed[:, :3])
    error = np.abs(back.pos_embed - model.pos_embed).max()
    assert 0 < error < 0.05
    down = np.abs(model.resized(8).resized(28).pos_embed - model.pos_embed).max()
    assert down > 5 * error  # what four patches cannot hold is gone


def test_each_patch_keeps_its_place():
    """Positions that count rows and columns still do after resampling: no axis is swapped, no row is shifted."""
    model = VisionTransformer(ViTConfig((12, 20), 4, 1, 10, 4, 0, 2), rng=np.random.default_rng(0)).astype(np.float64)
    rows, columns = np.mgrid[:3, :5].reshape(2, 15)
    model.pos_embed[0, 1:, 0], model.pos_embed[0, 1:, 1] = rows, columns
    other = model.resized((20, 36), method="bilinear", align_corners=True)  # 5 x 9: every other one is new
    rows, columns = np.mgrid[:5, :9].reshape(2, 45) / 2
    np.testing.assert_allclose(other.pos_embed[0, 1:, :2], np.stack([rows, columns], axis=1), atol=1e-14)


@pytest.mark.parametrize("full_up_to", others_slow([8, 400]))
@pytest.mark.parametrize("name", ["cls token, erf", "registers", "sincos2d", "everything"])
def test_a_resized_models_gradients_are_right(name, full_up_to, rng):
    model = build(name).resized((6, 4))
    report = check_gradients(
        model,
        [images_for(model, rng)],
        options={"rng": lambda: np.random.default_rng(5)},
        rng=rng,
        full_up_to=full_up_to,
    )
    assert report.passed, report


def test_a_resized_model_learns_and_its_original_does_not(rng):
    model = VisionTransformer(preset("tiny"), rng=rng)
    before = model.state_dict()
    other = model.resized(14)
    images, labels = images_for(other, rng, batch=8), np.arange(8)
    optimizer = AdamW(other.parameters(), weight_decay=0.0)
    losses = [float(train_step(other, optimizer, images, labels, lr=3e-3)) for _ in range(40)]
    assert losses[-1] < 0.05 < 2 < losses[0]
    assert not np.array_equal(other.pos_embed, model.resized(14).pos_embed)
    for key, array in model.parameters().items():
        np.testing.assert_array_equal(array, before[key])


def test_a_resized_model_saves_and_loads(tmp_path, rng):
    model = build("everything").resized((8, 10), antialias=True)
    model.save_pretrained(tmp_path / "model")
    loaded = VisionTransformer.from_pretrained(tmp_path / "model")
    assert loaded.config == model.config
    images = images_for(model, rng)
    np.testing.assert_array_equal(loaded.predict(images), model.predict(images))


@pytest.mark.parametrize("name", ["registers", "sincos2d", "everything"])
def test_resizing_keeps_cupys_rules(strict, name, rng):
    model = build(name)
    with strict.no_host_reads():
        device = model._map(strict.asarray).resized((8, 10))
    other = model.resized((8, 10))
    assert {type(array) for _, array in arrays(device)} == {strict.ndarray}
    images = images_for(other, rng)
    with strict.no_host_reads():
        logits = device.predict(strict.asarray(images))
    np.testing.assert_allclose(logits.get(), other.predict(images), atol=1e-12)


@pytest.mark.parametrize("name", ["registers", "sincos2d"])
def test_resizing_on_the_device_agrees_with_numpy(name, device, on_device, rng):
    model = build(name)
    other = model.resized((8, 10))
    images = images_for(other, rng)
    there = model.to(device).resized((8, 10))
    assert type(there.cls_token) is type(on_device(np.zeros(1)))
    logits = there.predict(on_device(images))
    np.testing.assert_allclose(logits if device == "cpu" else logits.get(), other.predict(images), atol=1e-10)


@pytest.mark.parametrize(
    ("size", "how", "sentence"),
    [
        ((8, 9), {}, "8x9 image does not divide into 2x2 patches, .*: choose img_size 8x8 or 8x10$"),
        (101, {}, "101x101 image does not divide into 2x2 patches, .*: choose img_size 100 or 102$"),
        (1, {}, "1x1 image does not divide into 2x2 patches, .*: choose img_size 2$"),
        (0, {}, "img_size must be .*at least 1.*got 0"),
        ((8, 8, 8), {}, "img_size must be"),
        ("large", {}, "img_size must be"),
        (8, {"method": "nearest"}, "bicubic or bilinear, got 'nearest'"),
    ],
)
def test_sizes_that_make_no_sense_get_one_sentence(size, how, sentence):
    with pytest.raises(UserError, match=sentence):
        build("registers").resized(size, **how)
