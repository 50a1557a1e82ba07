"""What lies in a folder is told by its files, not by the folder's name."""

import gzip
import shutil

import numpy as np
import pytest

from tests.support.small_files import cifar_records, write_idx
from tinyvit.datasets import find
from tinyvit.datasets.pixel_statistics import MIN_STD, pixel_statistics
from tinyvit.datasets.recognise import recognise

MNIST = find.REPOSITORY_DATA / "mnist"


def copy_of_mnist(folder, how):
    folder.mkdir(parents=True)
    for path in MNIST.glob("*.gz"):
        name, content = path.name, path.read_bytes()
        if how == "dots":
            name = name.removesuffix(".gz").replace("-idx", ".idx")
            content = gzip.decompress(content)
        if how == "changed" and "t10k-labels" in name:
            content = gzip.compress(gzip.decompress(content)[:-1] + b"\1")
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(("how", "name"), [("as published", "mnist"), ("dots", "mnist"), ("changed", "idx")])
def test_mnist_is_known_by_its_checksums(tmp_path, how, name):
    assert recognise(copy_of_mnist(tmp_path / "my data", how)) == name


def test_a_folder_above_is_recognised_by_the_one_in_it(tmp_path):
    copy_of_mnist(tmp_path / "mnist", "as published")
    assert recognise(tmp_path) == "mnist"
    shutil.move(tmp_path / "mnist", tmp_path / "kmnist")
    assert recognise(tmp_path) == "kmnist"  # whose checksums the loader will miss


@pytest.mark.parametrize("name", ["emnist-balanced", "emnist-letters", "emnist-digits"])
def test_emnist_is_known_by_the_names_of_its_files(tmp_path, name):
    write_idx(tmp_path, name + "-{split}-{kind}-idx3-ubyte", 28, 28)
    for path in tmp_path.glob("*labels*"):
        path.rename(path.with_name(path.name.replace("idx3", "idx1")))
    assert recognise(tmp_path) == name


def test_cifar_is_known_by_the_names_of_its_files(tmp_path):
    content = cifar_records(3, classes=3)[0]
    for folder, file, name in (("a", "data_batch_1.bin", "cifar-10"), ("b", "train.bin", "cifar-100")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_bytes(content)
        assert recognise(tmp_path / folder) == name
        (tmp_path / f"{name}-binary.tar.gz").touch()
        assert recognise(tmp_path / f"{name}-binary.tar.gz") == name


def test_a_file_that_is_no_archive_is_none(tmp_path):
    (tmp_path / "notes.txt").write_text("cifar-100")
    assert recognise(tmp_path / "notes.txt") is None


def test_images_and_nothing_are_neither(tmp_path, make_image):
    make_image("test_batch/cat/one.png")
    make_image("train_images/dog/one.png")
    (tmp_path / "train-labels.csv").write_text("0\n")
    (tmp_path / "data_batch_1").mkdir()
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "nowhere") is None


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_statistics_are_those_of_all_pixels(channels, rng):
    images = rng.integers(0, 256, (2500, channels, 3, 2), dtype=np.uint8)
    mean, std = pixel_statistics(images)
    np.testing.assert_allclose(mean, np.squeeze((images / 255).mean(axis=(0, 2, 3))), rtol=1e-12)
    np.testing.assert_allclose(std, np.squeeze((images / 255).std(axis=(0, 2, 3))), rtol=1e-12)
    assert isinstance(mean, float if channels == 1 else tuple)
    assert pixel_statistics(np.full((3, 1, 2, 2), 51, np.uint8)) == pytest.approx((0.2, MIN_STD))
