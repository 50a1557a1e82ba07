"""Folders of images and masks: how they may be arranged, and each way in which they may be wrong, in one sentence."""

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets.mask_folder import is_mask_folder, list_masks, read_mask
from tinyvit.datasets.scene_files import scene_arrays
from tinyvit.errors import UserError
from tinyvit.images.processor import ImageProcessor

PALETTE = [0, 0, 0, 200, 30, 30, 30, 200, 30] + [0] * 759


def write_pair(images, masks, name, mask=None, *, size=(6, 8), mode="RGB", ending=".jpg", mask_name=None):
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(name))
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(images / f"{name}{ending}")
    mask = np.arange(size[0] * size[1]).reshape(size) % 3 if mask is None else mask
    palette = Image.frombytes("P", size[::-1], np.asarray(mask, np.uint8).tobytes())
    palette.putpalette(PALETTE)
    palette.save(masks / f"{mask_name or name}.png")


@pytest.fixture
def folder(tmp_path):
    for name in ("cat", "dog", "eel", "fox"):
        write_pair(tmp_path / "images", tmp_path / "masks", name)
    return tmp_path


def arrays(files, size=(6, 8), channels=3):
    return scene_arrays(files, ImageProcessor(in_chans=channels, size=size), "toy", read_mask)


def test_images_and_masks_side_by_side(folder):
    files = list_masks(folder)
    assert files.class_names == ("0", "1", "2")
    assert {split: len(scenes) for split, scenes in files.splits.items()} == {"train": 3, "dev": 1, "test": 1}
    assert dict(files.sizes) == {(6, 8): 4}
    assert [note.split(" ", 4)[3] for note in files.notes] == ["classes.txt,", "split", "split"]
    dataset = arrays(files)
    assert dataset.train.images.shape == (3, 3, 6, 8)
    assert (dataset.train.labels.shape, dataset.train.labels.dtype) == ((3, 6, 8), np.uint8)
    np.testing.assert_array_equal(dataset.train.labels[0], np.arange(48).reshape(6, 8) % 3)
    assert dataset.test is dataset.dev
    assert dataset.notes == files.notes


@pytest.mark.parametrize(
    "places",
    [
        {"train": ("train/images", "train/masks"), "dev": ("val/images", "val/masks"), "test": ("test/images", "test/masks")},
        {"train": ("images/training", "annotations/training"), "dev": ("images/validation", "annotations/validation")},
        {"train": ("JPEGImages/train", "SegmentationClass/train"), "dev": ("JPEGImages/dev", "SegmentationClass/dev"), "test": ("JPEGImages/test", "SegmentationClass/test")},
        {"train": ("Training/imgs", "Training/labels"), "test": ("Testing/imgs", "Testing/labels")},
    ],
)  # fmt: skip
def test_splits_in_either_order(places, tmp_path):
    for number, (split, (images, masks)) in enumerate(places.items()):
        for index in range(2 + number):
            write_pair(tmp_path / images, tmp_path / masks, f"{split}-{index}")
    (tmp_path / "classes.txt").write_text("sky\ncat\ndog\n\n")
    files = list_masks(tmp_path)
    counts = {split: len(scenes) for split, scenes in files.splits.items()}
    wanted = {split: 2 + number for number, split in enumerate(places)}
    if "dev" not in wanted:
        wanted |= {"train": 1, "dev": 1}
    assert counts == {"test": wanted["dev"]} | wanted
    assert files.class_names == ("sky", "cat", "dog")
    assert is_mask_folder(tmp_path)


def test_names_of_masks_may_say_so(tmp_path):
    for name in ("a", "b"):
        write_pair(tmp_path / "img", tmp_path / "gt", name, mask_name=f"{name}_mask", ending=".png", mode="L")
    files = list_masks(tmp_path)
    assert files.modes == {"L": 2}


def test_what_has_no_partner_is_told(folder):
    (folder / "masks" / "dog.png").unlink()
    (folder / "images" / "fox.jpg").unlink()
    notes = list_masks(folder).notes
    assert any("1 images have no mask and are left out: dog." in note for note in notes)
    assert any("1 masks have no image and are left out: fox." in note for note in notes)


def test_pixels_of_no_class_and_the_largest_class(tmp_path):
    for name in ("a", "b", "c"):
        mask = np.full((6, 8), 255)
        mask[2, 3] = 4
        write_pair(tmp_path / "images", tmp_path / "masks", name, mask)
    files = list_masks(tmp_path)
    assert files.class_names == ("0", "1", "2", "3", "4")
    assert set(np.unique(arrays(files).train.labels)) == {4, 255}


