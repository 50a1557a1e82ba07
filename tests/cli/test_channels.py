"""Models for images of 1 to 4 channels see pictures with as many; those of more are told apart by every verb."""

import numpy as np
import pytest
from PIL import Image

from tests.support import others_slow
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with pictures of two classes, with transparency, and a way to save a model beside them."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(5):
            pixels = rng.integers(0, 256, (10, 12, 4), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{index}.png")
    return tmp_path


def save(place, in_chans, **more):
    config = ViTConfig(
        img_size=8, patch_size=4, in_chans=in_chans, num_classes=2, embed_dim=8, depth=1, num_heads=2, **more
    )
    VisionTransformer(config, rng=np.random.default_rng(0)).save_pretrained(place / "model")


FINETUNE = [
    "finetune",
    "--model",
    "model",
    "--data-dir",
    "photos",
    "--output",
    "run",
    "--epochs",
    "1",
    "--threads",
    "1",
]


@pytest.mark.parametrize("in_chans", others_slow([2, 1, 3, 4]))
def test_every_verb_takes_pictures_of_so_many_channels(in_chans, place, capsys):
    save(place, in_chans)
    assert main(["info", "model"]) == 0
    for layout in ("hf", "timm"):
        assert main(["convert", "model", layout, "--to", layout]) == 0
        assert main(["predict", layout, "photos/a/0.png", "--plot"]) == 0
    assert main([*FINETUNE, "--device", "cpu"]) == 0
    assert main(["eval", "run", "--data-dir", "photos", "--split", "dev"]) == 0
    assert main(["predict", "run", "photos"]) == 0
    assert "a/0.png: " in capsys.readouterr().out


@pytest.mark.parametrize("in_chans", [5, 12])
def test_more_channels_than_a_picture_has(in_chans, place, capsys):
    save(place, in_chans)
    for layout in ("hf", "timm"):
        assert main(["convert", "model", layout, "--to", layout]) == 0
        assert VisionTransformer.from_pretrained(layout).config.in_chans == in_chans
        assert main(["info", layout]) == 0
    capsys.readouterr()
    for words in (["predict", "model", "photos/a/0.png"], ["eval", "model", "--data-dir", "photos"], FINETUNE):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert f"takes images of {in_chans} channels, and pictures have 1 (grey)" in error
        assert error.count("\n") == 1


def test_without_a_class_token_the_patches_attention_is_shown(place):
    save(place, 3, class_token=False, pool="mean")
    assert main(["predict", "model", "photos/a/0.png", "--plot"]) == 0
    assert (place / "model" / "figures" / "predict-0.png").exists()
