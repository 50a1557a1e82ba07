"""Models for images of 1 to 4 channels see images with as many; those of more are told apart by every verb."""

import numpy as np
import pytest
from PIL import Image

from tests.support import others_slow
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with images of two classes, with transparency, and a way to save a model beside them."""
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
def test_every_verb_takes_images_of_so_many_channels(in_chans, place, capsys):
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
def test_more_channels_than_an_image_has(in_chans, place, capsys):
    save(place, in_chans)
    for layout in ("hf", "timm"):
        assert main(["convert", "model", layout, "--to", layout]) == 0
        assert VisionTransformer.from_pretrained(layout).config.in_chans == in_chans
        assert main(["info", layout]) == 0
    capsys.readouterr()
    for words in (["predict", "model", "photos/a/0.png"], ["eval", "model", "--data-dir", "photos"], FINETUNE):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert f"takes images of {in_chans} channels, and images have 1 (grey)" in error
        assert error.count("\n") == 1


def test_without_a_class_token_the_patches_attention_is_shown(place):
    save(place, 3, class_token=False, pool="mean")
    assert main(["predict", "model", "photos/a/0.png", "--plot"]) == 0
    assert (place / "model" / "figures" / "predict-0.png").exists()


@pytest.mark.parametrize(("in_chans", "mode"), others_slow([(4, "RGBA"), (2, "LA")]))
def test_colours_are_not_varied_where_a_model_sees_transparency(in_chans, mode, place, capsys):
    save(place, in_chans)
    assert main([*FINETUNE, "--rand-augment", "3"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"--rand-augment changes colours, and model sees transparency, too (mode {mode}): leave it out" in said.err
    assert said.err.count("\n") == 1
    assert not (place / "run").exists()


@pytest.mark.parametrize(("in_chans", "is_laid"), others_slow([(4, False), (3, True), (2, False), (1, True)]))
def test_what_is_told_of_transparency_is_true_of_the_model(in_chans, is_laid, place, capsys):
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(place / "photos" / "a" / "clear.png")
    save(place, in_chans)
    status = main([*FINETUNE, "--strict", "--device", "cpu"])
    said = capsys.readouterr().out
    assert status == (2 if is_laid else 0)
    assert ("transparent in part, and laid over white" in said) == is_laid
    assert ("nothing can be seen at all" in said) == is_laid
    assert ("so nothing is laid over white or black" in said) != is_laid
