"""IDX files of one's own and EMNIST's: found under any usual name, read by their headers, refused in one sentence."""

import gzip
import re
import struct

import numpy as np
import pytest

from tests.support.small_files import idx_bytes, some_images, write_idx
from tinyvit.datasets import load_dataset
from tinyvit.datasets.idx import idx_shape
from tinyvit.datasets.idx_files import idx_files, read_idx_files
from tinyvit.errors import UserError


def together(dataset):
    """The training images and labels that were split, in the order of their bytes."""
    pairs = [
        (i.tobytes(), int(k)) for s in (dataset.train, dataset.dev) for i, k in zip(s.images, s.labels, strict=True)
    ]
    return sorted(pairs)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "names",
    [
        "{split}-{kind}-idx-ubyte",
        "{split}-{kind}.idx3-ubyte",
        "my.{split}.{kind}",
        "{kind}_{split}.idx",
        "Letters Of Mine {split} {kind}.bin",
        "v2.1-{split}_{kind}.idx3-ubyte.gz",
    ],
)
def test_any_usual_name_is_found(tmp_path, names, wrap):
    arrays = write_idx(tmp_path / "own", names, wrap=wrap)
    (tmp_path / "own" / "train-images.txt").write_text("about the training images")
    (tmp_path / "own" / "test_labels.csv").write_text("0,1\n")
    dataset = load_dataset("idx", data_dir=tmp_path / "own")
    np.testing.assert_array_equal(dataset.test.images[:, 0], arrays["test"][0])
    np.testing.assert_array_equal(dataset.test.labels, arrays["test"][1])
    images, labels = arrays["train"]
    assert together(dataset) == sorted((i.tobytes(), int(k)) for i, k in zip(images, labels, strict=True))
    assert (dataset.name, dataset.class_names, dataset.built_in) == ("own", ("0", "1", "2"), False)
    assert any("no checksum could verify" in note for note in dataset.notes)


@pytest.mark.parametrize("shape", [(9, 9), (1, 7), (6, 5, 3), (3, 6, 5), (6, 5, 1), (1, 6, 5), (64, 2)])
def test_images_of_any_size_and_grey_or_in_colour(tmp_path, shape):
    arrays = write_idx(tmp_path / "own", "{split}-{kind}", *shape)
    dataset = load_dataset("idx", data_dir=tmp_path / "own")
    wanted = arrays["test"][0]
    if len(shape) == 2:
        wanted = wanted[:, None]
    elif shape[0] not in (1, 3):
        wanted = wanted.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(dataset.test.images, wanted)
    pixels = dataset.train.images.astype(np.float64) / 255
    np.testing.assert_allclose(dataset.mean, np.squeeze(pixels.mean(axis=(0, 2, 3))), rtol=1e-9)
    np.testing.assert_allclose(dataset.std, np.squeeze(pixels.std(axis=(0, 2, 3))), rtol=1e-9)


def test_splits_that_are_not_there_are_made_and_told(tmp_path):
    write_idx(tmp_path, "{split}-{kind}", train=100)
    for path in tmp_path.glob("test*"):
        path.unlink()
    dataset = load_dataset("idx", data_dir=tmp_path)
    assert [len(split) for split in (dataset.train, dataset.dev, dataset.test)] == [72, 13, 15]
    assert sum("There are no files for" in note for note in dataset.notes) == 2


def test_a_dev_split_of_its_own_is_used(tmp_path):
    write_idx(tmp_path, "{split}-{kind}")
    images, labels = some_images(11, 6, 5, classes=3, seed=9)
    (tmp_path / "validation-images").write_bytes(idx_bytes(images))
    (tmp_path / "validation-labels").write_bytes(idx_bytes(labels))
    dataset = load_dataset("idx", data_dir=tmp_path)
    np.testing.assert_array_equal(dataset.dev.images[:, 0], images)
    assert len(dataset.train) == 40


def test_classes_without_training_and_files_left_out_are_told(tmp_path):
    write_idx(tmp_path, "{split}-{kind}.idx", first=1)
    (tmp_path / "train-images.idx.gz").write_bytes(gzip.compress(idx_bytes(some_images(40, 6, 5)[0])))
    notes = " ".join(load_dataset("idx", data_dir=tmp_path).notes)
    assert "nothing to train on in the class 0" in notes
    assert "train-images.idx.gz was left out" in notes


def test_two_data_sets_in_a_folder_are_named(tmp_path):
    write_idx(tmp_path, "first-{split}-{kind}")
    write_idx(tmp_path, "second-{split}-{kind}")
    with pytest.raises(
        UserError, match=r"has 2 data sets \(first, second\): put the four files of one .* folder of their"
    ):
        load_dataset("idx", data_dir=tmp_path)


