"""How folders are arranged is recognised, or said to be unclear; nothing is taken for classes that is none."""

import pytest

from tests.support.folders import touch, tree
from tinyvit.datasets.image_folder import list_folder
from tinyvit.errors import UserError

PETS = ["cat", "dog"]


def labels(listing):
    return {split: len(files) for split, files in listing.splits.items()}


@pytest.mark.parametrize(
    ("train", "dev", "test"),
    [
        ("Training", "Validation", "Testing"),
        ("seg_train", "seg_val", "seg_test"),
        ("seg_train/seg_train", "seg_dev/seg_dev", "seg_test/seg_test"),
        ("chest_xray_train", "chest_xray_val", "chest_xray_test"),
        ("train-2021", "val-2021", "test-2021"),
        ("Training Data", "Dev Data", "Test Data"),
    ],
)
def test_splits_of_other_names_are_taken_and_told(tmp_path, train, dev, test):
    tree(tmp_path, [train, dev, test], PETS)
    listing = list_folder(tmp_path)
    assert listing.class_names == ("cat", "dog")
    assert labels(listing) == {"train": 4, "dev": 4, "test": 4}
    top = [name.split("/")[0] for name in (train, dev, test)]
    assert listing.notes == (f"Taken for splits: {top[0]} as train, {top[1]} as dev, {top[2]} as test.",)


@pytest.mark.parametrize("extra", ["seg_pred/1.jpg", "unlabelled/1/2.jpg", "readme/a.txt", "Docs/"])
def test_what_stands_beside_splits_is_left_out_and_told(tmp_path, extra):
    tree(tmp_path, ["train", "test"], PETS)
    touch(tmp_path, extra)
    listing = list_folder(tmp_path)
    assert listing.class_names == ("cat", "dog")
    pictures = " (1 image)" if extra.endswith(".jpg") else ""
    assert (
        f"Beside the folders of the splits there are others, left out: {extra.split('/')[0]}{pictures}."
        in listing.notes
    )
    assert listing.left_out == extra.endswith(".jpg")


@pytest.mark.parametrize(
    ("places", "files", "sentence"),
    [
        # a split beside classes
        (["test"], ["cat/1.jpg", "dog/1.jpg"], "test, which looks like a split, beside cat, dog"),
        (["Training Set"], ["cat/1.jpg", "dog/1.jpg"], "Training Set, which looks like a split, beside cat, dog"),
        (["train", "val"], ["Dog/1.jpg"], "train, val, which looks like a split, beside Dog"),
        (["valid"], ["lion/1.jpg", "tiger/1.jpg"], "valid, which looks like a split, beside lion, tiger"),
        (["train"], ["lion/1.jpg", "tiger/1.jpg"], "rename train, if it is a class"),
        # splits of names that nobody knows
        (["alpha", "beta"], [], "alpha, beta in .* hold folders of the same names .cat, dog."),
        (["fold_1", "fold_2", "fold_3", "fold_4", "fold_5", "fold_6", "fold_7"], [], "so they look like splits"),
        (["Alice", "Bob"], ["Alice/eel/1.jpg"], "so they look like splits: call them train, val and test"),
        (["train", "vault"], [], "train and vault, which hold folders of the same names"),
        (["train", "val", "test_v2"], [], "train, val and test_v2, which hold folders of the same names"),
        # the other way round
        (["ape/train", "bee/train", "ape/test", "bee/test"], [], "ape, bee in .* hold the splits"),
        # in one name
        ([], ["cat_train/1.jpg", "cat_test/1.jpg", "dog_train/1.jpg", "dog_test/1.jpg"], "by class and split in one"),
        # further inside
        (["archive/dataset/train", "archive/dataset/test"], [], "give .*/archive/dataset$"),
        (["data/pets"], ["docs/readme.txt", "__MACOSX/data/pets/cat/._1.jpg"], "give .*/data/pets$"),
        (["pets"], ["empty/"], "give .*/pets$"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_the_way_out(tmp_path, places, files, sentence):
    tree(tmp_path, places, PETS)
    touch(tmp_path, *files)
    with pytest.raises(UserError, match=sentence) as error:
        list_folder(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("files", "classes"),
    [
        (["train/1.jpg", "test/1.jpg", "plane/1.jpg"], ["plane", "test", "train"]),
        (["train/1.jpg", "bus/1.jpg", "val/1.jpg"], ["bus", "train", "val"]),
        (["valid/1.jpg", "invalid/1.jpg"], ["invalid", "valid"]),
        (["valid/x/1.jpg", "invalid/y/1.jpg"], ["invalid", "valid"]),
        (["train 1/1.jpg", "train 2/1.jpg"], ["train 1", "train 2"]),
        (["train_station/1.jpg", "test_tube/in/1.jpg", "bridge/1.jpg"], ["bridge", "test_tube", "train_station"]),
        (["cat/kittens/1.jpg", "dog/puppies/1.jpg"], ["cat", "dog"]),
        (["cat/2020/1.jpg", "cat/2021/1.jpg", "dog/2020/1.jpg", "dog/2021/1.jpg"], ["cat", "dog"]),
        (["cat/left/1.jpg", "cat/right/1.jpg", "dog/left/1.jpg", "dog/right/1.jpg"], ["cat", "dog"]),
        (["cat/images/1.jpg", "dog/images/1.jpg"], ["cat", "dog"]),
        (["cat/a/1.jpg", "cat/b/1.jpg", "cat/1.jpg", "dog/a/1.jpg", "dog/b/1.jpg"], ["cat", "dog"]),
        ([f"s{k}/{mood}/1.jpg" for k in range(9) for mood in ("glad", "sad")], [f"s{k}" for k in range(9)]),
    ],
)
def test_classes_that_might_be_taken_for_splits_remain_classes(tmp_path, files, classes):
    touch(tmp_path, *files)
    listing = list_folder(tmp_path, dev_share=0, test_share=0)
    assert list(listing.class_names) == classes
    assert len(listing.train) == len(files)


def test_what_was_guessed_of_classes_is_told(tmp_path):
    touch(tmp_path, "train/1.jpg", "test/1.jpg", "plane/1.jpg")
    assert "Taken for classes, not for splits: train, test." in list_folder(tmp_path).notes
    touch(tmp_path / "b", "cat/2020/1.jpg", "cat/2021/1.jpg", "dog/2020/1.jpg", "dog/2021/1.jpg")
    assert (
        "Each class has the folders 2020, 2021, and the images in them were taken together."
        in list_folder(tmp_path / "b").notes
    )
