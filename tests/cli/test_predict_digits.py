import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import others_slow
from tinyvit.cli import main
from tinyvit.datasets import load_dataset
from tinyvit.evaluation import pages
from tinyvit.evaluation.familiar import familiar_digits
from tinyvit.training import load_classifier

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"
CLEAR = [3, 2, 1, 32, 4, 8, 11, 0, 61, 9]  # of the test set, a 0, 1, 2, ... 9


@pytest.fixture(scope="module")
def familiar():
    return familiar_digits(*load_classifier(MODEL))


@pytest.fixture
def model(tmp_path, monkeypatch, familiar):
    """A link to the shipped model's files in a folder that may be written to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pages, "familiar_digits", lambda model, preprocessing: familiar)  # measured once
    (tmp_path / "model").mkdir()
    for file in MODEL.iterdir():
        (tmp_path / "model" / file.name).write_bytes(file.read_bytes())
    return "model"


def page(*lines: str) -> Image.Image:
    """Lines of digits, dark on light, each 56 pixels high."""
    digits = load_dataset("mnist").test.images[CLEAR, 0]
    rows = [np.concatenate([digits[int(digit)] for digit in line], axis=1) for line in lines]
    widest = max(row.shape[1] for row in rows)
    paper = np.concatenate([np.pad(row, ((4, 4), (10, 10 + widest - row.shape[1]))) for row in rows])
    return Image.fromarray(250 - (paper * 0.8).astype(np.uint8)).resize((2 * paper.shape[1], 2 * paper.shape[0]))


@pytest.mark.parametrize("lines", [("407",), ("12", "3968"), ("5", "06", "941")])
def test_all_digits_of_an_image_are_read_in_order(model, capsys, lines):
    page(*lines).save("page.png")
    assert main(["predict", model, "page.png", "--top-k", "1", "--csv", "out.csv"]) == 0
    out = capsys.readouterr().out.splitlines()
    digits = "".join(lines)
    assert out[0] == f"page.png: {len(digits)} digits in the image: {' / '.join(lines)}"
    assert [line.rsplit(": ", 1)[1][0] for line in out[1 : 1 + len(digits)]] == list(digits)
    assert [line.split()[1] for line in out[1 : 1 + len(digits)]] == [
        f"{number}," for number, line in enumerate(lines, 1) for _ in line
    ]
    table = list(csv.DictReader(Path("out.csv").read_text().splitlines()))
    assert [row["prediction"] for row in table] == list(digits)
    assert {row["file"] for row in table} == {"page.png"}


def test_boxes_and_steps_are_drawn(model, capsys):
    page("12", "7").save("page.png")
    page("8").save("8.png")
    assert main(["predict", model, "page.png", "8.png", "--plot", "--explain", "steps"]) == 0
    written = capsys.readouterr().out
    for name in (
        "model/figures/predict-page.png",
        "model/figures/predict-8.png",
        "steps/explain-page.png",
        "steps/explain-8.png",
    ):
        assert Image.open(name).size > (300, 200)
        assert name in written


def test_an_image_without_a_digit_says_so(model, capsys):
    Image.new("RGB", (200, 150), (200, 190, 180)).save("blank.png")
    page("6").save("6.png")
    assert main(["predict", model, "blank.png", "6.png"]) == 2
    out, err = capsys.readouterr()
    assert "blank.png: no digit can be seen" in err
    assert out.startswith("6.png: 6 (")


def test_what_may_be_no_digit_is_marked(model, capsys):
    cross = np.full((120, 120), 240, np.uint8)
    cross[55:66, 15:105] = cross[15:105, 55:66] = 30
    Image.fromarray(cross).save("cross.png")
    assert main(["predict", model, "cross.png"]) == 0
    assert "unsure, this may be no digit" in capsys.readouterr().out


def test_steps_are_of_models_of_digits(capsys):
    stand_in = MODEL.parent / "vit-stand-in"
    assert main(["predict", str(stand_in), "x.png", "--explain", "steps"]) == 2
    assert "takes images whole" in capsys.readouterr().err


@pytest.mark.parametrize("step", others_slow([36, 24, 50]))
def test_a_pattern_of_many_shapes_is_refused(model, capsys, step):
    paper = np.full((200, 420), 240, np.uint8)
    for x in range(20, 400, step):
        paper[40:160, x : x + 6] = 20
    Image.fromarray(paper).save("bars.png")
    page("6").save("6.png")
    assert main(["predict", model, "bars.png", "6.png", "--csv", "out.csv", "--explain", "steps"]) == 2
    out, err = capsys.readouterr()
    assert "bars.png: no digit can be seen in the image" in err
    assert "6.png: 6 (" in out
    assert Image.open("steps/explain-bars.png").size > (300, 200)  # what was found can be looked at
    assert {row["file"] for row in csv.DictReader(Path("out.csv").read_text().splitlines())} == {"6.png"}