IMAGES, LABELS = some_images(40, 6, 5)
BROKEN = {
    "a label more": ({"train-labels": idx_bytes(np.append(LABELS, 0))}, "holds 40 images and .* 41 labels"),
    "swapped": ({"train-labels": idx_bytes(IMAGES), "train-images": idx_bytes(LABELS)}, "seem to be swapped"),
    "no labels": ({"train-labels": None}, "beside .*train-images there are no labels of the same name"),
    "no images": ({"test-images": None}, "beside .*test-labels there are no images of the same name"),
    "other size": ({"test-images": idx_bytes(some_images(20, 5, 6)[0])}, r"different .*: train \(1, 6, 5\), test \(1, 5, 6\)"),
    "cut short": ({"train-images": idx_bytes(IMAGES)[:-1]}, "cut short: 1215 of 1216 bytes"),
    "too long": ({"train-images": idx_bytes(IMAGES) + b"\0"}, "goes on after the 1216 bytes"),
    "in its header": ({"train-images": idx_bytes(IMAGES)[:9]}, "ends inside its header"),
    "empty": ({"train-images": b""}, "neither a gzip nor an IDX file"),
    "a web page": ({"train-images": b"<html>"}, "neither a gzip nor an IDX file"),
    "floats": ({"train-images": idx_bytes(IMAGES.astype(">f4"), 0x0D)}, "holds 32-bit floats, and only unsigned bytes"),
    "integers": ({"train-labels": idx_bytes(LABELS.astype(">i4"), 0x0C)}, "holds 32-bit integers"),
    "two axes": ({"train-images": idx_bytes(IMAGES[:, 0])}, "labels .one axis. or images .three or four axes."),
    "five axes": ({"train-images": idx_bytes(IMAGES[:, None, :, :, None])}, "neither a gzip nor an IDX file"),
    "two channels": ({"train-images": idx_bytes(np.zeros((40, 6, 5, 2), np.uint8))}, r"\(6, 5, 2\), of which neither or both"),
    "3 at both ends": ({"train-images": idx_bytes(np.zeros((40, 3, 5, 3), np.uint8))}, "neither or both"),
    "no pixels": ({"train-images": idx_bytes(np.zeros((40, 0, 5), np.uint8))}, "that is nothing"),
    "4 billion images": ({"train-images": struct.pack(">4I", 0x803, 2**32 - 1, 28, 28) + bytes(99)}, "more than it can hold"),
    "cut gzip": ({"train-images": gzip.compress(idx_bytes(IMAGES))[:-9]}, "cut short .its gzip stream has no end"),
    "bad gzip": ({"train-images": gzip.compress(idx_bytes(IMAGES))[:60] + b"\xff" * 40}, "damaged gzip file|cut short"),
    "a bomb": (
        {"train-images": gzip.compress(struct.pack(">4I", 0x803, 10**5, 100, 100) + bytes(10**7))},
        r"announces .* \(100000, 100, 100\), that is 1,000,000,000 bytes, more than it can hold",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, changed, sentence):
    write_idx(tmp_path, "{split}-{kind}")
    (tmp_path / "train-images").write_bytes(idx_bytes(IMAGES))
    (tmp_path / "train-labels").write_bytes(idx_bytes(LABELS))
    for name, content in changed.items():
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence) as caught:
        load_dataset("idx", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_no_folder_and_no_files_are_said(tmp_path):
    with pytest.raises(UserError, match="give their folder with --data-dir"):
        load_dataset("idx")
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="has no IDX files: put the four files"):
            load_dataset("idx", data_dir=place)


def test_a_header_is_read_without_the_rest(tmp_path):
    (tmp_path / "images").write_bytes(gzip.compress(idx_bytes(IMAGES)))
    assert idx_shape(tmp_path / "images") == IMAGES.shape
    with pytest.raises(UserError, match="does not exist"):
        idx_shape(tmp_path / "nowhere")


def test_labels_are_held_to_their_classes(tmp_path):
    write_idx(tmp_path, "{split}-{kind}")
    (files,) = idx_files(tmp_path)
    assert set(read_idx_files(files, num_classes=3)) == {"train", "test"}
    with pytest.raises(UserError, match=r"holds the label 2, expected 0\.\.1"):
        read_idx_files(files, num_classes=2)


@pytest.mark.parametrize(
    ("name", "classes", "first"),
    [("emnist-balanced", 47, 0), ("emnist-byclass", 62, 0), ("emnist-letters", 26, 1), ("emnist-mnist", 10, 0)],
)
def test_emnist_stands_upright_and_its_labels_begin_at_0(tmp_path, name, classes, first):
    pattern = name + "-{split}-{kind}-idx%s-ubyte.gz"
    arrays = write_idx(
        tmp_path / name, pattern % 3, 28, 28, train=90, test=70, classes=classes, wrap=gzip.compress, first=first
    )
    for path in (tmp_path / name).glob("*labels*"):
        path.rename(path.with_name(path.name.replace("idx3", "idx1")))
    for data_dir in (tmp_path, tmp_path / name):
        dataset = load_dataset(name, data_dir=data_dir)
        images, labels = arrays["test"]
        np.testing.assert_array_equal(dataset.test.images[:, 0], images.transpose(0, 2, 1))
        np.testing.assert_array_equal(dataset.test.labels, labels.astype(int) - first)
        assert (len(dataset.class_names), len(dataset.dev), dataset.built_in) == (classes, 14, True)
        assert any("not verified" in note for note in dataset.notes)


def test_the_letters_of_emnist(tmp_path):
    write_idx(tmp_path, "emnist-letters-{split}-{kind}-idx3-ubyte", 28, 28, first=0)
    for path in tmp_path.glob("*labels*"):
        path.rename(path.with_name(path.name.replace("idx3", "idx1")))
    with pytest.raises(UserError, match=r"holds the label 0, expected 1\.\. on"):
        load_dataset("emnist-letters", data_dir=tmp_path)
    with pytest.raises(UserError, match=re.escape("emnist-digits-train-images-idx3-ubyte.gz")):
        load_dataset("emnist-digits", data_dir=tmp_path)


def test_emnist_that_is_nowhere_is_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path))
    monkeypatch.delenv("TINYVIT_DATA", raising=False)
    with pytest.raises(UserError, match=r"not on this machine.*get gzip\.zip from https://www\.nist\.gov.*--data-dir"):
        load_dataset("emnist-letters")
