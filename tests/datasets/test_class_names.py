"""Classes are called as their folders in every locale and spelling, and look-alikes are found."""

import os
import subprocess
import sys
import unicodedata

import pytest

from tests.support.folders import touch, tree
from tinyvit.config.run import dataset_name
from tinyvit.datasets.class_names import class_name, look_alike
from tinyvit.datasets.image_folder import list_folder
from tinyvit.errors import UserError
from tinyvit.training import FinetuneConfig

LINUX = sys.platform == "linux"  # elsewhere, names of files are text


@pytest.mark.skipif(not LINUX, reason="names of files are text here")
@pytest.mark.parametrize("place", [b".", b"train"])
@pytest.mark.parametrize(
    ("name", "shown", "perhaps"),
    [
        (b"caf\xe9", r"caf\xe9", ", perhaps to café"),
        (b"\xfcber", r"\xfcber", ", perhaps to über"),
        (b"caf\x82", r"caf\x82", ", perhaps to caf‚"),
        (b"\x8d", r"\x8d", ""),
        (b"cut \xc3", r"cut \xc3", ", perhaps to cut Ã"),
    ],
)
def test_a_name_that_is_no_utf8_is_refused_with_the_way_out(tmp_path, place, name, shown, perhaps):
    tree(tmp_path, [place.decode()], ["dog"])
    folder = os.fsencode(tmp_path) + b"/" + place + b"/" + name
    os.mkdir(folder)
    open(folder + b"/1.jpg", "w").close()
    with pytest.raises(UserError) as error:
        list_folder(tmp_path)
    assert f"the name of the folder {shown} in {tmp_path / place.decode()} is not UTF-8" in str(error.value)
    assert str(error.value).endswith(f"rename the folder{perhaps}")
    str(error.value).encode()  # can be printed


@pytest.mark.process
@pytest.mark.skipif(not LINUX, reason="names of files are text here")
def test_names_are_the_same_in_a_locale_without_their_letters(tmp_path):
    tree(tmp_path, ["."], ["café", "日本"])
    code = "import sys; from tinyvit.datasets.image_folder import list_folder; print(ascii(list_folder(sys.argv[1]).class_names))"
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    shown = subprocess.run([sys.executable, "-c", code, tmp_path], env=environment, capture_output=True, text=True)
    assert shown.stdout.strip() == ascii(("café", "日本")), shown.stderr


@pytest.mark.parametrize("name", ["café", "Ångström", "각", "Việt"])
def test_accents_may_be_stored_either_way(tmp_path, name):
    composed, split = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert composed != split
    tree(tmp_path, ["train"], [split, "tea"])
    tree(tmp_path, ["val"], [composed, "tea"], count=1)
    listing = list_folder(tmp_path)
    assert listing.class_names == tuple(sorted([split, "tea"]))  # as train has it
    assert sorted(listing.dev.labels) == [0, 1]
    assert any(note.startswith(f"{composed} is written in 2 ways") for note in listing.notes)


@pytest.mark.skipif(not LINUX, reason="other systems keep one of the two")
def test_two_spellings_side_by_side_are_one_class(tmp_path):
    tree(tmp_path, ["."], [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")] + ["a"])
    listing = list_folder(tmp_path, dev_share=0, test_share=0)
    assert len(listing.class_names) == 2
    assert len(listing.train) == 6


def test_one_spelling_stays_as_it_is(tmp_path):
    name = unicodedata.normalize("NFD", "é")
    tree(tmp_path, ["train", "val", "test"], [name, "tea"])
    listing = list_folder(tmp_path)
    assert listing.class_names == (name, "tea")
    assert listing.notes == ()


@pytest.mark.parametrize(
    "alike",
    [
        ("cats", "cats "), ("Dogs", "dogs"), (" a b", "a_b", "a-b"), ("Hot  dog", "hot dog"), ("cat", "c\u200bat"),
        ("ﬁg", "fig"), ("STRASSE", "straße"), ("A", "A "), ("１０", "10"),
    ],
)  # fmt: skip
def test_look_alikes(alike):
    assert look_alike([*alike, "other", "an other"]) == [alike]


@pytest.mark.parametrize("names", [("A", "a"), ("cat", "cats"), ("1 0", "10"), ("hotdog", "hot dog"), ("é", "e"), ()])
def test_names_that_differ(names):
    assert look_alike(names) == []


def test_the_way_out_where_splits_write_a_class_differently(tmp_path):
    tree(tmp_path, ["train"], ["Cats", "dogs"])
    tree(tmp_path, ["val"], ["cats", "dogs"])
    with pytest.raises(
        UserError, match=r"val has images of cats, of which .*train has none \(but of Cats\): .* rename"
    ):
        list_folder(tmp_path)


def test_a_class_is_called_as_its_folder(tmp_path):
    touch(tmp_path, "-rf $HOME/")
    assert class_name(tmp_path / "-rf $HOME") == "-rf $HOME"


@pytest.mark.skipif(not LINUX, reason="names of files are text here")
def test_a_folder_whose_name_is_no_utf8_still_names_a_data_set(tmp_path):
    assert dataset_name(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9j\xe0 vu")) == "d_j_ vu"
    assert dataset_name(tmp_path / "日本/..") == tmp_path.name
    assert FinetuneConfig(data_dir=str(tmp_path / "photos")).dataset_name == "photos"
