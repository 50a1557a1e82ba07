"""Every kind of broken file is found, and so are duplicates, wherever they are."""

import os
import shutil
import weakref

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets import scan as module
from tinyvit.datasets.image_folder import list_folder
from tinyvit.datasets.in_threads import MAX_THREADS
from tinyvit.datasets.scan import scan
from tinyvit.images import open as pictures
from tinyvit.images.open import glance_at
from tinyvit.images.processor import ImageProcessor


@pytest.fixture
def broken_folder(tmp_path, make_image):
    """Images of many kinds in two classes, and what is wrong with the broken ones by name."""
    make_image("train/cat/1.png", size=(20, 30))
    make_image("train/cat/2.jpg", size=(40, 50))
    make_image("train/cat/3 of 5.gif", mode="P")
    make_image("train/dog/ä.png", mode="RGBA")
    make_image("train/dog/grey.jpeg", mode="L", size=(40, 50))
    make_image("val/dog/1.webp")
    make_image("val/cat/1.tif")
    whole = make_image("val/dog/cut.jpg", size=(100, 100)).read_bytes()
    (tmp_path / "val/dog/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "train/dog/words.jpg").write_text("this is no image")
    (tmp_path / "train/dog/nothing.png").touch()
    (tmp_path / "train/cat/nothing too.png").touch()
    (tmp_path / "train/dog/gone.png").symlink_to(tmp_path / "nowhere")
    wrong = {
        "cut.jpg": "damaged",
        "words.jpg": "not an image",
        "nothing.png": "not an image",
        "nothing too.png": "not an image",
        "gone.png": "no file",
    }
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "train/dog/pipe.png")
        wrong["pipe.png"] = "not a file"
    return tmp_path, wrong


@pytest.mark.parametrize("processor", [None, ImageProcessor(size=(8, 8))], ids=["alone", "processed"])
def test_what_cannot_be_read_is_found_and_why(broken_folder, processor):
    root, wrong = broken_folder
    listing = list_folder(root)
    findings = scan(listing, processor)
    assert {path.name for path, _ in findings.unreadable} == set(wrong)
    for path, sentence in findings.unreadable:
        assert wrong[path.name] in sentence
        assert str(path) in sentence
    assert {split: count.tolist() for split, count in findings.counts.items()} == {
        "train": [3, 2], "dev": [1, 1], "test": [0, 0],
    }  # fmt: skip
    assert findings.sizes == {(20, 30): 5, (40, 50): 2}
    assert sum(findings.modes.values()) == 7
    assert findings.modes["RGBA"] == findings.modes["L"] == 1
    assert findings.imbalance == 1.5
    assert findings.duplicates == ()  # two files of nothing are no image twice

    less = listing.without([path for path, _ in findings.unreadable])
    again = scan(less, processor)
    assert again.unreadable == ()
    assert again.sizes == findings.sizes
    assert sum(map(len, less.splits.values())) == 7


def test_a_processor_finds_what_it_refuses(tmp_path, make_image):
    make_image("cat/long.png", size=(1, 80_000))
    make_image("cat/1.png")
    make_image("dog/1.png")
    listing = list_folder(tmp_path)
    assert scan(listing).unreadable == ()
    ((path, sentence),) = scan(listing, ImageProcessor()).unreadable
    assert path.name == "long.png"
    assert sentence.startswith(str(path))
    assert "too long to be resized" in sentence


def test_a_file_that_may_not_be_read(tmp_path, make_image, monkeypatch):
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        make_image(name)
    locked = tmp_path / "cat/2.png"
    real = pictures.PatientFile

    def refusing(path):
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    locked.chmod(0)
    monkeypatch.setattr(pictures, "PatientFile", refusing)  # for those whom rights do not bind
    ((path, sentence),) = scan(list_folder(tmp_path)).unreadable
    locked.chmod(0o600)
    assert path == locked
    assert "may not be read: change its permissions" in sentence


def test_a_file_that_goes_away_meanwhile(tmp_path, make_image, monkeypatch):
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        make_image(name)

    def late(path):
        glance = glance_at(path)
        if path.name == "2.png":
            path.unlink()
        return glance

    monkeypatch.setattr(module, "glance_at", late)
    ((path, sentence),) = scan(list_folder(tmp_path)).unreadable
    assert path.name == "2.png"
    assert str(path) in sentence


