"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images, 28x28, grey, ten classes."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..downloads.cache import needed_cache_folder
from ..errors import UserError
from .dataset import Dataset, Split
from .find import find_files
from .idx import read_idx
from .split import dev_split

TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
SHAPES: dict[str, tuple[int, ...]] = {
    TRAIN_IMAGES: (60000, 28, 28),
    TRAIN_LABELS: (60000,),
    TEST_IMAGES: (10000, 28, 28),
    TEST_LABELS: (10000,),
}
MAX_DOWNLOAD_BYTES = 64 * 2**20  # the largest published file has 26 MB


@dataclass(frozen=True)
class Source:
    """What is known about a dataset before any of its files is read.

    published: SHA-256 of each gzip file as its makers published it.
    content: SHA-256 of what is inside, for copies that were unpacked or gzipped anew.
    """

    class_names: tuple[str, ...]
    mean: float
    std: float
    mirrors: tuple[str, ...]
    published: dict[str, str]
    content: dict[str, str]

    def checksums(self, file_name: str) -> set[str]:
        """The checksums that prove a file genuine."""
        return {table[file_name] for table in (self.published, self.content) if file_name in table}


SOURCES = {
    "mnist": Source(
        class_names=tuple("0123456789"),
        mean=0.1307,
        std=0.3081,
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        published={
            TRAIN_IMAGES: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            TRAIN_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            TEST_IMAGES: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        content={
            TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion-mnist": Source(
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        mean=0.2860,
        std=0.3530,
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        published={
            TRAIN_IMAGES: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            TRAIN_LABELS: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            TEST_IMAGES: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            TEST_LABELS: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        content={},
    ),
}


def load_dataset(
    name: str = "mnist",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    dev_size: int = 5000,
    split_seed: int = 0,
) -> Dataset:
    """Find the files (or download them), check that they are genuine, and split off the dev images.

    Args:
        name: "mnist" or "fashion-mnist".
        data_dir: the folder with the four files, or its parent; None looks in $TINYVIT_DATA, in `data/`
            beside the package and in the user's cache, and downloads into the cache what is nowhere.
        dev_size: how many training images become the dev split, each class in proportion.
        split_seed: decides which; it is not the seed of a run, so that all runs share one dev split.

    Returns:
        Images uint8 (n, 1, 28, 28) and labels int64 (n,): n = 60000 - dev_size, dev_size and 10000.

    Raises:
        UserError: there is no such dataset, or its files are missing, damaged or not genuine.
    """
    if name not in SOURCES:
        raise UserError(f"there is no dataset {name!r}: choose one of {', '.join(SOURCES)}")
    source = SOURCES[name]
    paths = find_files(name, tuple(SHAPES), data_dir) or _download_files(name, source)
    train_images, train_labels, test_images, test_labels = (
        read_idx(
            path,
            shape=shape,
            sha256=source.checksums(file_name),
            num_classes=len(source.class_names) if len(shape) == 1 else None,
        )
        for path, (file_name, shape) in zip(paths, SHAPES.items(), strict=True)
    )
    train, dev = dev_split(train_labels, dev_size, seed=split_seed)
    return Dataset(
        name=name,
        class_names=source.class_names,
        mean=source.mean,
        std=source.std,
        train=_split(train_images[train], train_labels[train]),
        dev=_split(train_images[dev], train_labels[dev]),
        test=_split(test_images, test_labels),
        built_in=True,
    )


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    """(n, 28, 28) as it is in the file becomes (n, 1, 28, 28): one channel."""
    return Split(images[:, None], labels.astype(np.int64))


def _download_files(name: str, source: Source) -> list[Path]:
    """The four files in the user's cache; what is there already is not fetched again."""
    from .download import download  # here, as the network modules are slow to import and rarely needed

    folder = needed_cache_folder() / name
    for file_name in SHAPES:
        if not (folder / file_name).exists():
            download(
                [mirror + file_name for mirror in source.mirrors],
                folder / file_name,
                sha256=source.published[file_name],
                max_bytes=MAX_DOWNLOAD_BYTES,
            )
    return [folder / file_name for file_name in SHAPES]
