"""The whole model: shapes, names, counts, and what it promises to those who use it."""

import dataclasses
import json
import math
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import tinyvit
from tinyvit import PRESETS, UserError, VisionTransformer, ViTConfig, layers, preset
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward
from tinyvit.optim import AdamW
from tinyvit.storage.files import CONFIG, WEIGHTS
from tinyvit.storage.tensors import arrays_to_bytes, read_arrays


def build(config, seed=0):
    return shaken(VisionTransformer(config, rng=np.random.default_rng(seed)), np.random.default_rng(seed))


def images_for(config, rng, batch=3):
    return rng.standard_normal((batch, config.in_chans, *config.image_shape))


def test_the_public_face_works_as_designed():
    config = tinyvit.ViTConfig(
        img_size=28, patch_size=7, in_chans=1, num_classes=10, embed_dim=64, depth=4, num_heads=4, mlp_ratio=2.0
    )
    model = tinyvit.VisionTransformer(config, rng=np.random.default_rng(0))
    images = np.random.default_rng(1).standard_normal((5, 1, 28, 28)).astype(np.float32)
    logits, saved = model.forward(images)
    loss, loss_saved = tinyvit.ops.cross_entropy_forward(logits, labels=np.arange(5))
    dlogits = tinyvit.ops.cross_entropy_backward(1.0, loss_saved)
    dimages, grads = model.backward(dlogits, saved)
    assert logits.shape == (5, 10)
    assert float(loss) == pytest.approx(math.log(10), rel=0.05)  # a fresh model knows nothing
    assert dimages.shape == images.shape
    assert {array.dtype for array in (logits, loss, dimages, *grads.values())} == {np.dtype(np.float32)}
    assert list(grads) == list(model.parameters())
    assert model.num_parameters() == 139_018


def test_names_are_timms():
    config = dataclasses.replace(MODELS["cls token, erf"], depth=1, num_registers=2, layer_scale=0.1)
    assert list(VisionTransformer(config).parameters()) == [
        "cls_token", "reg_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias",
        "blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.attn.qkv.weight", "blocks.0.attn.qkv.bias",
        "blocks.0.attn.proj.weight", "blocks.0.attn.proj.bias", "blocks.0.ls1.gamma", "blocks.0.norm2.weight",
        "blocks.0.norm2.bias", "blocks.0.mlp.fc1.weight", "blocks.0.mlp.fc1.bias", "blocks.0.mlp.fc2.weight",
        "blocks.0.mlp.fc2.bias", "blocks.0.ls2.gamma", "norm.weight", "norm.bias", "head.weight", "head.bias",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("tiny", 139_018),
        ("vit_tiny_patch16_224", 5_717_416),
        ("vit_small_patch16_224", 22_050_664),
        ("vit_base_patch16_224", 86_567_656),
        ("vit_large_patch16_224", 304_326_632),
    ],
)
def test_presets_have_the_papers_parameter_counts(monkeypatch, name, count):
    def no_numbers(rng, shape, *, std=0.02):  # the shapes are what counts; a view of one zero costs no memory
        return np.broadcast_to(np.float32(0), shape)

    monkeypatch.setattr(layers, "truncated_normal", no_numbers)
    monkeypatch.setattr(layers.linear, "truncated_normal", no_numbers)
    assert PRESETS[name].depth in (4, 12, 24)
    config = dataclasses.replace(preset(name), init_std=layers.INIT_STD)
    assert VisionTransformer(config, rng=np.random.default_rng(0)).num_parameters() == count


@pytest.mark.parametrize("name", MODELS)
def test_shapes_and_agreement_for_every_kind_of_model(name, rng):
    config = MODELS[name]
    model, images = build(config), images_for(config, rng)
    logits, saved = model.forward(images)
    assert logits.shape == (3, config.num_classes or config.embed_dim)
    np.testing.assert_array_equal(model.predict(images), logits)
    maps = model.attention(images)
    assert [weights.shape for weights in maps] == [(3, config.num_heads, config.num_tokens, config.num_tokens)] * 2
    for weights in maps:
        np.testing.assert_allclose(weights.sum(-1), 1)
    dimages, grads = model.backward(rng.standard_normal(logits.shape), saved)
    assert dimages.shape == images.shape
    assert {name: grad.shape for name, grad in grads.items()} == {
        name: array.shape for name, array in model.parameters().items()
    }


@pytest.mark.parametrize("name", MODELS)
def test_features_are_all_tokens_and_their_gradients_are_right(name, rng):
    config = dataclasses.replace(MODELS[name], drop_rate=0.0, drop_path_rate=0.0)
    model, images = build(config).astype(np.float64), images_for(config, rng).astype(np.float64)
    tokens, saved = model.forward_features(images)
    assert tokens.shape == (3, config.num_tokens, config.embed_dim)
    pooled = model.fc_norm.forward(model.pool.forward(tokens)[0])[0]
    np.testing.assert_allclose(model.head.forward(pooled)[0], model.predict(images), rtol=1e-10, atol=1e-12)
    dtokens = rng.standard_normal(tokens.shape)
    dimages, grads = model.backward_features(dtokens, saved)
    behind = ("head.", "pool.", "fc_norm.")
    assert set(grads) == {name for name in model.parameters() if not name.startswith(behind)}
    step = 1e-5 * rng.standard_normal(images.shape)
    difference = model.forward_features(images + step)[0] - model.forward_features(images - step)[0]
    np.testing.assert_allclose((dtokens * difference).sum() / 2, (dimages * step).sum(), rtol=1e-5)


