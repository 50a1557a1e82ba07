"""Images and labels: found, checked, split, shuffled and normalised, all as plain arrays."""

from ..storage.paths import cache_folder
from .batches import batches, epoch_order, normalize
from .dataset import Dataset, Images, Split
from .find import find_files
from .idx import read_idx
from .load import load_dataset

__all__ = [
    "Dataset",
    "Images",
    "Split",
    "batches",
    "cache_folder",
    "epoch_order",
    "find_files",
    "load_dataset",
    "normalize",
    "read_idx",
]
