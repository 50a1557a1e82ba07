"""`tinyvit finetune --labels N`: the table of what an encoder is worth, and what is refused."""

import dataclasses
import re

import numpy as np
import pytest

from tests.support.small_run import SMALL_MODEL, small_dataset
from tinyvit.cli import main
from tinyvit.config.mae import MAEConfig
from tinyvit.evaluation.preprocessing import preprocessor_json
from tinyvit.pretrained import save_model_folder
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.training import read_run_config, start
from tinyvit.vit import VisionTransformer

ENCODER = dataclasses.replace(SMALL_MODEL, num_classes=0, pool="mean", drop_path_rate=0.0)


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """An encoder of MNIST, as a task saves it."""
    monkeypatch.chdir(tmp_path)
    dataset = small_dataset()
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: dataset)
    model = VisionTransformer(ENCODER, rng=np.random.default_rng(7))
    more = {PREPROCESSOR: preprocessor_json(dataset, MAEConfig(model=ENCODER))}
    save_model_folder("encoder", ENCODER, model.parameters(), more)
    return "encoder"


RUN = ["--epochs", "1", "--batch-size", "16", "--output", "few"]


def test_what_pretraining_brings_is_told(encoder, capsys):
    assert main(["finetune", "--model", encoder, "--labels", "50", *RUN]) == 0
    out = capsys.readouterr().out
    table = dict(re.findall(r"^  (\S.*?) +(\d+\.\d\d) %$", out, re.MULTILINE))
    assert len(table) == 6
    assert {"fine-tuned from encoder", "the same training from random weights"} < table.keys()
    assert float(table["linear probe of the pixels"]) > 40
    tuned, scratch = read_run_config("few"), read_run_config("few-scratch")
    assert (tuned.init, scratch.init) == ("encoder", None)
    assert dataclasses.replace(tuned, init=None, output=None) == dataclasses.replace(scratch, output=None)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--labels", "15"], "num_labels must be a multiple of the 10 classes"),
        (["--labels", "100000"], "images of each class"),
        (["--labels", "50", "--tune", "head"], "--tune is for images in folders, and --labels 50 is not"),
        (["--labels", "50", "--mixup", "0.2"], "--mixup is for images in folders"),
        (["--labels", "50", "--drop-path", "0.2"], "--drop-path is for images in folders"),
        (["--labels", "50", "--strict"], "--strict is for images in folders"),
        (["--labels", "0"], "--labels must be a whole number of at least 1, got 0"),
        (["--labels=-5"], "--labels must be a whole number of at least 1, got -5"),
        (["--labels", "7.5"], "--labels must be a whole number of at least 1, got 7.5"),
        (["--labels", "1e3"], "--labels must be a whole number of at least 1, got 1e3"),
    ],
)
def test_what_cannot_be_done(encoder, capsys, flags, said):
    assert main(["finetune", "--model", encoder, *flags, *RUN]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_model_of_ones_own_images(encoder, capsys, tmp_path):
    (tmp_path / encoder / PREPROCESSOR).unlink()
    assert main(["finetune", "--model", encoder, "--labels", "50", *RUN]) == 2
    assert "takes a model of a built-in data set, and encoder is of images" in capsys.readouterr().err


def test_a_place_that_is_taken_is_told_before_the_training(encoder, capsys, tmp_path):
    (tmp_path / "few-scratch").mkdir()
    assert main(["finetune", "--model", encoder, "--labels", "50", *RUN]) == 2
    assert "few-scratch is there already" in capsys.readouterr().err
    assert not (tmp_path / "few").exists()
