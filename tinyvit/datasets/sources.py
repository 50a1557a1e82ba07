"""Published data sets by name: their classes, mirrors, and the checksums that prove a copy genuine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from . import published_names as names_of

TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
SHAPES: dict[str, tuple[int, ...]] = {  # of MNIST, and of those made to take its place
    TRAIN_IMAGES: (60000, 28, 28),
    TRAIN_LABELS: (60000,),
    TEST_IMAGES: (10000, 28, 28),
    TEST_LABELS: (10000,),
}


@dataclass(frozen=True)
class Source:
    """Facts about a data set, known before any of its files is read.

    layout: of its files: MNIST's four; EMNIST's, whose names begin with the set's and whose images are transposed; or
        CIFAR's records.
    mean, std: of the training pixels after division by 255, as is usual; None: they are computed.
    first_label: what is stored for the first class.
    label_byte: CIFAR's records have one label or two.
    drawn: how an image of one's own is prepared for a model of this set: as one of MNIST's digits, as a light drawing
        on black, or as any image.
    page: where people get it.
    mirrors: where it is downloaded from; none: it is not.
    published: SHA-256 of each file as its makers published it.
    content: SHA-256 of what is inside, for copies that were unpacked or gzipped anew.
    """

    class_names: tuple[str, ...]
    page: str
    layout: Literal["mnist", "emnist", "cifar"] = "mnist"
    mean: float | None = None
    std: float | None = None
    first_label: int = 0
    label_byte: int = 0
    drawn: Literal["digit", "light on dark", "picture"] = "light on dark"
    mirrors: tuple[str, ...] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, str] = field(default_factory=dict)

    def checksums(self, file_name: str) -> set[str]:
        """The checksums that prove a file genuine."""
        return {table[file_name] for table in (self.published, self.content) if file_name in table}


EMNIST_PAGE = "https://www.nist.gov/itl/products-and-services/emnist-dataset"
CIFAR_PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"


def _emnist(names: tuple[str, ...], first_label: int = 0, *, digits: bool = False) -> Source:
    drawn: Literal["digit", "light on dark"] = "digit" if digits else "light on dark"
    return Source(names, EMNIST_PAGE, "emnist", first_label=first_label, drawn=drawn)


def _cifar(names: tuple[str, ...], archive: str, sha256: str, label_byte: int = 0) -> Source:
    return Source(
        names,
        CIFAR_PAGE,
        "cifar",
        label_byte=label_byte,
        drawn="picture",
        mirrors=("https://www.cs.toronto.edu/~kriz/",),
        published={archive: sha256},
    )


CIFAR_10_ARCHIVE, CIFAR_100_ARCHIVE = "cifar-10-binary.tar.gz", "cifar-100-binary.tar.gz"
CIFAR_100_SHA256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"

SOURCES: dict[str, Source] = {
    "mnist": Source(
        names_of.DIGITS,
        "https://github.com/cvdfoundation/mnist",
        mean=0.1307,
        std=0.3081,
        drawn="digit",
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
        names_of.FASHION,
        "https://github.com/zalandoresearch/fashion-mnist",
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
    ),
    "kmnist": Source(
        names_of.KUZUSHIJI,
        "http://codh.rois.ac.jp/kmnist/",
        mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        published={
            TRAIN_IMAGES: "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            TRAIN_LABELS: "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            TEST_IMAGES: "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            TEST_LABELS: "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
    ),
    "emnist-balanced": _emnist(names_of.EMNIST_MERGED),
    "emnist-byclass": _emnist(names_of.EMNIST_BY_CLASS),
    "emnist-bymerge": _emnist(names_of.EMNIST_MERGED),
    "emnist-letters": _emnist(names_of.EMNIST_LETTERS, first_label=1),
    "emnist-digits": _emnist(names_of.DIGITS, digits=True),
    "emnist-mnist": _emnist(names_of.DIGITS, digits=True),
    "cifar-10": _cifar(
        names_of.CIFAR_10,
        CIFAR_10_ARCHIVE,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    "cifar-100": _cifar(names_of.CIFAR_100, CIFAR_100_ARCHIVE, CIFAR_100_SHA256, label_byte=1),
    "cifar-100-coarse": _cifar(names_of.CIFAR_100_COARSE, CIFAR_100_ARCHIVE, CIFAR_100_SHA256),
}