def test_no_blocks_at_all_still_work(rng):
    config = dataclasses.replace(MODELS["mean pooling"], depth=0)
    model, images = build(config), images_for(config, rng)
    logits, saved = model.forward(images)
    model.backward(logits, saved)
    assert model.attention(images) == []


def test_fixed_positions_are_no_parameters_but_move_along():
    model = VisionTransformer(MODELS["sincos2d"])
    assert "sincos" not in model.parameters()
    assert "pos_embed" not in model.parameters()
    assert model.sincos.dtype == np.float64  # rounded where it is used, so that float64 models get all of it
    images = np.zeros((1, 2, 4, 6), np.float32)
    assert model.forward(images)[0].dtype == np.float32


def test_nothing_is_random_without_an_rng(rng):
    config = MODELS["drop path, dropout"]
    model, images = build(config), images_for(config, rng)
    plain = model.forward(images)[0]
    np.testing.assert_array_equal(plain, model.forward(images)[0])
    one, two = (model.forward(images, rng=np.random.default_rng(1))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, plain)
    assert [getattr(block.drop_path, "drop_prob", 0.0) for block in model.blocks] == [0.0, 0.3]  # rising with depth


def test_one_model_serves_many_threads(rng):
    config = MODELS["everything"]
    model = build(config)
    jobs = [(images_for(config, rng), rng.standard_normal((3, config.num_classes))) for _ in range(4)]

    def work(images, dlogits):
        return model.backward(dlogits, model.forward(images)[1])[1]

    wanted = [work(*job) for job in jobs]
    wrong = []

    def repeat(index):
        for _ in range(20):
            grads = work(*jobs[index])
            if any(not np.array_equal(grads[name], wanted[index][name]) for name in grads):
                wrong.append(index)

    threads = [threading.Thread(target=repeat, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(("stem", "steps"), [("patch", 40), ("conv", 50)])
def test_eight_noisy_images_can_be_learnt_by_heart(stem, steps, rng):
    model = VisionTransformer(dataclasses.replace(preset("tiny"), stem=stem), rng=rng)
    images, labels = images_for(model.config, rng, batch=8).astype(np.float32), np.arange(8)
    optimizer = AdamW(model.parameters(), weight_decay=0.0)
    for _ in range(steps):
        logits, saved = model.forward(images)
        loss, loss_saved = cross_entropy_forward(logits, labels=labels)
        _, grads = model.backward(cross_entropy_backward(1.0, loss_saved), saved)
        optimizer.step(grads, lr=3e-3)
    assert float(loss) < 0.01
    np.testing.assert_array_equal(model.predict(images).argmax(1), labels)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((2, 4, 6)), r"\(B, 2, 4, 6\), got \(2, 4, 6\)"),
        (np.zeros((2, 3, 4, 6)), r"got \(2, 3, 4, 6\)"),
        (np.zeros((2, 2, 6, 4)), r"got \(2, 2, 6, 4\)"),
        (np.zeros((2, 2, 4, 6), np.float32), "images are float32 but the model is float64"),
        (np.zeros((2, 2, 4, 6), np.uint8), "images are uint8 but the model is float64"),
    ],
)
def test_images_that_do_not_fit_get_one_sentence(images, sentence):
    model = build(MODELS["cls token, erf"])
    for method in (model.forward, model.predict, model.attention):
        with pytest.raises(UserError, match=sentence):
            method(images)


def test_the_spread_of_fresh_weights_is_the_configs():
    narrow, wide = (VisionTransformer(ViTConfig(28, 7, 1, 10, 64, 1, 4, init_std=std), rng=np.random.default_rng(0)) for std in (0.02, 0.08))  # fmt: skip
    np.testing.assert_allclose(wide.head.weight, 4 * narrow.head.weight, rtol=1e-6)
    np.testing.assert_array_equal(wide.pos_embed, narrow.pos_embed)
    assert narrow.blocks[0].attn.qkv.weight.std() == pytest.approx(0.0176, rel=0.05)


