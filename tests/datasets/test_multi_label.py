"""Images of any number of classes: from a table, from nested folders, in splits, with what is odd told."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets.held_back import hold_back
from tinyvit.datasets.listing import Files
from tinyvit.datasets.multi_label import list_images, list_multi_label, whole_multi_label
from tinyvit.datasets.scan import scan
from tinyvit.errors import UserError


@pytest.fixture
def put(tmp_path):
    """Writes a small image, of its own colour, and returns its path."""
    count = iter(range(1, 250))

    def at(*names):
        for name in names:
            path = tmp_path / "pics" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (2, 2), (next(count), 0, 0)).save(path)
        return tmp_path / "pics"

    return at


def labels_of(listing, root):
    """Relative path -> names of its classes, of all splits."""
    return {
        os.path.relpath(path, root): {name for name, yes in zip(listing.class_names, row, strict=True) if yes}
        for files in listing.splits.values()
        for path, row in zip(files.paths, files.labels, strict=True)
    }


def write(root, text):
    table = root.parent / "t.csv"
    table.write_text(text)
    return table


def test_all_folders_above_an_image_are_its_classes(put):
    root = put("sea/sunset/1.png", "sea/2.png", "sunset/boat/sea/3.png", "4.png", "boat/5.png")
    listing = list_multi_label(root)
    assert listing.class_names == ("boat", "sea", "sunset")
    assert labels_of(listing, root) == {
        "sea/sunset/1.png": {"sea", "sunset"}, "sea/2.png": {"sea"}, "sunset/boat/sea/3.png": {"boat", "sea", "sunset"},
        "4.png": set(), "boat/5.png": {"boat"},
    }  # fmt: skip
    assert listing.train.labels.dtype == bool
    assert any("5 images of 3 classes (boat, sea, sunset), 1.4 each; 1 of none" in note for note in listing.notes)


@pytest.mark.parametrize("copy", [shutil.copy, os.link, os.symlink])
def test_the_same_file_in_several_folders_is_one_image_of_all(put, copy):
    root = put("sea/1.png", "sun/2.png", "sea/3.png")
    copy(root / "sea/1.png", root / "sun/another name.png")
    listing = list_multi_label(root)
    assert labels_of(listing, root) == {"sea/1.png": {"sea", "sun"}, "sun/2.png": {"sun"}, "sea/3.png": {"sea"}}
    assert any("1 file of train with the same content as another" in note for note in listing.notes)


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "validation", "TEST"), ("seg_train", "seg_val", "seg_test")]
)
def test_splits_are_no_classes(put, names):
    root = put(*(f"{split}/{name}" for split in names for name in ("a/1.png", "a/b/2.png", "3.png")))
    listing = list_multi_label(root)
    assert listing.class_names == ("a", "b")
    assert [len(files) for files in listing.splits.values()] == [3, 3, 3]
    assert [path.parts[len(root.parts)] for files in listing.splits.values() for path in files.paths[:1]] == [*names]


def test_a_split_beside_classes_is_refused(put):
    with pytest.raises(UserError, match="train, which look like splits, beside a: move a into train"):
        list_multi_label(put("train/b/1.png", "train/c/2.png", "a/3.png"))


@pytest.mark.parametrize(("names", "sentence"), [
    (["a/1.png", "a/2.png"], "images of one class only, a: add images without it"),
    (["1.png", "2.png"], "no folders with images, so it names no class"),
])  # fmt: skip
def test_what_teaches_nothing_is_refused(put, names, sentence):
    with pytest.raises(UserError, match=sentence):
        list_multi_label(put(*names))


def test_one_class_and_images_without_it_are_a_yes_or_no(put):
    listing = list_multi_label(put(*(f"a/{k}.png" for k in range(4)), *(f"{k}.png" for k in range(4))))
    assert listing.class_names == ("a",)
    assert all(0 < files.labels.sum() < len(files) or len(files) == 1 for files in listing.splits.values())


def test_a_table_names_files_with_or_without_endings(put):
    root = put("1.png", "2.PNG", "deep/3.jpg")
    table = write(root, "file,labels\n1,sea|sun\n2.PNG,\ndeep\\3.jpg,sun\n")
    assert labels_of(list_multi_label(root, table), root) == {
        "1.png": {"sea", "sun"}, "2.PNG": set(), "deep/3.jpg": {"sun"},
    }  # fmt: skip


def test_a_table_may_spell_accents_and_paths_otherwise(put, monkeypatch):
    root = put("cafe\u0301.png", "deep/2.png", "3.png")
    table = write(root, "file,labels\ncaf\u00e9.png,a\n./deep/../deep/2.png,a|b\n3,b\n")
    monkeypatch.chdir(root / "deep")
    listing = list_multi_label("..", table)
    assert labels_of(listing, root / "deep/..") == {"cafe\u0301.png": {"a"}, "deep/2.png": {"a", "b"}, "3.png": {"b"}}
    assert not any("left out" in note for note in listing.notes)


def test_columns_keep_their_order_and_names_are_sorted(put):
    root = put("1.png", "2.png", "3.png")
    assert list_multi_label(root, write(root, "file,sun,boat\n1.png,1,0\n2.png,0,1\n3.png,0,0\n")).class_names == (
        "sun",
        "boat",
    )
    assert list_multi_label(root, write(root, "file,labels\n1.png,sun\n2.png,boat|sun\n3.png,\n")).class_names == (
        "boat",
        "sun",
    )


def test_a_column_says_the_split(put):
    root = put(*(f"{k}.png" for k in range(5)))
    table = write(
        root, "file,labels,split\n0.png,a,Training\n1.png,b,train_set\n2.png,a,val\n3.png,b,testing\n4.png,a|b,\n"
    )
    listing = list_multi_label(root, table)
    assert [sorted(path.stem for path in files.paths) for files in listing.splits.values()] == [
        ["0", "1", "4"],
        ["2"],
        ["3"],
    ]


def test_folders_say_the_split_where_the_table_does_not(put):
    root = put(*(f"{split}/{k}.png" for split in ("training", "val") for k in range(4)))
    rows = [f"{split}/{k}.png,{'ab'[k % 2]}" for split in ("training", "val") for k in range(4)]
    listing = list_multi_label(root, write(root, "\n".join(rows) + "\n"))
    assert [{path.parts[-2] for path in files.paths} for files in listing.splits.values()] == [
        {"training"},
        {"val"},
        set(),
    ]
    assert any("lie in folders of splits, which were taken" in note for note in listing.notes)
    put("other/9.png")
    with pytest.raises(UserError, match=r"files in folders of splits, and others .*9\.png.*: add a column split"):
        list_multi_label(root, write(root, "\n".join([*rows, "other/9.png,a"]) + "\n"))
    of_column = list_multi_label(
        root, write(root, "file,labels,split\ntraining/0.png,a,val\nval/1.png,b,train\nval/0.png,a,\n")
    )
    assert [path.parts[-2] for path in of_column.dev.paths] == ["training"]
    assert any("1 line of the table names no split: train" in note for note in of_column.notes)


def test_a_split_that_is_none_is_named(put):
    root = put("0.png", "1.png")
    with pytest.raises(UserError, match="names the split later, which is not known: write train, val or test"):
        list_multi_label(root, write(root, "file,labels,split\n0.png,a,train\n1.png,b,later\n"))


def test_lines_of_the_same_file_are_joined_and_told(put):
    root = put("1.png", "2.png")
    listing = list_multi_label(root, write(root, "file,label\n1.png,a\n1.png,b\n./1.png,a\n2.png,b\n"))
    assert labels_of(listing, root)["1.png"] == {"a", "b"}
    assert any("2 lines name a file again" in note for note in listing.notes)
    with pytest.raises(UserError, match=r"1\.png in train and, in line 3, in test: keep one"):
        list_multi_label(root, write(root, "file,label,split\n1.png,a,train\n1.png,b,test\n2.png,a,train\n"))


def test_missing_files_and_images_nobody_named_are_told(put):
    root = put("1.png", "2.png", "extra.png")
    listing = list_multi_label(root, write(root, "file,labels\n1.png,a\n2.png,b|a\ngone.png,c\nalso.png,\n"))
    assert listing.class_names == ("a", "b")  # c is on no image that is there
    assert listing.left_out == 3
    notes = "\n".join(listing.notes)
    assert "2 of the files in" in notes
    assert "gone.png (line 4), also.png (line 5)" in notes
    assert "1 images in" in notes
    assert "extra.png" in notes
    with pytest.raises(UserError, match=r"none of the files that .* is in"):
        list_multi_label(root, write(root, "file,labels\ngone.png,a\n"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1.png\n2.png\n", "names no class"),
        ("file,labels\n1.png,a\n2.png,a\n", "one class only, a"),
        ("file,labels,split\n1.png,a,test\n2.png,b,test\n", "names no images to train on"),
    ],
)
def test_tables_that_teach_nothing_are_refused(put, text, sentence):
    root = put("1.png", "2.png")
    with pytest.raises(UserError, match=sentence):
        list_multi_label(root, write(root, text))


def test_a_table_for_one_class_each_is_told(put):
    root = put("1.png", "2.png", "3.png")
    listing = list_multi_label(root, write(root, "file,labels\n1.png,a\n2.png,b\n3.png,a\n"))
    assert any("exactly one class" in note for note in listing.notes)


def test_to_measure_nothing_is_held_back_or_must_be_learned(put):
    root = put("a/1.png", "a/2.png", "a/3.png", "a/4.png")
    listing, is_split = whole_multi_label(root, [])
    assert not is_split
    assert [len(files) for files in listing.splits.values()] == [0, 0, 4]
    assert listing.train.labels.shape == (0, 1)
    alone, is_split = whole_multi_label(put("x/test/a/1.png", "x/test/2.png") / "x", [])
    assert is_split
    assert [len(files) for files in alone.splits.values()] == [0, 0, 2]


def test_a_folder_that_is_a_class_is_measured_as_that_class(put):
    root = put("sea/1.png", "sea/2.png", "sun/3.png")
    listing, _ = whole_multi_label(root / "sea", ["sun", "sea"])
    assert (listing.class_names, listing.test.labels.tolist()) == (("sea",), [[True], [True]])
    assert any("2 images, all of the class sea" in note for note in listing.notes)
    with pytest.raises(UserError, match="nothing says what its images show"):
        whole_multi_label(root / "sea", ["sun", "boat"])


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(UserError, match="does not exist: give the folder with the images"):
        list_multi_label(tmp_path / "nowhere")


def test_without_multi_label_it_is_the_listing_of_folders(put):
    listing = list_images(put("a/1.png", "b/2.png"))
    assert listing.train.labels.ndim == 1


def test_rare_classes_are_held_back_in_proportion(rng):
    """One image in forty is of the rare class: chance alone would leave dev or test without it every third time."""
    labels = np.zeros((400, 3), bool)
    labels[:, 0] = rng.random(400) < 0.6
    labels[:, 1] = rng.random(400) < 0.4
    labels[rng.permutation(400)[:10], 2] = True
    files = Files(tuple(map(str, range(400))), labels)
    for seed in range(5):
        train, dev, test, _ = hold_back({"train": files}, is_split=False, dev_share=0.2, test_share=0.2, seed=seed)
        assert [split.labels[:, 2].sum() for split in (train, dev, test)] == [6, 2, 2]
        assert sorted(map(int, train.paths + dev.paths + test.paths)) == list(range(400))
        again, *_ = hold_back({"train": files}, is_split=False, dev_share=0.2, test_share=0.2, seed=seed)
        assert again.paths == train.paths


def test_a_class_of_one_image_stays_to_be_learned():
    labels = np.array([[1, 0], [1, 1], [1, 0], [0, 0], [0, 0], [1, 0]], bool)
    train, dev, test, _ = hold_back(
        {"train": Files(tuple("abcdef"), labels)}, is_split=False, dev_share=0.2, test_share=0.2, seed=0
    )
    assert "b" in train.paths
    assert len(dev) == len(test) == 1


def test_scan_counts_every_class_of_a_image(put):
    root = put("a/1.png", "a/b/2.png", "3.png", "b/4.png")
    shutil.copy(root / "a/1.png", root / "c.png")
    table = write(root, "file,labels\na/1.png,a\na/b/2.png,a|b\n3.png,\nb/4.png,b\nc.png,b\n")
    findings = scan(list_multi_label(root, table))
    assert sum(counts.sum() for counts in findings.counts.values()) == 5
    assert [{place.path.name for place in same} for same in findings.contradictions] == [{"1.png", "c.png"}]
