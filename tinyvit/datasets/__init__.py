"""Images and labels: found, checked, split, shuffled, augmented and normalised, all as plain arrays."""

from .augment import random_affine, random_affine_maps, random_shift, random_shift_maps
from .augment_pictures import rand_augment, random_flip, random_resized_crop
from .batches import batches, epoch_order, normalize
from .dataset import Dataset, Images, Split
from .find import cache_folder, find_files
from .idx import read_idx
from .load import load_dataset
from .mixing import cutmix, mixed, mixup, random_erasing

__all__ = [
    "Dataset",
    "Images",
    "Split",
    "batches",
    "cache_folder",
    "cutmix",
    "epoch_order",
    "find_files",
    "load_dataset",
    "mixed",
    "mixup",
    "normalize",
    "rand_augment",
    "random_affine",
    "random_affine_maps",
    "random_erasing",
    "random_flip",
    "random_resized_crop",
    "random_shift",
    "random_shift_maps",
    "read_idx",
]
