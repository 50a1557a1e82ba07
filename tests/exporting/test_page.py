"""The page about exporting: its examples run, and the accuracy of int8 is what it says."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support.exporting import HAS_ONNX, NEEDS_ONNX
from tinyvit import load_dataset
from tinyvit.cli import main
from tinyvit.exporting.c_source import TEMPLATE

ROOT = Path(__file__).parents[2]
PAGE = (TEMPLATE.parent / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def exported(command):
    """Runs one of the page's commands, whose files lie where the test is."""
    words = command.split("#")[0].replace("data/mnist-vit", str(ROOT / "data" / "mnist-vit")).split()
    assert words[:2] == ["tinyvit", "export"]
    assert main(words[1:]) == 0


@pytest.mark.slow
@pytest.mark.skipif(not HAS_ONNX, reason=NEEDS_ONNX)
def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in blocks("sh")[0].splitlines()[1:3]:
        exported(command)
    look, int8 = blocks("python")
    names = {}
    exec(look, names)
    assert names["accuracy"] > 0.985
    assert names["dimages"].shape == (1, 1, 28, 28)
    assert names["attention"].shape == (1, 4, 50, 50)
    before = names["logits"].argmax(axis=1)
    exec(int8, names)
    assert abs(names["accuracy_int8"] - names["accuracy"]) < 2e-3
    assert (names["logits"].argmax(axis=1) != before).mean() < 3e-3
    assert Path("int8.onnx").stat().st_size < 0.36 * Path("digits.onnx").stat().st_size


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="the example in C needs a C compiler, cc")
def test_the_program_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exported("tinyvit export data/mnist-vit digits.c --normalise")
    test = load_dataset("mnist").test
    pixels = ", ".join(map(str, test.images[0].ravel()))
    Path("main.c").write_text(blocks("c")[0].replace("image[28 * 28]", f"image[28 * 28] = {{{pixels}}}"))
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "main.c", "digits.c", "-o", "main", "-lm"], check=True)
    shown = subprocess.run(["./main"], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == str(test.labels[0])


def test_it_is_as_long_as_it_says():
    said = int(re.search(r"in (\d+) lines, with nothing but `math.h`", PAGE)[1])
    assert abs(len(TEMPLATE.read_text().splitlines()) - said) < 10
    assert np.all(
        [flag in PAGE for flag in ("--normalise", "--attention", "--hidden-states", "--gradients", "--float16")]
    )
