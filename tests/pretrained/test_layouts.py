"""Every family stores every parameter once, and what is written is read back to the last bit."""

import dataclasses

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.pretrained import FAMILIES, folder_files, open_checkpoint, save_npz
from tinyvit.pretrained.config_entries import ratio
from tinyvit.pretrained.saving import stored
from tinyvit.storage.folders import write_folder
from tinyvit.storage.tensors import read_arrays

BASE = ViTConfig(
    img_size=(4, 6), patch_size=2, in_chans=2, num_classes=3, embed_dim=8, depth=2, num_heads=2, mlp_ratio=1.5
)


def model_of(config):
    return shaken(VisionTransformer(config), np.random.default_rng(0))


def assert_same(ours, other):
    assert ours.config == other.config
    for name, array in ours.parameters().items():
        np.testing.assert_array_equal(array, other.parameters()[name])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_survives_every_family_that_can_say_it(family, name, tmp_path):
    config = dataclasses.replace(MODELS[name], **FAMILIES[family].fixed(MODELS[name]))
    model = model_of(config)
    if FAMILIES[family].cannot_say(config):
        return
    if family == "npz":
        save_npz(tmp_path / "model.npz", config, model.parameters())
        again = VisionTransformer.from_pretrained(tmp_path / "model.npz")
        config = dataclasses.replace(config, drop_rate=0.0, drop_path_rate=0.0)  # which weights alone do not show
        assert again.config == config
        model.config = config
    else:
        write_folder(tmp_path / "model", folder_files(config, model.parameters(), family))
        again = VisionTransformer.from_pretrained(tmp_path / "model")
    if config.num_registers and family == "dinov2":  # whose registers have no positions: they are added to the tokens
        images = np.random.default_rng(1).standard_normal((2, *config.input_shape))
        np.testing.assert_allclose(again.predict(images), model.predict(images), rtol=1e-11)
        return
    assert_same(model, again)


@pytest.mark.parametrize("family", ["hf", "timm", "npz"])
def test_every_number_is_stored_once(family):
    config = dataclasses.replace(BASE, img_size=6, **FAMILIES[family].fixed(BASE))
    parameters = VisionTransformer(config).parameters()
    arrays = stored(config, parameters, family)
    assert sum(array.size for array in arrays.values()) == sum(array.size for array in parameters.values())
    layout = FAMILIES[family].layout(config)
    for ours, array in parameters.items():
        shapes = [arrays[FAMILIES[family].file_name(name)].shape for name in layout[ours].names]
        assert layout[ours].shapes(array.shape) == shapes


@pytest.mark.parametrize(
    ("family", "change", "words"),
    [
        ("hf", {"pool": "mean"}, "mean pooling"),
        ("hf", {"pos_embed": "sincos2d"}, "fixed positions"),
        ("hf", {"num_registers": 1, "layer_scale": 0.1}, "registers, layer scale"),
        ("timm", {"pos_embed": "sincos2d"}, "fixed positions"),
        ("npz", {"qkv_bias": False}, "without a bias"),
        ("npz", {}, "not square"),
    ],
)
def test_what_a_family_has_no_word_for_is_named(family, change, words):
    config = dataclasses.replace(BASE, **change)
    with pytest.raises(Exception, match=words):
        stored(config, VisionTransformer(config).parameters(), family)


def test_a_folder_says_which_layout_it_has(tmp_path):
    VisionTransformer(BASE).save_pretrained(tmp_path / "hf")
    assert open_checkpoint(tmp_path / "hf").family == "hf"
    assert "vit.encoder.layer.1.attention.attention.key.weight" in read_arrays(tmp_path / "hf" / "model.safetensors")
    VisionTransformer(dataclasses.replace(BASE, pool="mean")).save_pretrained(tmp_path / "own")
    assert open_checkpoint(tmp_path / "own").family == "tinyvit"
    assert "blocks.1.attn.qkv.weight" in read_arrays(tmp_path / "own" / "model.safetensors")


def test_a_new_head_is_zeros_and_the_rest_is_loaded(tmp_path):
    model = model_of(BASE)
    model.save_pretrained(tmp_path / "model")
    other = VisionTransformer.from_pretrained(tmp_path / "model", num_classes=7)
    assert other.config == dataclasses.replace(BASE, num_classes=7)
    for name, array in other.parameters().items():
        if name.startswith("head."):
            assert array.dtype == np.float64
            assert not array.any()
        else:
            np.testing.assert_array_equal(array, model.parameters()[name])
    features = VisionTransformer.from_pretrained(tmp_path / "model", num_classes=0)
    assert features.predict(np.zeros((2, *BASE.input_shape))).shape == (2, BASE.embed_dim)


def test_a_hidden_size_comes_back_from_its_ratio():
    for embed_dim in range(1, 200):
        for hidden in range(1, 1000, 7):
            assert int(embed_dim * ratio(hidden, embed_dim)) == hidden
