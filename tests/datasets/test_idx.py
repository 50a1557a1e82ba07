"""read_idx takes a good file in either wrapping, and refuses every bad one with a sentence that helps."""

import gzip
import hashlib
import os
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets import read_idx
from tinyvit.errors import UserError

SHAPE = (5, 4, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
LABELS = np.array([3, 0, 9, 1, 1], np.uint8)


def idx_bytes(values: np.ndarray) -> bytes:
    return struct.pack(f">{1 + values.ndim}I", 0x0800 | values.ndim, *values.shape) + values.tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("wrap", [gzip.compress, bytes], ids=["gzip", "plain"])
@pytest.mark.parametrize("values", [IMAGES, LABELS], ids=["images", "labels"])
def test_a_good_file_gives_its_values(tmp_path, wrap, values):
    path = write(tmp_path / "file", wrap(idx_bytes(values)))
    read = read_idx(path, shape=values.shape)
    np.testing.assert_array_equal(read, values)
    assert read.dtype == np.uint8
    assert read.flags.writeable


@pytest.mark.parametrize("level", [1, 9])
def test_the_checksum_may_be_that_of_the_file_or_of_its_content(tmp_path, level):
    content = idx_bytes(LABELS)
    stored = gzip.compress(content, level)
    path = write(tmp_path / "labels.gz", stored)
    for data in (stored, content):
        digest = hashlib.sha256(data).hexdigest()
        np.testing.assert_array_equal(read_idx(path, shape=(5,), sha256=["0" * 64, digest]), LABELS)


def refusal(path: Path, shape: tuple[int, ...] = SHAPE, **options) -> str:
    """The sentence with which `path` is refused: one line that names the file and says what to do."""
    with pytest.raises(UserError) as caught:
        read_idx(path, shape=shape, **options)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "put " in sentence or "check " in sentence or "rename " in sentence
    assert "\n" not in sentence
    return sentence


IMAGE_FILE = idx_bytes(IMAGES)
LABEL_FILE = idx_bytes(LABELS)
BAD_CONTENTS = {
    "empty": (b"", "neither a gzip nor an IDX"),
    "three bytes": (IMAGE_FILE[:3], "neither a gzip nor an IDX"),
    "a web page": (b"<!DOCTYPE html><title>404</title>", "neither a gzip nor an IDX"),
    "another element type": (b"\0\0\x0d\x03" + IMAGE_FILE[4:], "neither a gzip nor an IDX"),
    "little-endian magic": (IMAGE_FILE[3::-1] + IMAGE_FILE[4:], "neither a gzip nor an IDX"),
    "ends inside the header": (IMAGE_FILE[:10], "inside its header"),
    "header alone": (IMAGE_FILE[:16], "cut short"),
    "last byte missing": (IMAGE_FILE[:-1], "cut short"),
    "one byte too many": (IMAGE_FILE + b"\0", "goes on after"),
    "labels": (LABEL_FILE, "holds labels, expected images"),
    "other dimensions": (idx_bytes(IMAGES.transpose(0, 2, 1)), "(5, 3, 4), expected (5, 4, 3)"),
    "fewer images": (idx_bytes(IMAGES[:4]), "(4, 4, 3), expected (5, 4, 3)"),
    "a claim of 4 billion images": (struct.pack(">4I", 0x803, 2**32 - 1, 4, 3), "(4294967295, 4, 3)"),
}


@pytest.mark.parametrize("wrap", [gzip.compress, bytes], ids=["gzip", "plain"])
@pytest.mark.parametrize(("content", "expected"), BAD_CONTENTS.values(), ids=BAD_CONTENTS)
def test_a_bad_content_is_refused(tmp_path, wrap, content, expected):
    assert expected in refusal(write(tmp_path / "images", wrap(content)))


def test_images_in_place_of_labels_are_recognised_however_large(tmp_path):
    many = idx_bytes(np.random.default_rng(1).integers(0, 256, (500, 28, 28), dtype=np.uint8))
    sentence = refusal(write(tmp_path / "labels.gz", gzip.compress(many)), shape=(5,))
    assert "holds images, expected labels" in sentence
    assert "swapped" in sentence


@pytest.mark.parametrize("kept", [2, 9, 30, -9, -1])
def test_a_cut_gzip_stream_is_refused(tmp_path, kept):
    assert "cut short" in refusal(write(tmp_path / "images.gz", gzip.compress(IMAGE_FILE)[:kept]))


def test_a_gzip_stream_with_a_wrong_check_value_is_refused(tmp_path):
    stored = bytearray(gzip.compress(IMAGE_FILE))
    stored[-6] ^= 1
    assert "damaged gzip" in refusal(write(tmp_path / "images.gz", bytes(stored)))


def test_a_gzip_stream_with_damaged_bytes_is_refused(tmp_path):
    stored = bytearray(gzip.compress(IMAGE_FILE))
    stored[10] = 0xFF  # no such kind of deflate block
    assert "damaged gzip" in refusal(write(tmp_path / "images.gz", bytes(stored)))


def test_bytes_after_the_gzip_stream_are_refused(tmp_path):
    assert "after its end" in refusal(write(tmp_path / "images.gz", gzip.compress(IMAGE_FILE) + b"more"))


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    bomb = gzip.compress(IMAGE_FILE + bytes(50_000_000))
    path = write(tmp_path / "images.gz", bomb)
    tracemalloc.start()
    try:
        assert "goes on after" in refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_large_plain_file_is_not_read_whole(tmp_path):
    path = tmp_path / "images"
    with path.open("wb") as file:
        file.write(IMAGE_FILE)
        file.truncate(50_000_000)  # a hole: it takes no space on the disk
    tracemalloc.start()
    try:
        assert "goes on after" in refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_label_outside_the_classes_is_refused(tmp_path):
    path = write(tmp_path / "labels.gz", gzip.compress(LABEL_FILE))
    read_idx(path, shape=(5,), num_classes=10)
    assert "the label 9, expected 0..8" in refusal(path, shape=(5,), num_classes=9)


def test_a_wrong_checksum_is_refused(tmp_path):
    changed = LABELS.copy()
    changed[2] = 8
    path = write(tmp_path / "labels.gz", gzip.compress(idx_bytes(changed)))
    genuine = hashlib.sha256(LABEL_FILE).hexdigest()
    assert "not the published content" in refusal(path, shape=(5,), sha256=[genuine])


def test_a_missing_file_is_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "images.gz")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "images.gz").mkdir()
    assert "is a folder" in refusal(tmp_path / "images.gz")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "images.gz")
    assert "a device or a pipe" in refusal(tmp_path / "images.gz")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    def deny(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "images.gz", gzip.compress(IMAGE_FILE))
    monkeypatch.setattr(Path, "open", deny)  # taking the permissions away would not stop the root user
    assert "Permission denied" in refusal(path)