@pytest.mark.parametrize("name", MODELS)
def test_saved_and_loaded_models_are_equal_to_the_bit(name, tmp_path, rng):
    config = MODELS[name]
    model = VisionTransformer(config, rng=rng)
    model.blocks[0].mlp.fc1.weight = np.asfortranarray(model.blocks[0].mlp.fc1.weight)
    model.save_pretrained(tmp_path / "model")
    loaded = VisionTransformer.from_pretrained(tmp_path / "model")
    assert loaded.config == config
    for key, array in model.parameters().items():
        np.testing.assert_array_equal(loaded.parameters()[key], array)
    images = images_for(config, rng).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(images), model.predict(images))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / WEIGHTS).write_bytes(arrays_to_bytes(read_arrays(folder / WEIGHTS) | {"norm.bias": np.full(8, np.nan)})), "norm.bias holds NaN"),
        (lambda folder: (folder / CONFIG).unlink(), "config.json was not found"),
        (lambda folder: (folder / WEIGHTS).unlink(), "model.safetensors was not found"),
        (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100]), "model.safetensors is damaged"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"\x80\x04K\x01." * 50), "model.safetensors is damaged"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"\xff" * 8), "model.safetensors is damaged"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "model.safetensors is damaged"),
        (lambda folder: (folder / CONFIG).write_text("{"), "config.json is not valid JSON"),
        (lambda folder: (folder / CONFIG).write_bytes(b"\xff\xfe\x00"), "config.json is not valid JSON"),
        (lambda folder: (folder / CONFIG).write_text("[1]"), "must hold a JSON object, got list"),
        (lambda folder: (folder / CONFIG).write_text("[" * 100_000), "config.json is not valid JSON"),
        (lambda folder: (folder / CONFIG).write_text('{"model_type": "bert"}'), "type 'bert'"),
        (lambda folder: (folder / CONFIG).write_text('{"model_type": "tinyvit", "colour": 3}'), "unknown fields: colour"),
        (lambda folder: (folder / CONFIG).write_text('{"model_type": "tinyvit", "depth": "four"}'), "depth must be a whole number"),
        (lambda folder: (folder / CONFIG).write_text('{"model_type": "tinyvit", "layer_norm_eps": "x"}'), "layer_norm_eps must be a number"),
        (lambda folder: VisionTransformer(dataclasses.replace(MODELS["tanh"], embed_dim=4)).save_pretrained(folder.parent / "other") or (folder / WEIGHTS).write_bytes((folder.parent / "other" / WEIGHTS).read_bytes()), "do not fit this model"),
    ],
)  # fmt: skip
def test_a_damaged_folder_gets_one_sentence(tmp_path, damage, sentence):
    folder = tmp_path / "model"
    VisionTransformer(MODELS["tanh"]).save_pretrained(folder)
    damage(folder)
    with pytest.raises(UserError, match=sentence):
        VisionTransformer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"depth": 10**5}, "blocks"),
        ({"img_size": 2**19, "patch_size": 2}, "values"),
        ({"img_size": 2**19, "patch_size": 2, "pos_embed": "sincos2d"}, "values"),
        ({"embed_dim": 2**19}, "values"),
    ],
)
def test_a_config_that_would_fill_the_memory_is_refused(tmp_path, change, what):
    folder = tmp_path / "model"
    VisionTransformer(MODELS["mean pooling"]).save_pretrained(folder)
    values = json.loads((folder / CONFIG).read_text()) | change
    (folder / CONFIG).write_text(json.dumps(values))
    with pytest.raises(UserError, match=rf"describes [\d,]+ {what}, its weights are"):
        VisionTransformer.from_pretrained(folder)


def test_no_folder_no_model(tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        VisionTransformer.from_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_model_comes_back_in_its_dtype(tmp_path, rng, dtype):
    model = VisionTransformer(MODELS["sincos2d"], rng=rng).astype(dtype)
    model.head.weight += rng.standard_normal(model.head.weight.shape).astype(dtype)
    model.save_pretrained(tmp_path / "model")
    loaded = VisionTransformer.from_pretrained(tmp_path / "model").parameters()
    for name, array in model.parameters().items():
        assert loaded[name].dtype == dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_saving_never_deletes_what_is_not_the_models(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds other files \(notes.txt\)"):
        VisionTransformer(MODELS["tanh"]).save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_only_float32_weights_are_in_a_fresh_file(tmp_path):
    VisionTransformer(MODELS["tanh"]).save_pretrained(tmp_path / "model")
    assert {array.dtype for array in read_arrays(tmp_path / "model" / WEIGHTS).values()} == {np.dtype(np.float32)}


def test_predict_names_the_shape_it_was_given(rng):
    model = VisionTransformer(MODELS["tanh"], rng=rng)
    with threadpool_limits(2, user_api="blas"), pytest.raises(UserError, match=r"got \(200, 9, 64, 64\)"):
        model.predict(np.zeros((200, 9, 64, 64), np.float32))


@pytest.mark.parametrize("name", MODELS)
def test_half_precision_stays_half_precision(name, rng):
    """dtype in = dtype out; inside, sums and softmax are those of float32."""
    config = MODELS[name]
    model, images = build(config).astype(np.float16), 8 * images_for(config, rng).astype(np.float16)
    wide = model.astype(np.float32)
    for answer in ("predict", "hidden_states", "attention"):
        halves, wanted = getattr(model, answer)(images), getattr(wide, answer)(images.astype(np.float32))
        pairs = zip(halves, wanted, strict=True) if isinstance(halves, list) else [(halves, wanted)]
        for half, right in pairs:
            assert half.dtype == np.float16
            np.testing.assert_allclose(half, right, atol=0.02 * np.abs(right).max())
