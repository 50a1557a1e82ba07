"""Folders become listings: layouts, splits, notes, and what is refused."""

import os
import unicodedata

import numpy as np
import pytest

from tinyvit.datasets.image_folder import list_folder
from tinyvit.datasets.listing import gaps
from tinyvit.errors import UserError


def touch(root, *names):
    """Empty files: a listing opens none."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def counted(root, classes):
    return touch(root, *(f"{name}/{number:04}.jpg" for name, count in classes.items() for number in range(count)))


def counts(listing):
    K = len(listing.class_names)
    return {split: np.bincount(files.labels, minlength=K).tolist() for split, files in listing.splits.items()}


def names(files):
    return [f"{path.parent.name}/{path.name}" for path in files.paths]


@pytest.mark.parametrize("val", ["val", "valid", "validation", "dev", "Val"])
def test_three_splits_are_taken_as_they_are(tmp_path, val):
    counted(tmp_path, {"train/dog": 3, "train/cat": 2, f"{val}/cat": 1, f"{val}/dog": 1, "test/dog": 2})
    listing = list_folder(tmp_path)
    assert listing.class_names == ("cat", "dog")
    assert counts(listing) == {"train": [2, 3], "dev": [1, 1], "test": [0, 2]}
    assert listing.notes == ()
    for files in listing.splits.values():
        assert files.labels.dtype == np.int64
        assert len(files) == len(files.paths) == len(files.labels)
        for path, label in zip(files.paths, files.labels, strict=True):
            assert path.parent.name == listing.class_names[label]
    assert names(listing.train) == ["cat/0000.jpg", "cat/0001.jpg", "dog/0000.jpg", "dog/0001.jpg", "dog/0002.jpg"]


def test_classes_alone_are_split_in_proportion(tmp_path):
    counted(tmp_path, {"cat": 40, "dog": 20, "eel": 100})
    listing = list_folder(tmp_path)
    assert counts(listing) == {"train": [28, 14, 70], "dev": [6, 3, 15], "test": [6, 3, 15]}
    everything = [path for files in listing.splits.values() for path in files.paths]
    assert len(set(everything)) == 160
    (note,) = listing.notes
    assert "160 images were split" in note
    assert "112 to train on, 24 for dev and 24 for test (seed 0)" in note
    for files in listing.splits.values():
        assert all(path.parent.name == listing.class_names[label] for path, label in zip(files.paths, files.labels, strict=True))  # fmt: skip


def test_a_split_is_made_by_the_seed_alone(tmp_path):
    counted(tmp_path, {"cat": 40, "dog": 40})
    first, again, other = (list_folder(tmp_path, seed=seed) for seed in (1, 1, 2))
    assert first.dev.paths == again.dev.paths
    assert first.test.paths == again.test.paths
    assert first.dev.paths != other.dev.paths
    assert first.test.paths != other.test.paths
    shares = list_folder(tmp_path, dev_share=0.25, test_share=0.05)
    assert (len(shares.train), len(shares.dev), len(shares.test)) == (56, 20, 4)


def test_without_val_dev_is_split_off_but_no_test(tmp_path):
    counted(tmp_path, {"train/cat": 20, "train/dog": 40})
    listing = list_folder(tmp_path)
    assert counts(listing) == {"train": [17, 34], "dev": [3, 6], "test": [0, 0]}
    assert listing.test.labels.dtype == np.int64
    made, missing = listing.notes
    assert "9 of the 60 training images became the dev split" in made
    assert "There is no test split" in missing


@pytest.mark.parametrize("sizes", [[1, 1], [2, 2], [1, 30], [2, 1, 3, 1, 2, 5], [3] * 20, [1] * 20])
@pytest.mark.parametrize("shares", [(0.15, 0.15), (0.5, 0.0), (0.25, 0.25), (0.0, 0.5)])
def test_every_class_keeps_an_image_to_train_on(tmp_path, sizes, shares):
    counted(tmp_path, {f"class {k:02}": size for k, size in enumerate(sizes)})
    listing = list_folder(tmp_path, dev_share=shares[0], test_share=shares[1])
    assert min(counts(listing)["train"]) >= 1
    assert sum(map(len, listing.splits.values())) == sum(sizes)


def test_hidden_files_endings_and_loose_images_are_left_out(tmp_path):
    counted(tmp_path, {"train/cat": 3, "train/dog": 3, "val/cat": 1, "test/cat": 1})
    touch(tmp_path, "train/cat/.hidden.jpg", "train/.git/x.jpg", "train/cat/.thumbs/x.jpg", ".DS_Store")
    touch(tmp_path, "train/cat/a.txt", "train/cat/b.txt", "train/cat/c.CR2", "train/dog/none", "train/labels.csv")
    touch(tmp_path, "train/loose.jpg", "annotations/x.xml")
    listing = list_folder(tmp_path)
    assert counts(listing) == {"train": [3, 3], "dev": [1, 0], "test": [1, 0]}
    hidden, others, loose, endings = listing.notes
    assert hidden == "Left out as hidden or made by machines: .DS_Store, .git, .hidden.jpg, .thumbs."
    assert others.endswith("left out: annotations.")
    assert "1 image directly in" in loose
    assert loose.endswith("left out: loose.jpg.")
    assert endings.endswith(
        "left out: .txt (2), .cr2 (1), no ending (1). "
        "The first: train/cat/a.txt, train/cat/b.txt, train/cat/c.CR2, train/dog/none."
    )
    assert listing.left_out == 5


def test_folders_in_a_class_are_searched_and_names_may_be_any(tmp_path):
    combined, composed = unicodedata.normalize("NFD", "é"), "日本 猫"
    touch(tmp_path, f"{combined} x/deep/er/1 2.JPEG", f"{combined} x/0.png", f"{composed}/a'b\"c.webp", "-rf/$HOME.bmp")
    listing = list_folder(tmp_path, dev_share=0, test_share=0)
    assert listing.class_names == ("-rf", f"{combined} x", composed)
    assert names(listing.train) == ["-rf/$HOME.bmp", f"{combined} x/0.png", "er/1 2.JPEG", f"{composed}/a'b\"c.webp"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    counted(tmp_path / "data", {"cat": 2, "dog": 2})
    counted(tmp_path, {"elsewhere": 3})
    (tmp_path / "data/cat/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/cat/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/cat/up").symlink_to(tmp_path / "data/cat")
    (tmp_path / "data/cat/self").symlink_to(tmp_path / "data/cat/self")
    (tmp_path / "data/eel").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/dog/0001.jpg").unlink()
    (tmp_path / "data/dog/0001.jpg").symlink_to(tmp_path / "gone.jpg")  # for a scan to find
    listing = list_folder(tmp_path / "data", dev_share=0, test_share=0)
    assert counts(listing)["train"] == [5, 2, 3]


def test_empty_and_tiny_classes_are_gaps_and_stay(tmp_path):
    counted(tmp_path, {"train/ape": 0, "train/bee": 1, "train/cat": 5, "val/cat": 1, "val/ape": 0, "test/cat": 1})
    (tmp_path / "train/ape").mkdir()
    listing = list_folder(tmp_path)
    assert listing.class_names == ("ape", "bee", "cat")
    assert gaps(listing.class_names, {split: np.bincount(files.labels, minlength=3) for split, files in listing.splits.items()}) == [
        "Nothing to train on in the class ape.",
        "Only one image to train on in the class bee.",
        "The dev split says nothing of the class bee.",
        "The test split says nothing of the class bee.",
    ]  # fmt: skip


def test_a_class_may_be_called_train(tmp_path):
    counted(tmp_path, {"train": 10, "plane": 10})
    assert list_folder(tmp_path).class_names == ("plane", "train")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "has no folders in it"),
        (["a.jpg", "b.jpg"], "has no folders in it"),
        (["train/a.jpg", "train/b.jpg", "test/c.jpg"], "train has no folders in it"),
        (["train/a.jpg"], "train has no folders in it"),
        (["cat/a.jpg", "cat/b.jpg"], "images of one class only, cat"),
        (["cat/a.jpg", "dog/b.txt"], "images of one class only, cat"),
        (["cat/a.txt", "dog/b.txt"], r"nothing to train on in .* \(cat, dog hold no images\)"),
        (["val/cat/a.jpg", "test/dog/b.jpg"], "has test, val but no train"),
        (["train/cat/a.jpg", "train/dog/a.jpg", "val/cat/a.jpg", "dev/cat/a.jpg"], "has dev, val, which are all dev"),
        (["train/cat/a.jpg", "train/dog/a.jpg", "val/eel/a.jpg"], "val has images of eel, of which .*train has none"),
        (["train/cat/a.jpg", "train/dog/a.jpg", "train/eel/a.txt", "test/eel/a.jpg"], "test has images of eel, of"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_a_sentence(tmp_path, files, sentence):
    touch(tmp_path, *files)
    with pytest.raises(UserError, match=sentence) as error:
        list_folder(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_folder_is_refused(tmp_path):
    touch(tmp_path, "file")
    with pytest.raises(UserError, match="does not exist"):
        list_folder(tmp_path / "gone")
    with pytest.raises(UserError, match="is not a folder"):
        list_folder(tmp_path / "file")


@pytest.mark.parametrize("shares", [(-0.1, 0.1), (0.3, 0.3), (float("nan"), 0.1)])
def test_shares_leave_half_to_train_on(tmp_path, shares):
    counted(tmp_path, {"cat": 5, "dog": 5})
    with pytest.raises(UserError, match="together at most"):
        list_folder(tmp_path, dev_share=shares[0], test_share=shares[1])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    counted(tmp_path, {"cat": 2, "dog": 2})
    (tmp_path / "dog").chmod(0)
    try:
        with pytest.raises(UserError, match=r"dog cannot be read .*change its permissions"):
            list_folder(tmp_path)
    finally:
        (tmp_path / "dog").chmod(0o700)


def test_a_listing_without_some_files(tmp_path):
    counted(tmp_path, {"train/cat": 3, "train/dog": 2, "val/cat": 2, "val/dog": 1})
    listing = list_folder(tmp_path)
    gone = [tmp_path / "train/cat/0001.jpg", tmp_path / "val/dog/0000.jpg", tmp_path / "never/was.jpg"]
    less = listing.without(gone)
    assert names(less.train) == ["cat/0000.jpg", "cat/0002.jpg", "dog/0000.jpg", "dog/0001.jpg"]
    assert less.train.labels.tolist() == [0, 0, 1, 1]
    assert less.dev.labels.tolist() == [0, 0]
    assert (less.class_names, less.notes) == (listing.class_names, listing.notes)
    assert len(listing.train) == 5
    with pytest.raises(UserError, match="all 5 training images"):
        listing.without(listing.train.paths)