@pytest.mark.parametrize("value", [4, 9, 200])
def test_classes_without_a_pixel_are_told(value, folder):
    path = folder / "masks" / "dog.png"
    Image.fromarray(np.where(np.arange(48).reshape(6, 8) < 5, value, 1).astype(np.uint8)).save(path)
    notes = " ".join(list_masks(folder).notes)
    assert f"indices, 0 to {value}" in notes
    assert "No mask has a pixel of 3" in notes


def test_masks_are_resized_without_mixing_classes(tmp_path):
    mask = np.zeros((20, 30), int)
    mask[:, 15:] = 2
    for name in ("a", "b", "c"):
        write_pair(tmp_path / "images", tmp_path / "masks", name, mask, size=(20, 30))
    labels = arrays(list_masks(tmp_path), (8, 12), 1).train.labels
    np.testing.assert_array_equal(labels[0], np.repeat([[0] * 6 + [2] * 6], 8, axis=0))


def wrong_size(folder):
    Image.new("L", (8, 7)).save(folder / "masks" / "dog.png")


def colours(folder):
    Image.new("RGB", (8, 6)).save(folder / "masks" / "dog.png")


def jpeg(folder):
    (folder / "masks" / "dog.png").unlink()
    Image.new("L", (8, 6)).save(folder / "masks" / "dog.jpg")


def void(folder):
    Image.new("L", (8, 6), 255).save(folder / "masks" / "dog.png")


def too_many(folder):
    Image.fromarray(np.full((6, 8), 300, np.uint16)).save(folder / "masks" / "dog.png")


def damaged(folder):
    data = (folder / "masks" / "dog.png").read_bytes()
    (folder / "masks" / "dog.png").write_bytes(data[: len(data) // 2])


def damaged_image(folder):
    (folder / "images" / "dog.jpg").write_bytes(b"no image")


def others(folder):
    for path in (folder / "masks").iterdir():
        path.rename(path.with_stem(f"x{path.stem}"))


def twice(folder):
    Image.new("L", (8, 6)).save(folder / "images" / "dog.png")


def no_masks(folder):
    (folder / "masks").rename(folder / "elsewhere")


def half_split(folder):
    (folder / "images" / "train").mkdir()


def binary(folder):
    for path in (folder / "masks").iterdir():
        Image.fromarray((np.arange(48).reshape(6, 8) % 2 * 255).astype(np.uint8)).save(path)


def one_class(folder):
    for path in (folder / "masks").iterdir():
        Image.new("L", (8, 6)).save(path)


def few_names(folder):
    (folder / "classes.txt").write_text("sky\ncat\n")


def same_names(folder):
    (folder / "classes.txt").write_text("sky\ncat\ncat\n")


def no_utf8(folder):
    (folder / "classes.txt").write_bytes("sky\ncat\nvélo\n".encode("latin-1"))


def one_left(folder):
    for name in ("cat", "dog", "eel"):
        (folder / "images" / f"{name}.jpg").unlink()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (wrong_size, "dog.jpg is of 6x8 pixels .* its mask .*dog.png of 7x8: save both in the same size"),
        (colours, r"dog.png is of colours \(RGB\).*save it as PNG with a palette"),
        (jpeg, "dog.jpg is no PNG.*save the mask as PNG"),
        (void, "dog.png has no pixel of a class, only 255"),
        (too_many, "dog.png has the class 300, and classes go from 0 to 254"),
        (damaged, "dog.png is damaged"),
        (damaged_image, "dog.jpg is not an image"),
        (others, r"no image in .* has a mask of its name .*\(4 images, 4 masks\)"),
        (twice, "have the same name: rename one"),
        (no_masks, "has no folders images and masks"),
        (half_split, "has the splits train, and .*masks none: give both the same"),
        (binary, "hold 0 and 255 alone.*save what is to be found as 1"),
        (one_class, "of class 0 alone"),
        (few_names, "classes.txt has 2 different names in 2 lines, and the masks have classes up to 2"),
        (no_utf8, "classes.txt is not UTF-8: save it as text in UTF-8"),
        (same_names, "classes.txt has 2 different names in 3 lines"),
        (one_left, "there is one training image, and none to hold back"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(spoil, sentence, folder):
    spoil(folder)
    with pytest.raises(UserError, match=sentence) as error:
        list_masks(folder)
    assert "\n" not in str(error.value)


def test_a_link_of_classes_that_leads_nowhere_is_told(folder):
    (folder / "classes.txt").unlink(missing_ok=True)
    (folder / "classes.txt").symlink_to("moved.txt")
    with pytest.raises(UserError, match=r"classes\.txt was not found"):
        list_masks(folder)


def test_other_folders_are_none(tmp_path):
    assert not is_mask_folder(tmp_path)
    assert not is_mask_folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is no folder: give one with folders called images and masks"):
        list_masks(tmp_path / "nowhere")
