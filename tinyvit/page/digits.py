"""MNIST digits for a model that learns in the page: a part of them, in 16 grey levels, small enough for the web."""

import gzip
import json

import numpy as np

from ..datasets import Dataset, load_dataset
from ..datasets.load import is_at_hand
from ..storage.tensors import arrays_to_bytes

TRAIN, HELD_OUT = 10_000, 1_000
LEVEL = 17  # 15 * 17 = 255: sixteen levels from black to white
DIGITS, ABOUT = "digits.safetensors.gz", "digits.json"


def learnable_digits() -> dict[str, bytes]:
    """Files for the page by name: 10,000 digits of MNIST's training split and 1,000 of its test split, and what they
    are; none where MNIST is not on this machine.
    """
    if not is_at_hand("mnist"):
        return {}
    dataset = load_dataset("mnist")
    return {DIGITS: packed(dataset), ABOUT: json.dumps(about(dataset)).encode()}


def packed(dataset: Dataset) -> bytes:
    """Digits at equal distances in both splits, as a safetensors file under gzip: "train.images" and "held_out.images"
    (n, H*W/2), two pixels a byte, the first in the upper four bits; "train.labels" and "held_out.labels" (n,).
    """
    arrays: dict[str, np.ndarray] = {}
    for name, split, count in (("train", dataset.train, TRAIN), ("held_out", dataset.test, HELD_OUT)):
        rows = np.arange(count) * len(split) // count
        levels = np.rint(split.images[rows].reshape(count, -1) / LEVEL).astype(np.uint8)
        arrays |= {
            f"{name}.images": levels[:, ::2] << 4 | levels[:, 1::2],
            f"{name}.labels": split.labels[rows].astype(np.uint8),
        }
    H, W = dataset.train.images.shape[2:]
    return gzip.compress(arrays_to_bytes(arrays, {"size": f"{H}x{W}"}), 9, mtime=0)


def about(dataset: Dataset) -> dict[str, object]:
    """Facts on a model of these digits, in the words of `Classifier.about`; the page adds config and parameters."""
    mean, std = float(np.ravel(dataset.mean)[0]), float(np.ravel(dataset.std)[0])
    return {
        "task": "classify",
        "class_names": list(dataset.class_names),
        "mean": [mean],
        "std": [std],
        "fill": [-mean / std],
        "drawn": True,
        "multi_label": False,
        "watching": False,
        "examples": 0,
    }
