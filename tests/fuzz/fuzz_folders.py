"""Folders of images arranged at random, by the thousand: each is refused in a sentence, or every image is accounted for.

python -m tests.fuzz.fuzz_folders [COUNT] [SEED]

Trees are grown from names that data sets have (train, val, a class, a letter with an accent, what systems leave behind),
and the fuzzer knows which images a person put there: each must come up in one split or be counted as left out. Each case
has a generator of its own, made of seed and number. The tests beside it grow 150.
"""

import collections
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.fuzz.fuzz_images import outcome, pick
from tinyvit.datasets.image_folder import list_folder, list_whole

SPLITS = ("train", "Training", "val", "dev", "TEST", "seg_train", "seg_test", "eval", "train-2021", "x_val", "holdout")
CLASSES = ("cat", "dog", "Cat", "cat ", "train_station", "valley", "0", "1", "é", "e\u0301", "日本", "-rf", "T shirt")
OTHERS = ("archive", "images", "2020", "left", "fold_1", "fold_2", "data", "best", "runs", "labels")
JUNK = ("__MACOSX", ".git", "@eaDir", "$RECYCLE.BIN", "__pycache__")
NAMES = (SPLITS, CLASSES, CLASSES, CLASSES, OTHERS)
FILES = ("1.jpg", "2.PNG", "3.heic", "4.webp")
JUNK_FILES = (".DS_Store", "Thumbs.db", "._1.jpg")
NO_IMAGES = ("notes.txt", "x.cr2")


def random_tree(rng, root):
    """Folders up to four deep, most of them like those of a data set; returns the images that a person put there."""
    pictures = set()

    def fill(folder, depth):
        folder.mkdir(parents=True, exist_ok=True)
        if depth == 0 or rng.random() < 0.15:
            for name in FILES[: rng.integers(5)]:
                (folder / name).touch()
                pictures.add(folder / name)
        if rng.random() < 0.1:
            (folder / pick(rng, NO_IMAGES)).touch()
        if rng.random() < 0.1:
            (folder / pick(rng, JUNK_FILES)).touch()
        if rng.random() < 0.1:
            (folder / pick(rng, JUNK)).mkdir(exist_ok=True)
            (folder / pick(rng, JUNK) / "hidden.jpg").parent.mkdir(exist_ok=True)
        if depth:
            for _ in range(rng.integers(1, 5)):
                fill(folder / pick(rng, NAMES[rng.integers(len(NAMES))]), depth - 1)

    if rng.random() < 0.5:  # as it should be, or nearly
        classes = [pick(rng, CLASSES) for _ in range(rng.integers(2, 4))]
        for split in [pick(rng, SPLITS) for _ in range(rng.integers(4))] or ["."]:
            for name in classes:
                fill(root / split / name, 0)
    else:
        fill(root, rng.integers(4))
    return pictures


def use(root, pictures):
    """List the folder for training and for measuring; every image is in one split, or was counted as left out."""
    whole = list_whole(root, ["cat", "dog"]).listing
    for listing in (whole, list_folder(root)):
        listed = [path for files in listing.splits.values() for path in files.paths]
        assert len(set(listed)) == len(listed)
        assert set(listed) <= pictures
        strangers = [path for path in root.rglob("*") if path.name in NO_IMAGES]
        missing = len(pictures) - len(listed)
        assert missing <= listing.left_out <= missing + len(strangers), (missing, listing.left_out)
        assert missing == 0 or listing.notes
        for files in listing.splits.values():
            assert len(files.paths) == len(files.labels)
            assert not len(files) or files.labels.max() < len(listing.class_names)
        for name in listing.class_names:
            name.encode()


def fuzz_folders(count, seed, folder):
    """How often `count` random folders were used and refused."""
    outcomes = collections.Counter()
    for case in range(count):
        rng = np.random.default_rng((seed, case))
        root = Path(folder) / f"{seed}-{case}"
        pictures = random_tree(rng, root)
        tree = sorted(os.path.relpath(path, root) for path in pictures)
        outcomes[
            outcome(
                lambda root=root, pictures=pictures: use(root, pictures), f"folder {case} of seed {seed}: {tree}", 1000
            )
        ] += 1
    return outcomes


def main(count=2000, seed=0):
    with tempfile.TemporaryDirectory() as folder:
        print(f"{count} folders: {dict(fuzz_folders(count, seed, folder))}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
