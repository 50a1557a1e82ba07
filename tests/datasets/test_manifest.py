"""A list of images comes back as it was written, and one byte more or less in a file shows."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets.changes import changes
from tinyvit.datasets.image_folder import list_folder
from tinyvit.datasets.manifest import PIECE, Manifest, content_of
from tinyvit.errors import UserError
from tinyvit.storage.files import read_json


@pytest.fixture
def data(tmp_path):
    """Two classes of 8 images, one of them in a folder within, beside what belongs to no class."""
    rng = np.random.default_rng(0)
    for name in ("a", "b, \N{GREEK SMALL LETTER BETA}"):
        (tmp_path / "data" / name / "deeper").mkdir(parents=True)
        for k in range(8):
            place = tmp_path / "data" / name / ("deeper" if k == 3 else "") / f"{k}.png"
            Image.fromarray(rng.integers(0, 256, (4, 5), np.uint8)).save(place)
    (tmp_path / "data" / "loose.png").write_bytes(b"")
    return tmp_path / "data"


def test_the_list_comes_back_with_every_image_in_its_place(data):
    listing = list_folder(data).without([data / "a" / "6.png"])
    manifest = Manifest.of(data, listing)
    text = manifest.to_json()
    assert text.count(b"\n") == 15 + 10  # a line for each image
    again = Manifest.from_dict(json.loads(text), Path("list"))
    assert again == manifest
    assert again.left_out == ("loose.png", "a/6.png")
    assert {record.path.count("/") for records in again.splits.values() for record in records} == {1, 2}
    files = {record.path: data / record.path for records in again.splits.values() for record in records}
    restored = again.listing(files)
    assert restored.class_names == listing.class_names
    for split, found in restored.splits.items():
        assert found.paths == listing.splits[split].paths
        np.testing.assert_array_equal(found.labels, listing.splits[split].labels)
        assert found.labels.dtype == np.int64


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_a_name_that_is_no_utf_8_comes_back(data):
    odd = os.fsdecode(b"caf\xe9.png")
    try:
        (data / "a" / "0.png").rename(data / "a" / odd)
    except OSError:
        pytest.skip("the file system takes no such name")
    manifest = Manifest.of(data, list_folder(data))
    assert Manifest.from_dict(json.loads(manifest.to_json()), Path("list")) == manifest
    assert f"a/{odd}" in {record.path for records in manifest.splits.values() for record in records}


@pytest.mark.parametrize("size", [0, 1, 1000, PIECE, 3 * PIECE, 3 * PIECE + 1, 20 * PIECE])
def test_what_is_in_a_file_shows(size, tmp_path):
    content = np.random.default_rng(size).bytes(size)
    seen = set()
    for place in (None, 0, size // 2, size - 1):
        changed = bytearray(content)
        if place is not None and size:
            changed[place] ^= 1
        (tmp_path / "file").write_bytes(changed)
        seen.add(content_of(tmp_path / "file"))
    (tmp_path / "file").write_bytes(content + b"\0")
    seen.add(content_of(tmp_path / "file"))
    assert len(seen) == {0: 2, 1: 3}.get(size, 5)


def test_every_byte_of_a_common_image_counts(tmp_path):
    content = bytearray(2 * PIECE)
    (tmp_path / "file").write_bytes(content)
    before = content_of(tmp_path / "file")
    content[PIECE + PIECE // 3] = 1
    (tmp_path / "file").write_bytes(content)
    assert content_of(tmp_path / "file").size == before.size
    assert content_of(tmp_path / "file") != before


def test_what_is_no_file_has_no_content(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert [content_of(path) for path in (tmp_path, tmp_path / "pipe", tmp_path / "nowhere", "\0")] == [None] * 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values.pop("class_names"),
        lambda values: values.pop("dev"),
        lambda values: values.update(class_names=7),
        lambda values: values.update(class_names=["a"]),
        lambda values: values.update(train=None),
        lambda values: values.update(left_out=[1]),
        lambda values: values["train"][0].update(labels=[]),
        lambda values: values["train"][0].update(labels=[2]),
        lambda values: values["train"][0].update(labels=[-1]),
        lambda values: values["train"][0].update(labels=[True]),
        lambda values: values["train"][0].update(labels="01"),
        lambda values: values["train"][0].update(bytes="9"),
        lambda values: values["train"][0].update(path=None),
        lambda values: values["test"].append("a/1.png"),
    ],
)
def test_a_damaged_list_gets_one_sentence(damage, data):
    values = json.loads(Manifest.of(data, list_folder(data)).to_json())
    damage(values)
    with pytest.raises(UserError, match="run/images is damaged") as caught:
        Manifest.from_dict(values, Path("run/images"))
    assert "\n" not in str(caught.value)


def test_an_image_that_went_away_is_named(data):
    listing = list_folder(data)
    (data / "a" / "1.png").unlink()
    with pytest.raises(UserError, match=r"a/1\.png cannot be read any more"):
        Manifest.of(data, listing)


def test_damage_to_the_file_gives_a_list_or_a_sentence(data, tmp_path):
    text = Manifest.of(data, list_folder(data)).to_json()
    rng = np.random.default_rng(0)
    path, read = tmp_path / "pictures.json", 0
    for _ in range(150):
        damaged = bytearray(text)
        for place in rng.integers(0, len(text), rng.integers(1, 4)):
            damaged[place] = rng.choice([*rng.integers(0, 256, 3), *b'0"\\,[]{}'])
        path.write_bytes(damaged[: len(text) if rng.random() < 0.9 else rng.integers(0, len(text))])
        with contextlib.suppress(UserError):
            manifest = Manifest.from_dict(read_json(path), path)
            read += 1
            assert isinstance(str(changes(manifest, data)), str)
    assert 5 < read < 145