def test_duplicates_within_and_across_splits_and_classes(tmp_path, make_image):
    for name in ("train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "train/dog/2.png", "val/dog/new.png", "val/cat/new.png"):  # fmt: skip
        make_image(name)
    copies = {
        "train/cat/1 copy.png": "train/cat/1.png",  # within a class
        "train/dog/is a cat.png": "train/cat/2.png",  # within a split, with another label
        "val/dog/seen.png": "train/dog/1.png",  # across splits
        "test/cat/seen.png": "val/cat/new.png",  # across the other two
        "test/cat/seen too.png": "val/cat/new.png",
    }
    for copy, original in copies.items():
        (tmp_path / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / original, tmp_path / copy)
    findings = scan(list_folder(tmp_path))

    def names(places):
        return tuple(str(place.path.relative_to(tmp_path)) for place in places)

    assert set(map(names, findings.duplicates)) == {
        ("train/cat/1 copy.png", "train/cat/1.png"),
        ("train/cat/2.png", "train/dog/is a cat.png"),
        ("train/dog/1.png", "val/dog/seen.png"),
        ("val/cat/new.png", "test/cat/seen too.png", "test/cat/seen.png"),
    }
    assert set(map(names, findings.across_splits)) == {
        ("train/dog/1.png", "val/dog/seen.png"),
        ("val/cat/new.png", "test/cat/seen.png"),
        ("val/cat/new.png", "test/cat/seen too.png"),
    }
    assert list(map(names, findings.contradictions)) == [("train/cat/2.png", "train/dog/is a cat.png")]


def test_imbalance_is_of_classes_that_are_not_empty(tmp_path, make_image):
    for k in range(6):
        make_image(f"train/cat/{k}.png")
    for k in range(4):
        make_image(f"train/dog/{k}.png")
    (tmp_path / "train/eel").mkdir()
    findings = scan(list_folder(tmp_path, dev_share=0))
    assert findings.counts["train"].tolist() == [6, 4, 0]
    assert findings.imbalance == 1.5


def test_progress_is_told_and_may_stop_it(tmp_path, make_image, monkeypatch):
    root = tmp_path
    make_image("cat/0.png")
    make_image("dog/0.png")
    for k in range(1, 300):
        shutil.copy(root / "cat/0.png", root / f"cat/{k}.png")
    listing = list_folder(root)
    told = []
    scan(listing, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 301) for done in range(1, 302)]

    looked = []

    def watched(path):
        looked.append(path)
        return glance_at(path)

    def stop(done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "glance_at", watched)
    with pytest.raises(KeyboardInterrupt):
        scan(listing, progress=stop)
    assert len(looked) < 150


def test_no_pixels_are_kept(tmp_path, make_image, monkeypatch):
    for name in ("cat/0.png", "dog/0.png"):
        make_image(name)
    for k in range(1, 200):
        shutil.copy(tmp_path / "cat/0.png", tmp_path / f"cat/{k}.png")
    images, alive = [], []

    def watched(path):
        glance = glance_at(path)
        images.append(weakref.ref(glance.image))
        return glance

    monkeypatch.setattr(module, "glance_at", watched)
    scan(list_folder(tmp_path), progress=lambda done, total: alive.append(sum(image() is not None for image in images)))
    assert len(images) == 201
    assert max(alive) <= MAX_THREADS


def test_transparent_and_invisible_images_are_counted(tmp_path, make_image):
    make_image("cat/1.png", mode="RGBA")  # opaque for all that
    make_image("dog/1.jpg")
    for name, box in (("cat/part.png", (4, 4, 9, 9)), ("dog/clear.png", None), ("dog/clear.webp", None)):
        image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
        if box:
            image.paste((0, 0, 0, 255), box)
        image.save(tmp_path / name, lossless=True)
    findings = scan(list_folder(tmp_path))
    assert sorted(path.name for path in findings.transparent) == ["clear.png", "clear.webp", "part.png"]
    assert sorted(path.name for path in findings.blank) == ["clear.png", "clear.webp"]
    assert findings.unusable == 2
    laid, nothing = findings.on_transparency
    assert laid.startswith("3 images are transparent in part, and laid over white")
    assert "Of 2 transparent images nothing can be seen at all: " in nothing
    assert "clear.webp" in nothing


def deep_folder(root, tops, *, rng):
    """Two classes of images in deep grey, one for each number that is their largest."""
    for k, top in enumerate(tops):
        place = root / "ab"[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        values = rng.integers(0, top + 1, (6, 6))
        values[0, 0] = top
        Image.fromarray(values.astype(np.uint16)).save(place / f"{k}.png")
    return root


@pytest.mark.parametrize(
    ("tops", "white", "dark"),
    [
        ([900, 3000, 2500, 800], 4095, 0),  # a dark image of 12 bits is one of 12 bits
        ([200, 250, 255, 255], 255, 0),
        ([60000, 70, 50000, 200], 65535, 2),  # of 8 bits and of 16
        ([1000, 1023, 512, 512], 1023, 0),
    ],
)
def test_deep_grey_has_one_white_in_all_of_a_data_set(tops, white, dark, tmp_path):
    deep_folder(tmp_path, tops, rng=np.random.default_rng(0))
    depths = scan(list_folder(tmp_path)).depths
    assert depths.white_level == white
    assert f"4 images are in deep grey, of values up to {max(tops):,}; {white:,} is taken as white" in depths.notes[0]
    assert len(depths.notes) == 1 + (dark > 0)
    assert not dark or depths.notes[1].startswith(f"{dark} images are 16 times darker")


def test_a_data_set_without_deep_grey_says_nothing_of_it(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for k in range(3):
            Image.new("L", (3, 3), k).save(tmp_path / name / f"{k}.png")
    assert scan(list_folder(tmp_path)).depths == ({}, [])
    assert scan(list_folder(tmp_path)).depths.notes == ()
