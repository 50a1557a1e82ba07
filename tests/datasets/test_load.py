"""MNIST as it lies in `data/`, and where the files are looked for."""

import gzip
import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets import Dataset, download, find, load_dataset, sources
from tinyvit.datasets.find import find_files
from tinyvit.errors import UserError

FILES = tuple(sources.SHAPES)


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """No variable of the tester's own, an empty cache, and no way to the network."""

    def no_network(urls, destination, **_options):
        raise AssertionError(f"{destination} was about to be downloaded from {urls}")

    monkeypatch.delenv("TINYVIT_DATA", raising=False)
    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "download", no_network)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("mnist", data_dir=find.REPOSITORY_DATA)


def test_the_three_splits_have_their_sizes_and_types(dataset):
    for split, n in ((dataset.train, 55_000), (dataset.dev, 5_000), (dataset.test, 10_000)):
        assert len(split) == n
        assert split.images.shape == (n, 1, 28, 28)
        assert split.images.dtype == np.uint8
        assert split.labels.shape == (n,)
        assert split.labels.dtype == np.int64
    assert dataset.class_names == tuple("0123456789")


def test_the_images_are_those_of_mnist(dataset):
    # The first ten labels of the training and of the test file, known from every tutorial.
    np.testing.assert_array_equal(dataset.test.labels[:10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    everything = load_dataset("mnist", dev_size=0)
    np.testing.assert_array_equal(everything.train.labels[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    pixels = np.arange(256) / 255
    often = sum(np.bincount(part.ravel(), minlength=256) for part in np.array_split(everything.train.images, 60))
    mean = np.average(pixels, weights=often)
    assert mean == pytest.approx(dataset.mean, abs=5e-5)
    assert np.average((pixels - mean) ** 2, weights=often) ** 0.5 == pytest.approx(dataset.std, abs=5e-5)


def test_train_and_dev_share_no_image_and_keep_proportions(dataset):
    hashes = [
        {hashlib.md5(image.tobytes()).digest() for image in split.images} for split in (dataset.train, dataset.dev)
    ]
    assert not hashes[0] & hashes[1]
    everything = np.bincount(dataset.train.labels) + np.bincount(dataset.dev.labels)
    assert (abs(np.bincount(dataset.dev.labels) - everything / 12) < 1).all()


def test_the_dev_split_is_the_same_on_every_machine(dataset):
    digest = hashlib.sha256(dataset.dev.images.tobytes() + dataset.dev.labels.astype("<i8").tobytes())
    assert digest.hexdigest() == "6d7251d03abd6c7aebdaf9aabdd95d0c393a76fd9605b485487dd5318215523c"
    other = load_dataset("mnist", split_seed=1)
    assert not np.array_equal(other.dev.images, dataset.dev.images)


def test_the_checksums_in_the_readme_are_those_of_the_files():
    folder = find.REPOSITORY_DATA / "mnist"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for file_name in FILES:
        stored = (folder / file_name).read_bytes()
        content = gzip.decompress(stored)
        assert hashlib.sha256(stored).hexdigest() in readme
        assert hashlib.sha256(content).hexdigest() in readme
        assert hashlib.md5(content).hexdigest() in readme
        assert hashlib.sha256(content).hexdigest() in sources.SOURCES["mnist"].checksums(file_name)


@pytest.mark.parametrize("name", sources.SOURCES)
def test_the_table_of_sources_is_complete(name):
    source = sources.SOURCES[name]
    sizes = {"emnist-balanced": 47, "emnist-bymerge": 47, "emnist-byclass": 62, "emnist-letters": 26}
    sizes |= {"cifar-100": 100, "cifar-100-coarse": 20}
    assert len(source.class_names) == len(set(source.class_names)) == sizes.get(name, 10)
    assert source.page.startswith("http")
    assert all(re.fullmatch(r"https?://.*/", mirror) for mirror in source.mirrors)
    wanted = {"mnist": set(FILES), "emnist": set(), "cifar": {f"{name.removesuffix('-coarse')}-binary.tar.gz"}}
    assert set(source.published) == wanted[source.layout]
    assert bool(source.mirrors) == bool(source.published)
    digests = [*source.published.values(), *source.content.values()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert len(set(digests)) == len(digests)


def test_classes_and_statistics_are_the_published_ones():
    """Fashion-MNIST's labels in the order of its README; mean and standard deviation as everybody uses them."""
    digits, fashion = sources.SOURCES["mnist"], sources.SOURCES["fashion-mnist"]
    assert digits.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    assert fashion.class_names == (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    assert (digits.mean, digits.std) == (0.1307, 0.3081)
    assert (fashion.mean, fashion.std) == (0.2860, 0.3530)


def test_an_unknown_dataset_is_refused():
    with pytest.raises(UserError, match=r"'cifar'.*mnist, fashion-mnist.*cifar-10,.*idx"):
        load_dataset("cifar")


def fill(folder: Path, names=FILES) -> Path:
    """Empty files under the names that are looked for."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_given_folder_is_searched_itself_and_by_name(tmp_path):
    parent = fill(tmp_path / "parent" / "mnist").parent
    assert find_files("mnist", FILES, parent) == [parent / "mnist" / name for name in FILES]
    assert find_files("mnist", FILES, parent / "mnist") == [parent / "mnist" / name for name in FILES]


@pytest.mark.parametrize(
    ("before", "after"), [("-idx", ".idx"), ("t10k", "test"), (".gz", ""), ("-ubyte.gz", "-ubyte")]
)
@pytest.mark.parametrize("plain", [False, True])
def test_files_of_other_usual_names_are_found(tmp_path, before, after, plain):
    names = [name.removesuffix(".gz" if plain else "").replace(before, after) for name in FILES]
    folder = fill(tmp_path / "copy", names)
    assert find_files("mnist", FILES, folder) == [folder / name for name in names]


def test_unpacked_files_are_found(tmp_path):
    unpacked = [name.removesuffix(".gz") for name in FILES]
    folder = fill(tmp_path / "unpacked", unpacked)
    assert find_files("mnist", FILES, folder) == [folder / name for name in unpacked]


@pytest.mark.parametrize("names", [(), FILES[:3]], ids=["none", "three of four"])
def test_a_given_folder_without_the_files_is_refused(tmp_path, names):
    folder = fill(tmp_path / "mine", names)
    with pytest.raises(UserError) as caught:
        load_dataset("mnist", data_dir=folder)
    sentence = str(caught.value)
    for expected in (*FILES, f"{folder} nor", str(folder / "mnist"), "--data-dir"):
        assert expected in sentence


def test_a_given_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        load_dataset("mnist", data_dir=tmp_path / "nowhere")


def test_folders_are_searched_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "REPOSITORY_DATA", tmp_path / "repository")
    assert find_files("mnist", FILES) is None
    for folder in ("cache/mnist", "repository/mnist", "variable/mnist", "given"):
        fill(tmp_path / folder)
        if folder == "variable/mnist":
            monkeypatch.setenv("TINYVIT_DATA", str(tmp_path / "variable"))
        data_dir = tmp_path / "given" if folder == "given" else None
        assert find_files("mnist", FILES, data_dir)[0].parent == tmp_path / folder


def test_what_the_environment_names_must_be_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVIT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"TINYVIT_DATA names .*nowhere, which is no folder: correct or unset it"):
        find_files("mnist", FILES)
    monkeypatch.setenv("TINYVIT_DATA", str(tmp_path))
    assert find_files("mnist", FILES)[0].parent == find.REPOSITORY_DATA / "mnist"
    monkeypatch.setenv("TINYVIT_DATA", "")
    assert find_files("mnist", FILES)


def test_a_damaged_file_is_named(tmp_path):
    folder = tmp_path / "mnist"
    shutil.copytree(find.REPOSITORY_DATA / "mnist", folder)
    path = folder / sources.TEST_LABELS
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=re.escape(str(path)) + ".*cut short.*put a fresh copy"):
        load_dataset("mnist", data_dir=tmp_path)


def test_other_images_of_the_form_are_not_taken_for_the_dataset():
    with pytest.raises(UserError, match=r"train-images.*not the published content.*put the published"):
        load_dataset("fashion-mnist", data_dir=find.REPOSITORY_DATA / "mnist")


def test_a_label_that_is_no_class_is_named(tmp_path):
    folder = tmp_path / "mnist"
    shutil.copytree(find.REPOSITORY_DATA / "mnist", folder)
    content = bytearray(gzip.decompress((folder / sources.TEST_LABELS).read_bytes()))
    content[-1] = 10
    (folder / sources.TEST_LABELS).write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match=r"t10k-labels.*the label 10, expected 0\.\.9"):
        load_dataset("mnist", data_dir=tmp_path)


def test_what_is_nowhere_is_downloaded_into_the_cache(tmp_path, monkeypatch):
    calls = []

    def from_repository(urls, destination, *, sha256, max_bytes):
        assert sha256 == sources.SOURCES["mnist"].published[destination.name]
        assert max_bytes > 30_000_000
        assert urls == [mirror + destination.name for mirror in sources.SOURCES["mnist"].mirrors]
        calls.append(destination)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / "mnist" / destination.name, destination)

    repository = find.REPOSITORY_DATA
    monkeypatch.setattr(find, "REPOSITORY_DATA", tmp_path / "not there")
    monkeypatch.setattr(download, "download", from_repository)
    in_cache = [tmp_path / "cache" / "mnist" / name for name in FILES]
    for _ in range(2):  # the second time everything is in the cache
        assert len(load_dataset("mnist").test) == 10_000
    assert calls == in_cache
    in_cache[2].unlink()
    load_dataset("mnist")
    assert calls == [*in_cache, in_cache[2]]
