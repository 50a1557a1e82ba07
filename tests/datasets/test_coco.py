"""COCO's JSON files: how folders may be arranged, and each way in which a file may be wrong, in one sentence."""

import json

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets.boxes import NO_CLASS
from tinyvit.datasets.coco import is_coco_folder, list_coco
from tinyvit.datasets.mask_folder import read_mask
from tinyvit.datasets.scene_files import scene_arrays
from tinyvit.errors import UserError
from tinyvit.images.processor import ImageProcessor


def content(count=4, first=0):
    """Images of 20 x 30 (height x width) with one box each, the first with two."""
    images = [{"id": 10 + k, "file_name": f"{first + k}.png", "width": 30, "height": 20} for k in range(count)]
    boxes = [
        {"id": k, "image_id": 10 + k, "category_id": 7 if k % 2 else 3, "bbox": [3, 2, 12.5, 8]} for k in range(count)
    ]
    boxes.append({"id": 99, "image_id": 10, "category_id": 7, "bbox": [20, 10, 10, 10], "iscrowd": 0})
    categories = [{"id": 7, "name": "dog", "supercategory": "animal"}, {"id": 3, "name": "cat"}]
    return {"images": images, "annotations": boxes, "categories": categories, "info": {}}


def write(path, values, pictures):
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(parents=True, exist_ok=True)
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    for entry in content()["images"] if isinstance(values, str) else values["images"]:
        Image.new("RGB", (30, 20), (9, 200, 30)).save(pictures / entry["file_name"])


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "annotations.json", content(), tmp_path / "images")
    return tmp_path


def test_one_file_alone_is_split(folder):
    files = list_coco(folder)
    assert files.class_names == ("cat", "dog")  # by their numbers
    assert {split: len(scenes) for split, scenes in files.splits.items()} == {"train": 3, "dev": 1, "test": 1}
    assert len(files.notes) == 2
    (scene,) = [scene for scenes in files.splits.values() for scene in scenes if scene.path.name == "0.png"][:1]
    np.testing.assert_array_equal(scene.truth, [[3, 2, 15.5, 10, 0], [20, 10, 30, 20, 1]])


def test_boxes_move_with_the_size_of_the_images(folder):
    dataset = scene_arrays(list_coco(folder), ImageProcessor(in_chans=3, size=(10, 60)), "toy", read_mask)
    assert dataset.train.images.shape == (3, 3, 10, 60)
    assert (dataset.train.labels.shape, dataset.train.labels.dtype) == ((3, 2, 5), np.float32)
    boxes = np.concatenate([dataset.train.labels, dataset.dev.labels])
    ones = boxes[boxes[:, 0, 4] == 1]
    np.testing.assert_array_equal(ones[0], [[6, 1, 31, 5, 1], [0, 0, 0, 0, NO_CLASS]])


def test_a_box_thinner_than_a_pixel_becomes_one(tmp_path):
    values = content()
    values["annotations"] = [{"image_id": 10 + k, "category_id": 3, "bbox": [4, 5, 0.5, 10]} for k in range(4)]
    write(tmp_path / "train.json", values, tmp_path)
    dataset = scene_arrays(list_coco(tmp_path), ImageProcessor(in_chans=1, size=(20, 30)), "toy", read_mask)
    np.testing.assert_allclose(dataset.train.labels[0, 0], [3.75, 5, 4.75, 15, 0])


