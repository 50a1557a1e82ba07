"""A family that nobody has heard of is one row of the table: every verb then knows it."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.gradcheck.cases import shaken
from tinyvit.pretrained import FAMILIES, folder_files, open_checkpoint
from tinyvit.pretrained.families import Family
from tinyvit.pretrained.layouts import Layout, Stored
from tinyvit.storage.folders import write_folder

CONFIG = ViTConfig(img_size=6, patch_size=3, num_classes=3, embed_dim=8, depth=2, num_heads=2, layer_norm_eps=1e-5)


def turned(name):
    """Every array with its axes in the opposite order, under a name of its own."""
    return Stored((f"mirror/{name}",), Layout(lambda theirs: theirs[0].T, lambda ours: [ours.T]))


MIRROR = Family(
    title="Mirror",
    library="mirror",
    read_config=lambda values, tensors: dataclasses.replace(CONFIG, depth=values["layers"]),
    write_config=lambda config, names, cfg: {"kind": "mirror", "layers": config.depth, "names": list(names)},
    read_class_names=lambda values, num_classes: tuple(values["names"]),
    layout=lambda config: {name: turned(name) for name in VisionTransformer(config).parameters()},
    head=("mirror/head.",),
    left_out=("mirror/extra",),
    cannot_say=lambda config: "",
    resample={"method": "bilinear"},
    marker="kind",
    processor={"image_mean": [0.25] * 3, "image_std": [0.75] * 3},
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "mirror", MIRROR)
    model = shaken(VisionTransformer(CONFIG), np.random.default_rng(0))
    write_folder(tmp_path / "model", folder_files(CONFIG, model.parameters(), "mirror", ["ant", "bee", "cat"]))
    return tmp_path / "model"


def test_its_weights_config_names_and_processor_are_read(folder):
    model = shaken(VisionTransformer(CONFIG), np.random.default_rng(0))
    again = VisionTransformer.from_pretrained(folder)
    assert again.config == CONFIG
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, again.parameters()[name])
    checkpoint = open_checkpoint(folder)
    assert (checkpoint.family, checkpoint.class_names) == ("mirror", ("ant", "bee", "cat"))
    assert checkpoint.processor().image_mean == 0.25


def test_every_verb_knows_it(folder, tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)).save(tmp_path / "a.png")
    assert main(["info", str(folder)]) == 0
    assert "Mirror" in capsys.readouterr().out
    assert main(["predict", str(folder), str(tmp_path / "a.png")]) == 0
    assert "ant" in capsys.readouterr().out
    assert main(["convert", str(folder), str(tmp_path / "timm"), "--to", "timm", "--img-size", "9"]) == 0
    assert open_checkpoint(tmp_path / "timm").class_names == ("ant", "bee", "cat")
