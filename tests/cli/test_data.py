"""`tinyvit data check`: what is wrong with a folder of images is said, and so is that nothing is."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from tinyvit.cli import main


def save(path, *, size=(20, 30), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng([*str(path).encode()]).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(values).convert(mode).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing wrong in it: 4 cats and 8 dogs to train on, 2 and 1 for dev, 1 and 1 to test."""
    for split, cats, dogs in (("train", 4, 8), ("val", 2, 1), ("test", 1, 1)):
        for k in range(cats):
            save(tmp_path / f"pets/{split}/cat/{k}.jpg")
        for k in range(dogs):
            save(tmp_path / f"pets/{split}/Schäferhund 1/{k}.png", size=(40, 50), mode="RGBA" if k % 2 else "L")
    return tmp_path / "pets"


def check(folder, capsys):
    status = main(["data", "check", str(folder)])
    out, err = capsys.readouterr()
    return status, out, err


def test_nothing_is_wrong(folder, capsys):
    status, out, err = check(folder, capsys)
    assert status == 0
    assert err == ""
    rows = [re.split(" {2,}", line) for line in out.splitlines()]
    assert ["class", "train", "dev", "test"] in rows
    assert ["Schäferhund 1", "8", "1", "1"] in rows
    assert ["cat", "4", "2", "1"] in rows
    assert ["total", "12", "3", "2"] in rows
    assert ["height x width", "40 x 50 (10), 20 x 30 (7)"] in rows
    assert ["modes", "RGB (7), L (6), RGBA (4)"] in rows
    assert ["imbalance", "2.0 (Schäferhund 1 8, cat 4)"] in rows
    assert "2 classes, 17 files" in rows[0][0]
    assert out.endswith("\nNothing is wrong.\n")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((6, 6), "none: 6 training images in each class"),
        ((6, 6, 6, 0), "6 training images in each class that has any"),
        ((1, 1), "none: 1 training image in each class"),
        ((7, 6), "1.2 (a 7, b 6)"),
        ((101, 100), "1.0 (a 101, b 100)"),
        ((0, 0), "no image to train on can be read"),
    ],
)
def test_classes_of_equal_size_are_not_set_against_each_other(tmp_path, capsys, counts, words):
    for name, count in zip("abcd", counts, strict=False):
        for k in range(count):
            save(tmp_path / f"train/{name}/{k}.png", size=(4, 4))
        if not count:
            (tmp_path / f"train/{name}").mkdir(parents=True)
            (tmp_path / f"train/{name}/junk.png").write_bytes(b"junk")
        save(tmp_path / f"val/{name}/1.png")
    _, out, _ = check(tmp_path, capsys)
    assert ["imbalance", words] in [re.split(" {2,}", line) for line in out.splitlines()]


def unreadable(folder):
    (folder / "train/cat/words.jpg").write_text("words")
    return "Files that cannot be read (1):", "words.jpg is not an image"


def cut_short(folder):
    path = save(folder / "val/cat/cut.jpg", size=(200, 200))
    path.write_bytes(path.read_bytes()[:9000])
    return "Files that cannot be read (1):", "cut.jpg is damaged"


def seen_before(folder):
    shutil.copy(folder / "train/cat/1.jpg", folder / "test/cat/again.jpg")
    return "Duplicates across splits (data leakage) (1):", "test/cat/again.jpg = "


def of_two_classes(folder):
    shutil.copy(folder / "train/cat/1.jpg", folder / "train/Schäferhund 1/again.jpg")
    return "Duplicates in several classes (1):", "/again.jpg = "


def empty_class(folder):
    (folder / "train/eel").mkdir()
    return "Classes without a training image (1):", "  eel"


def nothing_seen(folder):
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(folder / "train/cat/clear.png")
    return "Transparent images of which nothing can be seen (1):", "clear.png"


def almost_the_same_name(folder):
    save(folder / "train/Cat/1.jpg")
    save(folder / "train/Cat/2.jpg")
    save(folder / "train/cat /1.jpg")
    save(folder / "train/cat /2.jpg")
    return "Classes that have almost the same name (1):", "  'Cat', 'cat', 'cat '"


def mostly_left_out(folder):
    for k in range(20):
        (folder / f"train/cat/{k}.cr2").touch()
    return "Most files are left out (1):", "20 of 37"


