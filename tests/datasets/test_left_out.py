"""What machines and runs leave among images is left out at every depth, and everything that is left out is told."""

import os

import pytest

from tests.support.folders import touch, tree
from tinyvit.datasets.image_folder import list_folder
from tinyvit.datasets.left_out import LeftOut, forbid
from tinyvit.errors import UserError

JUNK = ["__MACOSX/cat/._0.jpg", "@eaDir/0.jpg/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/x.png", "Thumbs.db", "desktop.ini"]
HIDDEN = [".ipynb_checkpoints/a.jpg", ".git/config", ".DS_Store", "._cat.jpg", "lost+found/", "__pycache__/m.pyc"]


@pytest.mark.parametrize("layout", ["classes", "splits"])
@pytest.mark.parametrize("where", ["", "place", "class"])
@pytest.mark.parametrize("junk", [*JUNK, *HIDDEN])
def test_what_machines_leave_is_left_out_and_told(tmp_path, layout, where, junk):
    places = ["train", "val", "test"] if layout == "splits" else ["."]
    tree(tmp_path, places, ["cat", "dog"], count=8)
    where = {"": ".", "place": places[0], "class": f"{places[0]}/cat"}[where]
    touch(tmp_path / where, junk)
    listing = list_folder(tmp_path)
    assert listing.class_names == ("cat", "dog")
    assert sum(map(len, listing.splits.values())) == 16 * len(places)
    assert f"Left out as hidden or made by machines: {junk.split('/')[0]}." in listing.notes
    assert listing.left_out == 0


@pytest.mark.parametrize("layout", ["classes", "splits"])
@pytest.mark.parametrize(
    "run",
    [
        ["runs/photos-1/config.json", "runs/photos-1/best/model.safetensors", "runs/photos-1/figures/curves.png"],
        ["out/config.json", "out/metrics.jsonl", "out/figures/confusion.png"],
        ["all/my/runs/a/config.json", "all/my/runs/a/last/config.json", "all/my/runs/a/figures/a.png"],
        ["vit/config.json", "vit/model.safetensors", "vit/example.jpg"],
    ],
)
def test_runs_and_models_among_images_are_left_out_and_told(tmp_path, layout, run):
    tree(tmp_path, ["train", "val", "test"] if layout == "splits" else ["."], ["cat", "dog"])
    touch(tmp_path, *run)
    listing = list_folder(tmp_path)
    assert listing.class_names == ("cat", "dog")
    assert f"Left out as runs or models, not training images: {run[0].split('/')[0]}." in listing.notes
    touch(tmp_path / "train/cat" if layout == "splits" else tmp_path / "cat", *run)
    again = list_folder(tmp_path)
    assert [files.paths for files in again.splits.values()] == [files.paths for files in listing.splits.values()]


@pytest.mark.parametrize(
    "files",
    [
        ["best/1.jpg", "last/1.jpg"],
        ["cat/config.json", "cat/1.jpg", "dog/1.jpg"],
        ["runs/1.jpg", "walks/1.jpg"],
        ["cat/best/1.jpg", "dog/best/1.jpg"],
        ["thumbs/1.jpg", "desktop/1.jpg", "cvs receipts/1.jpg"],
    ],
)
def test_classes_that_might_be_taken_for_such_remain(tmp_path, files):
    touch(tmp_path, *files)
    listing = list_folder(tmp_path, dev_share=0, test_share=0)
    assert len(listing.class_names) == len({file.split("/")[0] for file in files})
    assert len(listing.train) == sum(file.endswith(".jpg") for file in files)


@pytest.mark.slow
def test_runs_are_found_however_deep(tmp_path, monkeypatch):
    tree(tmp_path, ["."], ["cat", "dog"])
    monkeypatch.chdir(tmp_path)
    depth = 1050  # more than Python would descend
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    monkeypatch.chdir(tmp_path)
    assert list_folder(".").class_names == ("cat", "d", "dog")
    touch(tmp_path, "d/config.json", "d/metrics.jsonl")
    assert list_folder(".").class_names == ("cat", "dog")
    os.rename("/".join("d" * (depth // 2)), "half")  # or else pytest cannot delete it, and ends with a traceback later


def test_folders_that_lead_back_to_themselves_hold_no_runs(tmp_path):
    tree(tmp_path, ["."], ["cat", "dog"])
    (tmp_path / "loop/a").mkdir(parents=True)
    (tmp_path / "loop/a/back").symlink_to(tmp_path / "loop")
    assert list_folder(tmp_path).class_names == ("cat", "dog", "loop")


def test_everything_else_is_counted_and_the_first_are_named(tmp_path):
    touch(
        tmp_path, "1.jpg", *(f"a/{k}.mp4" for k in range(7)), "a/b/x.CR2", "a/c/none", "a/c/y.cr2", "2.HEIC", ".x.png"
    )
    left_out = LeftOut(tmp_path)
    assert [path.name for path in left_out.images_in(tmp_path)] == ["1.jpg", "2.HEIC"]
    assert left_out.count == 10
    hidden, others = left_out.notes()
    assert hidden == "Left out as hidden or made by machines: .x.png."
    assert others == (
        f"Files in {tmp_path} whose names do not end as those of images do, left out: .mp4 (7), .cr2 (2), no ending (1). "
        "The first: a/0.mp4, a/1.mp4, a/2.mp4, a/3.mp4, a/4.mp4 and 5 more."
    )
    list(left_out.images_in(tmp_path))
    assert (left_out.count, left_out.notes()) == (10, [hidden, others])  # met twice, told once


def test_what_is_left_out_may_be_forbidden():
    forbid(0)
    with pytest.raises(UserError, match=r"1 file was left out .* --strict forbids"):
        forbid(1)
    with pytest.raises(UserError, match=r"2,000 files were left out"):
        forbid(2000)
