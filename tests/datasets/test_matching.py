"""Which folder means which class of a model that has its classes already."""

from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets.listing import Files, Listing
from tinyvit.datasets.matching import in_order_of
from tinyvit.errors import UserError


def files(*labels):
    return Files(tuple(Path(f"{number}.png") for number in range(len(labels))), np.array(labels, np.int64))


LISTING = Listing(("cat", "dog"), files(0, 0, 1), files(1), files(), ("a note",))


def test_labels_mean_the_models_classes():
    matched = in_order_of(["ape", "dog", "bee", "cat"], LISTING)
    assert matched.class_names == ("ape", "dog", "bee", "cat")
    assert [files.labels.tolist() for files in matched.splits.values()] == [[3, 3, 1], [1], []]
    assert matched.train.labels.dtype == np.int64
    assert matched.train.paths == LISTING.train.paths
    assert matched.notes == ("a note",)
    assert LISTING.train.labels.tolist() == [0, 0, 1]  # as it was


@pytest.mark.parametrize(("names", "strange"), [(["cat", "Dog"], "dog"), (["cat", "dog", "cat"], "cat")])
def test_both_sides_are_shown_where_names_differ_or_collide(names, strange):
    with pytest.raises(UserError) as caught:
        in_order_of(names, LISTING)
    message = str(caught.value)
    assert "the folder: cat, dog;" in message
    assert f"the model: {', '.join(names)};" in message
    assert f"not one class of the model: {strange})" in message


def test_a_thousand_names_are_not_all_shown():
    with pytest.raises(UserError, match="0, 1, 2, 3, 4 and 995 more"):
        in_order_of(list(map(str, range(1000))), LISTING)


@pytest.mark.parametrize(
    ("folder", "model"), [("cafe\u0301", "caf\xe9"), ("caf\xe9", "cafe\u0301"), ("T-shirt_top", "T-shirt/top")]
)
def test_names_that_a_file_system_writes_otherwise(folder, model):
    listing = LISTING._replace(class_names=("cat", folder), left_out=3)
    matched = in_order_of(["ape", model, "cat"], listing)
    assert matched.class_names == ("ape", model, "cat")
    assert matched.train.labels.tolist() == [2, 2, 1]
    assert matched.left_out == 3
    with pytest.raises(UserError, match="not one class of the model"):
        in_order_of([model, folder, "cat"], listing)  # either could be meant


def test_of_several_classes_each_goes_to_its_column():
    rows = np.array([[True, False], [True, True], [False, False]])
    several = LISTING._replace(
        train=Files(LISTING.train.paths, rows), dev=Files((), rows[:0]), test=Files((), rows[:0])
    )
    matched = in_order_of(["ape", "dog", "bee", "cat"], several)
    assert [np.flatnonzero(row).tolist() for row in matched.train.labels] == [[3], [1, 3], []]
    assert matched.dev.labels.shape == (0, 4)
    with pytest.raises(UserError, match="and images of none of them belong to no folder"):
        in_order_of(["ape", "dog"], several)