def heic_that_cannot_be_read(folder):
    (folder / "val/cat/IMG.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    return "Files that cannot be read (1):", "IMG.HEIC"


@pytest.mark.parametrize(
    "spoil",
    [
        *(unreadable, cut_short, seen_before, of_two_classes, empty_class),
        *(nothing_seen, almost_the_same_name, mostly_left_out, heic_that_cannot_be_read),
    ],
)
def test_what_is_wrong_is_said_and_the_status_is_1(folder, capsys, spoil):
    heading, line = spoil(folder)
    status, out, err = check(folder, capsys)
    assert status == 1
    assert err == ""
    lines = out.splitlines()
    (place,) = [number for number, text in enumerate(lines) if heading in text]
    assert line in lines[place + 1]
    assert lines[-1] == lines[place + 1]  # and nothing else is wrong
    assert "Nothing is wrong" not in out


def test_copies_in_one_class_are_not_wrong_but_notes_are_said(folder, capsys):
    shutil.copy(folder / "train/cat/1.jpg", folder / "train/cat/copy.jpg")
    shutil.rmtree(folder / "test")
    (folder / "train/cat/list.txt").touch()
    status, out, _ = check(folder, capsys)
    assert status == 0
    assert "note: There is no test split" in out
    assert re.search(r"note: Files in .* left out: \.txt \(1\)\.", out)


def test_all_images_of_a_class_unreadable(folder, capsys):
    for path in (folder / "train/cat").iterdir():
        path.write_bytes(b"")
    status, out, _ = check(folder, capsys)
    assert status == 1
    assert "Files that cannot be read (4):" in out
    assert "Classes without a training image (1):\n  cat\n" in out
    for path in (folder / "train/Schäferhund 1").iterdir():
        path.write_bytes(b"")
    assert "no image to train on can be read" in check(folder, capsys)[1]


def test_spaces_around_a_name_are_shown(folder, capsys):
    almost_the_same_name(folder)
    assert re.search(r"^'cat ' +2 +0 +0$", check(folder, capsys)[1], re.MULTILINE)


def test_a_long_list_is_cut(folder, capsys):
    for k in range(35):
        (folder / f"train/cat/no{k}.jpg").touch()
        (folder / f"train/cat/{k}.png").unlink(missing_ok=True)
        save(folder / f"train/cat/{k}.bmp", size=(1, 5 + k))
    _, out, _ = check(folder, capsys)
    assert out.count("is not an image") == 20
    assert out.endswith("  and 15 more\n")
    assert re.search(r"height x width .* and 32 more \(32\)\n", out)


def test_names_cannot_steer_the_terminal(folder, capsys):
    (folder / "train/cat/\x1b[2J\n.jpg").touch()
    (folder / "train/\x1b[31mred").mkdir()
    _, out, _ = check(folder, capsys)
    assert "\x1b" not in out
    assert "\\x1b[2J\\n.jpg is not an image" in out
    assert "\n  \\x1b[31mred\n" in out


@pytest.mark.parametrize("name", ["", "gone", "pets/train/cat"])
def test_a_folder_that_is_no_data_set_gets_one_sentence(folder, capsys, monkeypatch, name):
    monkeypatch.chdir(folder.parent)
    try:
        status = main(["data", "check", name])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_without_an_action_it_shows_what_there_is(capsys):
    assert main(["data"]) == 0
    assert "check" in capsys.readouterr().out


def test_ctrl_c_stops_it(folder, capsys, monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyvit.datasets.scan.glance_at", interrupt)
    assert check(folder, capsys)[0] == 130


def test_the_installed_command_says_nothing_on_stderr(folder, tinyvit):
    result = tinyvit("data", "check", folder)
    assert result.returncode == 0
    assert result.stderr == ""
    assert "Nothing is wrong." in result.stdout


@pytest.mark.parametrize(
    "spoil", [unreadable, nothing_seen, mostly_left_out, lambda folder: (folder / "val/dog.gif").touch()]
)
def test_strict_makes_what_is_left_out_an_error(folder, capsys, spoil):
    assert main(["data", "check", str(folder), "--strict"]) == 0
    spoil(folder)
    assert main(["data", "check", str(folder), "--strict"]) == 2
    err = capsys.readouterr().err
    assert "--strict forbids that" in err
    assert err.count("\n") == 1


def test_what_looks_like_splits_is_no_data_set(folder, capsys):
    (folder / "train").rename(folder / "one")
    (folder / "val").rename(folder / "two")
    (folder / "test").rename(folder / "three")
    status, out, err = check(folder, capsys)
    assert (status, out) == (2, "")
    assert "so they look like splits: call them train, val and test" in err


@pytest.mark.parametrize("number", [2, 3, 40])
def test_too_few_images_to_train_on_are_wrong(tmp_path, capsys, number):
    for k in range(number):
        save(tmp_path / f"few/{k}/only.png")
    status, out, _ = check(tmp_path / "few", capsys)
    assert status == 1
    assert (
        f"It cannot be trained on (1):\n  there are too few images to hold some back for the dev split, by which the best epoch is chosen ({number} in {number} classes)"
        in out
    )


@pytest.mark.parametrize("way", ["table", "folders"])
def test_images_of_any_number_of_classes(tmp_path, capsys, way):
    root = tmp_path / "pets"
    for k in range(8):
        save(root / ("train", "val")[k % 2] / ("cat/young", "cat", "", "young")[k // 2] / f"{k}.png")
    flags = ["--multi-label"]
    if way == "table":
        names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
        rows = [f"{name},{'|'.join(name.split('/')[1:-1])},{name.split('/')[0]}" for name in names]
        (tmp_path / "t.csv").write_text("\n".join(["file,labels,split", *rows]) + "\n")
        flags = ["--labels", str(tmp_path / "t.csv")]
    assert main(["data", "check", str(root), *flags]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cat", "2", "2", "0"] in table
    assert ["young", "2", "2", "0"] in table
    assert ["labels", "4", "4", "0"] in table  # of 8 images, two of two classes and two of none


def test_the_same_image_with_different_labels_is_wrong(tmp_path, capsys):
    for name in ("1", "2", "3"):
        save(tmp_path / f"pets/{name}.png")
    shutil.copy(tmp_path / "pets/1.png", tmp_path / "pets/4.png")
    (tmp_path / "t.csv").write_text("file,labels\n1,cat\n2,dog\n3,\n4,cat|dog\n")
    assert main(["data", "check", str(tmp_path / "pets"), "--labels", str(tmp_path / "t.csv")]) == 1
    assert "Duplicates with different labels (1):" in capsys.readouterr().out
