"""CIFAR-10 and CIFAR-100 in their binary version, packed and unpacked; what is damaged, hostile or a pickle is refused."""

import dataclasses
import gzip
import hashlib
import io
import re
import tarfile

import numpy as np
import pytest

from tests.support.small_files import cifar_records, tar_bytes
from tinyvit.datasets import cifar, download, load_dataset
from tinyvit.datasets.sources import SOURCES
from tinyvit.errors import UserError

TRAIN = [cifar_records(20, classes=10, seed=seed) for seed in range(5)]
TEST = cifar_records(15, classes=10, seed=5)
TEN = {f"data_batch_{i + 1}.bin": content for i, (content, *_) in enumerate(TRAIN)} | {"test_batch.bin": TEST[0]}


def unpacked(folder, files=TEN):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("how", ["folder", "its parent", "archive", "folder of the archive", "plain tar", "tgz"])
def test_cifar_10_packed_and_unpacked(tmp_path, how):
    place = tmp_path / "data"
    if how in ("folder", "its parent"):
        place = unpacked(place / "cifar-10-batches-bin")
        place = place.parent if how == "its parent" else place
    else:
        place.mkdir()
        name = {"plain tar": "cifar-10-binary.tar", "tgz": "c.tgz"}.get(how, "cifar-10-binary.tar.gz")
        (place / name).write_bytes(tar_bytes(TEN, "w" if how == "plain tar" else "w:gz"))
        place = place / name if how in ("archive", "tgz") else place
    dataset = load_dataset("cifar-10", data_dir=place)
    np.testing.assert_array_equal(dataset.test.images, TEST[1])
    np.testing.assert_array_equal(dataset.test.labels, TEST[2])
    everything = {
        image.tobytes(): label for _, images, labels in TRAIN for image, label in zip(images, labels, strict=True)
    }
    for split in (dataset.train, dataset.dev):
        assert all(
            everything[image.tobytes()] == label for image, label in zip(split.images, split.labels, strict=True)
        )
    assert (len(dataset.train), len(dataset.dev)) == (85, 15)
    assert dataset.class_names[:3] == ("airplane", "automobile", "bird")
    assert len(dataset.mean) == len(dataset.std) == 3
    assert any("was not verified" in note for note in dataset.notes)


@pytest.mark.parametrize(("name", "classes"), [("cifar-100", 100), ("cifar-100-coarse", 20)])
def test_cifar_100_has_two_labels(tmp_path, name, classes):
    train, test = (cifar_records(n, classes=100, coarse=20, seed=n) for n in (200, 120))
    unpacked(
        tmp_path / "cifar-100-binary", {"train.bin": train[0], "test.bin": test[0], "fine_label_names.txt": b"apple\n"}
    )
    dataset = load_dataset(name, data_dir=tmp_path)
    np.testing.assert_array_equal(dataset.test.images, test[1])
    np.testing.assert_array_equal(dataset.test.labels, test[2] if classes == 100 else test[2] % 20)
    assert len(dataset.class_names) == classes


def test_batches_are_taken_in_the_order_of_their_numbers(tmp_path):
    files = {f"data_batch_{i}.bin": cifar_records(10, classes=10, seed=i)[0] for i in (1, 2, 10)} | {
        "test_batch.bin": TEST[0]
    }
    arrays = cifar.read_cifar(cifar.KINDS["cifar-10"], unpacked(tmp_path / "x", files), label_byte=0, num_classes=10)
    wanted = np.concatenate([cifar_records(10, classes=10, seed=i)[1] for i in (1, 2, 10)])
    np.testing.assert_array_equal(arrays["train"][0], wanted)


def test_the_published_archive_is_verified(tmp_path, monkeypatch):
    content = tar_bytes(TEN)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    published = {"cifar-10-binary.tar.gz": hashlib.sha256(content).hexdigest()}
    monkeypatch.setitem(SOURCES, "cifar-10", dataclasses.replace(SOURCES["cifar-10"], published=published))
    assert load_dataset("cifar-10", data_dir=tmp_path).notes == ()


