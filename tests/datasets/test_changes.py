"""What became of a folder of images is told by kind and name; what is the same is not called a change."""

import os
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets.changes import changes
from tinyvit.datasets.image_folder import list_folder
from tinyvit.datasets.manifest import Manifest

NFC, NFD = (unicodedata.normalize(form, "Äpfel") for form in ("NFC", "NFD"))


@pytest.fixture
def data(tmp_path):
    """Three classes of 5 images, every one different, names alike in all classes."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs", NFC):
        (tmp_path / "data" / name).mkdir(parents=True)
        for k in range(5):
            Image.fromarray(rng.integers(0, 256, (4, 5 + k), np.uint8)).save(tmp_path / "data" / name / f"{k}.png")
    return tmp_path / "data"


@pytest.fixture
def manifest(data):
    return Manifest.of(data, list_folder(data))


def copy_of(path, target):
    shutil.copy(path, target)


def replaced(path, old, new):
    path.write_bytes(path.read_bytes().replace(old, new))


def swap(one, other):
    one.rename(one.parent / "between")
    other.rename(one)
    (one.parent / "between").rename(other)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: None, ""),
        (lambda data: (data / "cats" / "0.png").unlink(), "1 missing: cats/0.png"),
        (lambda data: shutil.rmtree(data / "dogs"), "5 missing: dogs/0.png, dogs/1.png, dogs/2.png, dogs/3.png, dogs/4.png"),
        (lambda data: replaced(data / "cats" / "1.png", b"IEND", b"IENd"), "1 changed: cats/1.png"),
        (lambda data: (data / "cats" / "1.png").write_bytes(b""), "1 changed: cats/1.png"),
        (lambda data: (data / "cats" / "4.png").rename(data / "cats" / "x.png"), "1 renamed: cats/4.png is now cats/x.png"),
        (lambda data: (data / "cats").rename(data / "lions"), "5 renamed: cats is now lions"),
        (lambda data: (data / "cats").rename(data / "Cats"), "5 renamed: cats is now Cats"),
        (lambda data: swap(data / "cats", data / "dogs"), "10 renamed: cats is now dogs, dogs is now cats"),
        (lambda data: swap(data / "cats/0.png", data / "cats/1.png"), "2 renamed: cats/0.png is now cats/1.png, cats/1.png is now cats/0.png"),
        (lambda data: (data / "cats" / "0.png").rename(data / "dogs" / "9.png"), "1 renamed: cats/0.png is now dogs/9.png"),
        (lambda data: copy_of(data / "cats" / "0.png", data / "dogs" / "9.png"), "1 new: dogs/9.png"),
        (lambda data: shutil.copytree(data / "cats", data / "lions"), "5 new: lions/0.png, lions/1.png, lions/2.png, lions/3.png, lions/4.png"),
        (lambda data: (data / "empty").mkdir(), ""),
        (lambda data: (data / ".hidden").mkdir(), ""),
        (lambda data: (data / NFC).rename(data / NFD), ""),
    ],
)  # fmt: skip
def test_what_became_of_the_images(data, manifest, change, told):
    change(data)
    found = changes(manifest, data)
    assert str(found).replace("; ", "\n").splitlines() == ([told] if told else [])
    assert found.any == (told != "" and "new" not in told)
    if not found.any:
        assert all(path.is_file() for path in found.files.values())


def test_many_changes_at_once(data, manifest):
    (data / "cats" / "0.png").unlink()
    (data / "cats" / "1.png").write_bytes(b"nothing")
    (data / "dogs").rename(data / "wolves")
    (data / "late").mkdir()
    shutil.copy(data / NFC / "0.png", data / "late")
    assert (
        str(changes(manifest, data))
        == "1 missing: cats/0.png; 1 changed: cats/1.png; 5 renamed: dogs is now wolves; 1 new: late/0.png"
    )


def test_only_the_split_that_is_asked_for_counts(data, manifest):
    path = manifest.splits["train"][0].path
    (data / path).unlink()
    assert not changes(manifest, data, ["dev", "test"]).any
    assert changes(manifest, data, ["train"]).missing == [path]


def test_elsewhere_and_through_links_they_are_the_same(data, manifest, tmp_path):
    data.rename(tmp_path / "moved")
    os.symlink(tmp_path / "moved", data)
    assert str(changes(manifest, data)) == str(changes(manifest, tmp_path / "moved")) == ""
    os.symlink(tmp_path / "moved" / "cats" / "0.png", tmp_path / "moved" / "cats" / "link.png")
    assert str(changes(manifest, data)) == "1 new: cats/link.png"


def test_what_was_left_out_is_not_new(data):
    manifest = Manifest.of(data, list_folder(data).without([data / "cats" / "0.png"]))
    assert str(changes(manifest, data)) == ""


def test_of_equal_images_each_keeps_its_own(data):
    for k in range(1, 5):
        shutil.copy(data / "cats" / "0.png", data / "cats" / f"{k}.png")
    manifest = Manifest.of(data, list_folder(data))
    (data / "cats").rename(data / "lions")
    assert str(changes(manifest, data)) == "5 renamed: cats is now lions"