LAYOUTS = {
    "coco": [("annotations/instances_train2017.json", "train2017"), ("annotations/instances_val2017.json", "val2017")],
    "in images": [("annotations/train.json", "images/train"), ("annotations/val.json", "images/val"), ("annotations/test.json", "images/test")],
    "roboflow": [("train/_annotations.coco.json", "train"), ("valid/_annotations.coco.json", "valid"), ("test/_annotations.coco.json", "test")],
    "beside": [("my_train.json", "images"), ("my_test.json", "images")],
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_splits_as_others_arrange_them(layout, tmp_path):
    for index, (file, pictures) in enumerate(LAYOUTS[layout]):
        write(tmp_path / file, content(4 + index, 10 * index), tmp_path / pictures)
    if layout == "coco":
        (tmp_path / "annotations" / "captions_train2017.json").write_text("{}")
        (tmp_path / "annotations" / "person_keypoints_train2017.json").write_text("{}")
    assert is_coco_folder(tmp_path)
    counts = {split: len(scenes) for split, scenes in list_coco(tmp_path).splits.items()}
    wanted = {
        "coco": {"train": 4, "dev": 5, "test": 5},
        "in images": {"train": 4, "dev": 5, "test": 6},
        "roboflow": {"train": 4, "dev": 5, "test": 6},
        "beside": {"train": 3, "dev": 1, "test": 5},
    }
    assert counts == wanted[layout]


def test_images_of_the_same_name_are_those_of_their_split(tmp_path):
    for split, colour in (("train", 10), ("val", 200)):
        write(tmp_path / f"{split}.json", content(), tmp_path / split)
        for path in (tmp_path / split).iterdir():
            Image.new("RGB", (30, 20), (colour,) * 3).save(path)
    files = list_coco(tmp_path)
    assert {scene.path.parent.name for scene in files.splits["dev"]} == {"val"}
    assert {scene.path.parent.name for scene in files.splits["train"]} == {"train"}


def test_what_is_left_out_is_told(tmp_path):
    values = content()
    values["annotations"] += [
        {"image_id": 11, "category_id": 3, "bbox": [0, 0, 30, 20], "iscrowd": 1},
        {"image_id": 11, "category_id": 3, "bbox": [5, 5, 0, 4]},
        {"image_id": 11, "category_id": 3, "bbox": [31, 5, 3, 4]},
    ]
    values["annotations"][1]["bbox"] = [-4, 15, 10, 10]  # cut where the image ends
    write(tmp_path / "train.json", values, tmp_path)
    files = list_coco(tmp_path)
    assert "1 boxes of crowds in" in files.notes[0]
    assert "2 boxes without an area inside their image in" in files.notes[1]
    boxes = next(s.truth for scenes in files.splits.values() for s in scenes if s.path.name == "1.png")
    np.testing.assert_array_equal(boxes, [[0, 15, 6, 20, 1]])


@pytest.mark.parametrize(
    ("bbox", "told"),
    [([-4, 15, 10, 10], True), ([25, 1, 9, 3], True), ([1, -3, 4, 8], True), ([1, 2, 3, 4], False), ([24, 1, 6.9, 3], False)],
)  # fmt: skip
def test_boxes_that_are_cut_off_are_told(bbox, told, tmp_path):
    values = content()
    values["annotations"][1]["bbox"] = bbox
    write(tmp_path / "train.json", values, tmp_path)
    notes = " ".join(list_coco(tmp_path).notes)
    assert ("reach out of their image are cut off at its sides: 1." in notes) == told


def changed(change):
    values = content()
    change(values)
    return values


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[1]", "has no list called images"),
        ({"images": content()["images"], "annotations": []}, "has no list called categories"),
        (changed(lambda v: v["annotations"].append(3)), "an entry in annotations that is no object"),
        (changed(lambda v: v["annotations"].clear()), "has no box to learn from"),
        (changed(lambda v: v["categories"].clear()), "has no categories"),
        (changed(lambda v: v["categories"][0].update(id=3)), "ids and names of their own"),
        (changed(lambda v: v["categories"][0].update(name="cat")), "ids and names of their own"),
        (changed(lambda v: v["categories"][0].update(name=None)), "a category must have a name"),
        (changed(lambda v: v["categories"][0].update(id="x")), "of two kinds|that are listed"),
        (changed(lambda v: v["images"][1].update(id=10)), "images must have ids of their own"),
        (changed(lambda v: v["images"][1].update(id=True)), "id must be a number"),
        (changed(lambda v: v["images"][1].update(width=0)), "a width and a height in pixels"),
        (changed(lambda v: v["images"][1].update(width=31)), r"is of 20x30 pixels .* says 20x31"),
        (changed(lambda v: v["images"][1].update(file_name="0.png")), "lists an image twice"),
        (changed(lambda v: v["annotations"][0].update(image_id=1)), "an image and a category that are listed"),
        (changed(lambda v: v["annotations"][0].update(category_id=[3])), "category_id must be a number"),
        (changed(lambda v: v["annotations"][0].update(bbox=[1, 2, 3])), "bbox must be four values"),
        (changed(lambda v: v["annotations"][0].update(bbox=[1, 2, float("nan"), 3])), "bbox must be four values"),
        (changed(lambda v: v["annotations"][0].update(bbox=["1", 2, 3, 3])), "bbox must be four values"),
        (changed(lambda v: v["annotations"][0].update(bbox=[1, 2, 10**400, 3])), "bbox must be four values"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(values, sentence, tmp_path):
    write(tmp_path / "train.json", values, tmp_path)
    with pytest.raises(UserError, match=sentence) as error:
        list_coco(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/passwd", "a/../../b.png", "", 7, "a/" + 5000 * "b"])
def test_no_name_leads_out_of_the_folder(name, tmp_path):
    values = content()
    write(tmp_path / "train.json", values, tmp_path)
    values["images"][0]["file_name"] = name
    (tmp_path / "train.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match="file_name must be that of an image in the folder") as error:
        list_coco(tmp_path)
    assert len(str(error.value)) < 400


def test_missing_images_and_files(folder):
    (folder / "images" / "2.png").unlink()
    with pytest.raises(UserError, match=r"1 of the 4 images of .* are not in .* \(2.png\): put them there"):
        list_coco(folder)
    (folder / "annotations.json").rename(folder / "val.json")
    with pytest.raises(UserError, match="has no JSON file of a split train"):
        list_coco(folder)
    (folder / "val.json").unlink()
    assert not is_coco_folder(folder)
    with pytest.raises(UserError, match=r"no JSON file of a split train \(none at all\)"):
        list_coco(folder)
    with pytest.raises(UserError, match="is no folder"):
        list_coco(folder / "nowhere")


def test_splits_must_agree(tmp_path):
    write(tmp_path / "train.json", content(), tmp_path)
    others = content()
    others["categories"] = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}]
    write(tmp_path / "val.json", others, tmp_path)
    with pytest.raises(UserError, match="has another number for category 'cat' than"):
        list_coco(tmp_path)
    write(tmp_path / "val.json", content(), tmp_path)
    write(tmp_path / "notes.json", content(), tmp_path)
    assert "JSON files of no split are left out" in list_coco(tmp_path).notes[0]
    write(tmp_path / "validation.json", content(), tmp_path)
    with pytest.raises(UserError, match="several JSON files of one split"):
        list_coco(tmp_path)
