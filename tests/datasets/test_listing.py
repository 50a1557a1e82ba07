"""What a listing lacks is said before anybody trains on it."""

import numpy as np
import pytest

from tinyvit.datasets.image_folder import list_folder
from tinyvit.datasets.listing import gaps
from tinyvit.errors import UserError


@pytest.fixture
def pictures(tmp_path):
    def make(**counts):
        for place, classes in counts.items():
            for name, count in classes.items():
                folder = tmp_path / place / name
                folder.mkdir(parents=True)
                for k in range(count):
                    (folder / f"{k}.jpg").touch()
        return tmp_path

    return make


@pytest.mark.parametrize("number", [2, 3, 300])
def test_one_image_of_each_class_leaves_none_for_dev(tmp_path, number):
    for k in range(number):
        (tmp_path / str(k)).mkdir()
        (tmp_path / f"{k}/only.png").touch()
    with pytest.raises(
        UserError, match=rf"too few images .* \({number} in {number} classes\): add more, or a folder val"
    ):
        list_folder(tmp_path).without([])


@pytest.mark.parametrize("places", [("train", "val"), ("Training", "Validation", "Testing")])
def test_a_dev_split_that_cannot_be_read_is_refused(pictures, places):
    listing = list_folder(pictures(**{place: {"cat": 3, "dog": 3} for place in places}))
    assert len(listing.without(listing.dev.paths[:5]).dev) == 1
    with pytest.raises(UserError, match="none of the 6 images of the dev split can be read"):
        listing.without(listing.dev.paths)


def test_an_empty_folder_for_dev_is_no_split(pictures):
    root = pictures(train={"cat": 9, "dog": 9}, val={"cat": 0, "dog": 0})
    listing = list_folder(root).without([])
    assert len(listing.dev)
    assert any("There are no images in a folder val" in note for note in listing.notes)


def test_classes_that_splits_lack():
    counts = {"train": np.array([0, 1, 1, 9]), "dev": np.array([0, 2, 0, 0]), "test": np.array([0, 0, 0, 0])}
    assert gaps(["ape", "bee", "cat", "dog"], counts) == [
        "Nothing to train on in the class ape.",
        "Only one image to train on in the classes bee, cat.",
        "The dev split says nothing of the classes cat, dog.",
    ]
