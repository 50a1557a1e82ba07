"""The page at the end of the course is one file without an address or a script, and says whose each function is."""

import re

import numpy as np
import pytest

from tests.support.small_run import SMALL_MODEL, small_dataset
from tinyvit import VisionTransformer, check_gradients, ops
from tinyvit.course import EXERCISES, MyPage, progress, replace_failing, save_classifier, write_page
from tinyvit.course.collect import Piece, pieces_in
from tinyvit.evaluation.classifier import load_classifier

OWN = ("5.1", "5.2")


@pytest.fixture
def mine(rng, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVIT_HOME", str(tmp_path))
    progress.remember("5.1")
    missing = pieces_in(tmp_path)  # a folder without notebooks
    own = [Piece(piece.exercise, ("something",), "") if piece.exercise.number in OWN else piece for piece in missing]
    report = check_gradients(ops.OPS["softmax"], [rng.standard_normal((2, 3))], rng=rng)
    return MyPage(
        pieces=own,
        glue={"18.1": True, "18.2": False},
        accuracy=0.9731,
        num_images=5000,
        num_parameters=42_346,
        losses=np.geomspace(2.3, 0.05, 500).tolist(),
        seconds=41.2,
        report=report._replace(inputs=tuple(one._replace(name="<b>x") for one in report.inputs)),
        digit=rng.integers(0, 256, (1, 28, 28), dtype=np.uint8),
        attention=rng.uniform(size=(4, 17, 17)),
        answer="<script>8",
    )


def test_it_is_one_file_that_asks_nobody_for_anything(mine, tmp_path):
    write_page(tmp_path / "my-vit.html", mine)
    page = (tmp_path / "my-vit.html").read_text(encoding="utf-8")
    for word in ("http", "//", "src=", "href=", "url(", "@import", "<script", "<b>", "<link", "<iframe"):
        assert word not in page, word
    assert "prefers-color-scheme: dark" in page
    assert "&lt;script&gt;8" in page


def test_it_tells_the_numbers_and_whose_each_function_is(mine, tmp_path):
    write_page(tmp_path / "my-vit.html", mine)
    page = (tmp_path / "my-vit.html").read_text(encoding="utf-8")
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert facts["of the digits it has never seen"] == "97.31%"
    assert facts["functions of my own"] == f"3 of {len(mine.pieces) + 2}"
    assert facts["exercises passed"] == f"1 of {len(EXERCISES)}"
    assert facts["learned numbers"] == "42,346"
    rows = dict(re.findall(r"<code>(\w+)</code></td><td><span class=\"(own|not)\">", page))
    assert rows["layer_norm_forward"] == rows["many_heads"] == "own"
    assert rows["linear_forward"] == rows["split_heads_backward"] == "not"
    assert page.count("<figure>") == 1 + 4
    assert f"all functions but {len(mine.pieces) - 1}, which are tinyvit’s" in page


@pytest.mark.parametrize("losses", [[2.3], [0.0, 0.0], [50.0] * 3, np.geomspace(9, 1e-5, 61).tolist()])
def test_every_curve_stays_within_its_picture(losses, mine, tmp_path):
    write_page(tmp_path / "my-vit.html", mine._replace(losses=losses))
    points = re.search(r'points="(.*?)"', (tmp_path / "my-vit.html").read_text(encoding="utf-8"))[1]
    for point in points.split():
        x, y = map(float, point.split(","))
        assert 50 <= x <= 780
        assert 0 <= y <= 240


def test_a_function_that_does_not_pass_is_the_librarys(rng):
    def many_heads(q, k, v, one_head):
        B, h, N, d = q.shape
        y, weights = one_head(*(x.reshape(B * h, N, d) for x in (q, k, v)))
        return y.reshape(B, h, N, d), weights.reshape(B, h, N, N)

    def split_heads_backward(dq, dk, dv):
        raise NotImplementedError

    functions, own = replace_failing({"18.1": many_heads, "18.2": split_heads_backward})
    assert own == {"18.1": True, "18.2": False}
    assert functions == {"18.1": many_heads, "18.2": EXERCISES["18.2"].solution}


def test_a_saved_classifier_knows_its_images_and_classes(rng, tmp_path):
    model, dataset = VisionTransformer(SMALL_MODEL, rng=rng), small_dataset()
    save_classifier(tmp_path / "my-vit", model, dataset)
    save_classifier(tmp_path / "my-vit", model, dataset)  # a second run of the lesson
    loaded, preprocessing = load_classifier(tmp_path / "my-vit")
    assert (preprocessing.mean, preprocessing.std) == pytest.approx((dataset.mean, dataset.std))
    assert tuple(preprocessing.class_names) == tuple(dataset.class_names)
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(loaded.parameters()[name], array)
