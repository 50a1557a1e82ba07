"""The page without Python: what its folder holds, and where it is not written."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from safetensors.numpy import load

from tests.page.conftest import SHIPPED
from tinyvit import VisionTransformer, load_dataset, preset
from tinyvit.errors import UserError
from tinyvit.page import open_studio
from tinyvit.page.digits import HELD_OUT, TRAIN
from tinyvit.page.files import SOURCES
from tinyvit.page.static import MAX_PARAMETERS, static_files, write_static


@pytest.fixture(scope="module")
def studio():
    return open_studio(SHIPPED)


@pytest.fixture(scope="module")
def files(studio):
    return static_files(studio)


def beside(files, name):
    """A file that a script hands over."""
    found = re.fullmatch(rb'tinyvit\.files\["(.*?)"\] = "([A-Za-z0-9+/=]*)";\n', files[f"files/{name}.js"])
    assert found[1] == name.encode()
    return base64.b64decode(found[2], validate=True)


def test_the_model_and_its_examples_lie_beside_the_page(files, studio):
    about = json.loads(beside(files, "about.json"))
    assert (about["engine"], about["examples"], about["learns"], about["watching"]) == ("your browser", 14, True, False)
    assert about["config"] == studio.config.to_dict()
    weights, examples = load(beside(files, "model.safetensors")), load(beside(files, "examples.safetensors"))
    assert weights.keys() == studio.model.parameters().keys()
    assert all((weights[name] == array).all() for name, array in studio.model.parameters().items())
    assert examples["images"].shape == (14, 1, 28, 28)
    assert examples["labels"].tolist() == [*range(10), *range(4)]


def test_digits_to_learn_are_a_part_of_mnist(files):
    script = files["files/digits.safetensors.gz.js"]
    assert len(script) < 2e6
    arrays, mnist = load(gzip.decompress(beside(files, "digits.safetensors.gz"))), load_dataset("mnist")
    for name, split, count in (("train", mnist.train, TRAIN), ("held_out", mnist.test, HELD_OUT)):
        packed, rows = arrays[f"{name}.images"], np.arange(count) * len(split) // count
        pixels = 17 * np.stack([packed >> 4, packed & 15], axis=-1).astype(int).reshape(count, 28, 28)
        assert abs(pixels - split.images[rows, 0].astype(int)).max() <= 8  # half a grey level of sixteen
        assert (arrays[f"{name}.labels"] == split.labels[rows]).all()


def test_the_page_is_scripts_alone(files):
    index = files["index.html"].decode()
    sources = re.findall(r'<script ([^>]*)src="([^"]+)"', index)
    assert [name for _, name in sources] == ["engine.js", "learner.js", "page.js"]
    assert all("module" not in attributes for attributes, _ in sources)
    linked = re.findall(r'(?:href|src)="([^"#:]+)"', index)
    assert set(linked) <= files.keys()
    for name in ("engine.js", "learner.js", "page.js"):
        assert not re.search(rb"^(import|export) ", files[name], re.MULTILINE)
    assert SOURCES.keys() <= files.keys()


def test_a_page_is_written_anew_and_nothing_else_replaced(tmp_path, studio, files, monkeypatch):
    monkeypatch.setattr("tinyvit.page.static.static_files", lambda classifier: files)
    page = tmp_path / "page"
    for _ in range(2):
        assert write_static(studio, page) == sum(map(len, files.values()))
        assert {path.relative_to(page).as_posix() for path in page.rglob("*") if path.is_file()} == files.keys()
    (page / "mine.txt").write_text("notes")
    with pytest.raises(UserError, match=r"holds other files \(mine.txt\)"):
        write_static(studio, page)
    model = tmp_path / "model"
    VisionTransformer(preset("tiny"), rng=np.random.default_rng(0)).save_pretrained(model)
    own = tmp_path / "site"
    own.mkdir()
    (own / "index.html").write_text("<title>my own</title>")
    (tmp_path / "file").write_text("x")
    for place in (model, own, tmp_path / "file"):
        before = place.read_bytes() if place.is_file() else sorted(path.name for path in place.iterdir())
        with pytest.raises(UserError, match="it stays as it is"):
            write_static(studio, place)
        assert before == (place.read_bytes() if place.is_file() else sorted(path.name for path in place.iterdir()))


def test_models_that_a_browser_is_slow_with_are_refused(tmp_path, studio, monkeypatch):
    monkeypatch.setattr(type(studio.model), "num_parameters", lambda model: MAX_PARAMETERS + 1)
    with pytest.raises(UserError, match="25,000,001 parameters"):
        write_static(studio, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_without_mnist_there_is_nothing_to_learn(studio, monkeypatch):
    monkeypatch.setattr("tinyvit.page.digits.is_at_hand", lambda name: False)
    files = static_files(studio)
    assert not json.loads(beside(files, "about.json"))["learns"]
    assert not [name for name in files if "digits" in name]
