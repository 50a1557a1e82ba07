"""`tinyvit convert`: every layout into every other, and what is said on the way."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.images.processor import ImageProcessor
from tinyvit.pretrained import open_checkpoint, save_model_folder

CONFIG = ViTConfig(
    img_size=12, patch_size=4, in_chans=2, num_classes=3, embed_dim=8, depth=2, num_heads=2, mlp_ratio=1.5,
    layer_norm_eps=1e-6, gelu="tanh",
)  # fmt: skip


@pytest.fixture
def saved(tmp_path):
    """Saves a model of a config; returns the model and its folder."""

    def save(**changes):
        model = VisionTransformer(dataclasses.replace(CONFIG, **changes), rng=np.random.default_rng(0))
        model.save_pretrained(tmp_path / "model")
        return model, str(tmp_path / "model")

    return save


def test_round_the_world(saved, tmp_path, capsys):
    model, folder = saved()
    for layout in ("timm", "npz", "hf", "timm", "hf"):
        target = str(tmp_path / layout) + (".npz" if layout == "npz" else "")
        assert main(["convert", folder, target, "--to", layout, "--overwrite"]) == 0
        folder = target
    again = VisionTransformer.from_pretrained(folder)
    assert again.config == dataclasses.replace(CONFIG, mlp_ratio=again.config.mlp_ratio)
    images = np.random.default_rng(1).standard_normal((2, *CONFIG.input_shape)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(images), model.predict(images))
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert all("images are prepared as is usual" in note for note in notes)
    assert len(notes) == 2  # of the first, and of what came through .npz: neither says it


def test_stale_names_do_not_keep_a_classifier(saved, tmp_path):
    _, folder = saved()
    assert main(["convert", folder, str(tmp_path / "hf")]) == 0
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    (tmp_path / "hf" / "config.json").write_text(json.dumps(config | {"id2label": {"7": "stale"}}))
    assert main(["convert", str(tmp_path / "hf"), str(tmp_path / "other")]) == 2
    assert main(["convert", str(tmp_path / "hf"), str(tmp_path / "bare"), "--ignore-head"]) == 0
    assert VisionTransformer.from_pretrained(tmp_path / "bare").config.num_classes == 0


def test_what_the_target_always_does_otherwise_is_said(saved, tmp_path, capsys):
    _, folder = saved(gelu="erf", layer_norm_eps=1e-12)
    assert main(["convert", folder, str(tmp_path / "m.npz"), "--to", "npz"]) == 0
    out = capsys.readouterr().out
    assert "take gelu to be tanh, here it is erf" in out
    assert "take layer_norm_eps to be 1e-06, here it is 1e-12" in out


def test_verify_prints_every_layer(saved, tmp_path, capsys):
    _, folder = saved()
    assert main(["convert", folder, str(tmp_path / "m.npz"), "--to", "npz", "--verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = [line.split() for line in lines if line.startswith(("embedding", "block", "logits"))]
    assert [row[0] for row in table] == ["embedding", "block", "block", "logits"]
    assert all(float(row[-1]) < 1e-5 for row in table)


def test_fixed_positions_become_learned_ones(saved, tmp_path):
    model, folder = saved(pos_embed="sincos2d")
    assert main(["convert", folder, str(tmp_path / "hf")]) == 0
    again = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert again.config.pos_embed == "learned"
    images = np.random.default_rng(1).standard_normal((2, *CONFIG.input_shape)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(images), model.predict(images))


def test_without_the_head_and_at_another_size(saved, tmp_path):
    model, folder = saved()
    assert main(["convert", folder, str(tmp_path / "hf"), "--ignore-head", "--img-size", "8x16"]) == 0
    again = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert (again.config.num_classes, again.config.img_size) == (0, (8, 16))
    np.testing.assert_array_equal(again.pos_embed, model.resized((8, 16)).pos_embed)


def test_class_names_go_along(saved, tmp_path):
    _, folder = saved()
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config["id2label"] = {"0": "cat", "1": "dog", "2": "ape"}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    assert main(["convert", folder, str(tmp_path / "timm"), "--to", "timm"]) == 0
    assert main(["convert", str(tmp_path / "timm"), str(tmp_path / "hf")]) == 0
    assert json.loads((tmp_path / "hf" / "config.json").read_text())["id2label"] == config["id2label"]


@pytest.mark.parametrize(
    ("changes", "arguments", "sentence"),
    [
        ({"pool": "mean"}, ["out"], "no word for mean pooling"),
        ({}, ["out", "--to", "npz"], "name ends with .npz"),
        ({}, ["out", "--img-size", "10"], "does not divide into 4x4 patches"),
        ({"img_size": (8, 12)}, ["out.npz", "--to", "npz"], "no word for images that are not square"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(saved, tmp_path, monkeypatch, capsys, changes, arguments, sentence):
    _, folder = saved(**changes)
    monkeypatch.chdir(tmp_path)
    assert main(["convert", folder, *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("processor", [{"size": (12, 12)}, {"size": 16, "do_center_crop": True, "crop_size": (12, 12)}])
@pytest.mark.parametrize("layout", ["hf", "timm"])
def test_how_images_are_made_goes_along(tmp_path, layout, processor):
    processor = ImageProcessor(**processor, image_mean=(0.1, 0.2, 0.3), image_std=0.4, resample="bicubic")
    config = dataclasses.replace(CONFIG, in_chans=3)
    more = {"preprocessor_config.json": json.dumps(processor.to_dict()).encode()}
    save_model_folder(tmp_path / "model", config, VisionTransformer(config).parameters(), more)
    assert main(["convert", str(tmp_path / "model"), str(tmp_path / "out"), "--to", layout]) == 0
    again = open_checkpoint(tmp_path / "out").processor()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    np.testing.assert_allclose(again(picture), processor(picture), atol=1e-6)


SAYS = {"preprocessor_config.json": b'{"image_mean": 0.5, "image_std": 0.5}'}


@pytest.mark.parametrize("to", ["hf", "timm", "npz"])
@pytest.mark.parametrize("source", ["tinyvit", "npz", "timm", "hf", "hf that says it", "timm that says it"])
def test_how_images_are_prepared_is_not_made_up_in_silence(tmp_path, capsys, source, to):
    config, model = dataclasses.replace(CONFIG, in_chans=3), tmp_path / "model"
    save_model_folder(model, config, VisionTransformer(config).parameters(), SAYS if source.startswith("hf ") else {})
    if source != "tinyvit":
        layout, made = source.split()[0], tmp_path / ("made.npz" if source == "npz" else "made")
        assert main(["convert", str(model), str(made), "--to", layout]) == 0
        if source == "hf":
            (made / "preprocessor_config.json").unlink()
        if source == "timm":
            values = json.loads((made / "config.json").read_text())
            del values["pretrained_cfg"]
            (made / "config.json").write_text(json.dumps(values))
        model = made
    capsys.readouterr()
    out = tmp_path / ("out.npz" if to == "npz" else "out")
    assert main(["convert", str(model), str(out), "--to", to]) == 0
    said = capsys.readouterr().out
    told = "images are prepared as is usual for such models, and" in said
    assert told == (to != "npz" and "says it" not in source), said
    if told:
        assert f"{out} now says so (resample bi" in said


@pytest.mark.parametrize("layout", ["hf", "timm", "npz"])
def test_what_is_there_is_replaced_only_if_asked(saved, tmp_path, capsys, layout):
    _, folder = saved()
    target = tmp_path / ("there.npz" if layout == "npz" else "there")
    words = ["convert", folder, str(target), "--to", layout]
    assert main(words) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main([*words, "--ignore-head"]) == 2
    assert (
        f"{target} is there already and stays as it is: choose another OUT, or add --overwrite"
        in capsys.readouterr().err
    )
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert main([*words, "--ignore-head", "--overwrite"]) == 0
    assert VisionTransformer.from_pretrained(target).config.num_classes == 0


@pytest.mark.parametrize("name", ["last", "best"])
def test_the_checkpoints_of_a_run_are_never_replaced(saved, tmp_path, monkeypatch, capsys, name):
    _, folder = saved()
    run = tmp_path / "runs" / "mine"
    shutil.copytree(folder, run / name)
    (run / "config.json").write_text("{}")
    for target in (run / name, f"runs/mine/{name}/", f"runs/../runs/mine/{name}"):
        monkeypatch.chdir(tmp_path)
        assert main(["convert", folder, str(target), "--overwrite"]) == 2
        assert "belongs to a run" in capsys.readouterr().err


def test_an_empty_folder_is_free(saved, tmp_path):
    _, folder = saved()
    (tmp_path / "empty").mkdir()
    assert main(["convert", folder, str(tmp_path / "empty")]) == 0


@pytest.mark.parametrize(
    ("fields", "to", "told"),
    [
        ({"size": (15, 20), "cover": True, "crop_size": (12, 16)}, "hf", "cover False instead of True"),
        ({"size": (20, 15), "cover": True, "crop_size": (16, 12)}, "hf", "cover False instead of True"),
        ({"size": (15, 20), "cover": True, "crop_size": (12, 16)}, "timm", ""),
        ({"size": 14, "crop_size": (12, 12)}, "hf", ""),
        ({"size": 14, "crop_size": (12, 12)}, "timm", ""),
        ({"size": (16, 16), "crop_size": (12, 12)}, "timm", ""),  # squashed, then cropped
        ({"size": (12, 16), "crop_size": (12, 12)}, "timm", "size (12, 12) instead of (12, 16)"),
        ({"size": (12, 12), "do_center_crop": False, "do_normalize": False}, "timm", ""),
        ({"size": (12, 12), "do_center_crop": False, "rescale_factor": 1 / 127.5}, "timm", ""),
    ],
)
def test_that_others_prepare_images_otherwise_is_told(tmp_path, capsys, fields, to, told):
    processor = ImageProcessor(**{"do_center_crop": True, "crop_rounding": "even", **fields})
    config = dataclasses.replace(CONFIG, in_chans=3, img_size=processor.output_size)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    more = {"preprocessor_config.json": json.dumps(processor.to_dict()).encode()}
    save_model_folder(tmp_path / "in", config, model.parameters(), more)
    assert main(["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", to]) == 0
    said = capsys.readouterr().out
    assert (f"readers of {to} prepare images otherwise (" in said) == bool(told)
    assert told in said
    if to == "timm" and not told:
        image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (30, 44, 3), np.uint8))
        theirs = open_checkpoint(tmp_path / "out").processor()
        np.testing.assert_allclose(theirs(image), processor(image), atol=1e-4)