@pytest.mark.parametrize(
    "names",
    [["cifar-10-python.tar.gz"], ["data_batch_1", "test_batch", "batches.meta"], ["cifar-10-batches-py/data_batch_1"]],
)
def test_the_python_version_is_refused_by_name_and_never_opened(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(
        UserError, match=r"Python version of CIFAR .*a pickle and could run code: get the binary version"
    ):
        load_dataset("cifar-10", data_dir=tmp_path)


def test_the_python_version_of_cifar_100(tmp_path):
    (tmp_path / "cifar-100-python").mkdir()
    with pytest.raises(UserError, match=r"Python version of CIFAR \(cifar-100-python\).*cifar-100-binary\.tar\.gz"):
        load_dataset("cifar-100", data_dir=tmp_path)


LONG = tar_bytes(TEN)
BROKEN = {
    "cut record": (
        {"data_batch_3.bin": TRAIN[0][0][:-1]},
        r"data_batch_3\.bin has 61,459 bytes, .* no whole records of 3,073",
    ),
    "empty": ({"test_batch.bin": b""}, r"test_batch\.bin has 0 bytes"),
    "label": ({"data_batch_1.bin": b"\x0a" + TRAIN[0][0][1:]}, r"holds the label 10, expected 0\.\.9"),
    "no test": ({"test_batch.bin": None}, r"has no test_batch\.bin: get a fresh copy"),
    "no train": ({name: None for name in TEN if name != "test_batch.bin"}, r"has no data_batch_1\.bin"),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("changed", "sentence"), BROKEN.values(), ids=BROKEN)
def test_records_that_are_damaged(tmp_path, changed, sentence, packed):
    files = {name: content for name, content in (TEN | changed).items() if content is not None}
    if packed:
        (tmp_path / "cifar-10-binary.tar.gz").write_bytes(tar_bytes(files))
    else:
        unpacked(tmp_path / "cifar-10-batches-bin", files)
    with pytest.raises(UserError, match=sentence) as caught:
        load_dataset("cifar-10", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


def with_link():
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        link = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (LONG[: len(LONG) // 2], "cut short or no archive|damaged"),
        (LONG[:5000] + bytes(5000) + LONG[10000:], "cut short or no archive|damaged"),
        (b"", "cut short or no archive"),
        (b"<html>", "cut short or no archive"),
        (gzip.compress(b"no tar in here" * 100), "cut short or no archive"),
        (with_link(), r"has no data_batch_1\.bin"),
        (tar_bytes({f"{i}.txt": b"" for i in range(1100)}), "more than any CIFAR does"),
    ],
    ids=["half", "damaged", "empty", "a web page", "gzip", "link", "many files"],
)
def test_archives_that_are_damaged_or_hostile(tmp_path, content, sentence):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(UserError, match=sentence) as caught:
        load_dataset("cifar-10", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
def test_what_is_larger_than_any_cifar_is_not_read(tmp_path, packed, monkeypatch):
    monkeypatch.setattr(cifar, "MAX_BYTES", 100_000)
    if packed:
        (tmp_path / "cifar-10-binary.tar.gz").write_bytes(LONG)
    else:
        unpacked(tmp_path / "cifar-10-batches-bin")
    with pytest.raises(UserError, match="holds more than any CIFAR does"):
        load_dataset("cifar-10", data_dir=tmp_path)


def test_what_is_nowhere_is_downloaded_or_named(tmp_path, monkeypatch):
    def deliver(urls, destination, *, sha256, max_bytes):
        assert urls == ["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"]
        assert sha256 == SOURCES["cifar-10"].published[destination.name]
        destination.parent.mkdir(parents=True)
        destination.write_bytes(LONG)

    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYVIT_DATA", raising=False)
    monkeypatch.setattr(download, "download", deliver)
    for _ in range(2):
        assert len(load_dataset("cifar-10").test) == 15
    with pytest.raises(UserError, match=re.escape(f"no cifar-10-binary.tar.gz in {tmp_path}")):
        load_dataset("cifar-10", data_dir=tmp_path)
