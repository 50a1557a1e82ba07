"""Names that mean splits are known in any usual spelling, and names of classes are not taken for such."""

import pytest

from tinyvit.datasets.split_names import classes_in_names, splits_among


@pytest.mark.parametrize(
    ("train", "dev", "test"),
    [
        ("train", "val", "test"),
        ("TRAIN", "Dev", "Test"),
        ("Training", "Validation", "Testing"),
        ("training_set", "validation-set", "test set"),
        ("TrainSet", "ValSet", "TestSet"),
        ("trainset", "devset", "testset"),
        ("train_images", "valid_images", "test_images"),
        ("Training Data", "Validation Data", "Testing Data"),
        ("seg_train", "seg_val", "seg_test"),
        ("chest_xray_train", "chest_xray_val", "chest_xray_test"),
        ("flowersTrain", "flowersVal", "flowersTest"),
        ("train-2021", "val-2021", "test-2021"),
        ("train2017", "val2017", "test2018"),
        ("01_train", "02_val", "03_test"),
        ("training", "validation", "evaluation"),
        ("train", "eval", "test"),
        ("dataset.train", "dataset.dev", "dataset.holdout"),
    ],
)
def test_splits_of_many_names(train, dev, test):
    names = sorted([train, dev, test, "annotations", "seg_pred"])
    assert splits_among(names) == {"train": [train], "dev": [dev], "test": [test]}
    assert classes_in_names(names) == []


@pytest.mark.parametrize(
    "names",
    [
        ["train_station", "airport", "bridge"],
        ["test_tube", "flask", "train_station"],
        ["trained", "untrained"],
        ["contest", "protest", "latest"],
        ["valley", "interval", "invalid"],
        ["training_shoe", "boot"],
        ["cats", "dogs"],
        ["0", "1", "2"],
        ["test_positive", "test_negative"],
        ["train_test"],
        [],
    ],
)
def test_names_that_mean_no_split(names):
    assert splits_among(names) == {}
    assert classes_in_names(names) == []


def test_without_another_eval_is_the_test_split():
    assert splits_among(["eval", "train"]) == {"train": ["train"], "test": ["eval"]}
    assert splits_among(["evaluation", "training", "validation"])["test"] == ["evaluation"]


def test_several_names_of_one_split_are_all_told():
    assert splits_among(["dev", "train", "val"])["dev"] == ["dev", "val"]


@pytest.mark.parametrize(
    "names",
    [
        ["cats_train", "cats_test", "dogs_train", "dogs_test"],
        ["trainA", "trainB", "testA", "testB"],
        ["0-train", "0-val", "7-train", "7-val"],
        ["Train Red Apple", "Test Red Apple", "Train Pear", "Test Pear", "notes"],
    ],
)
def test_classes_and_splits_in_one_name(names):
    assert sorted(classes_in_names(names)) == sorted(set(names) - {"notes"})
