"""One JSON file of COCO's boxes, read with suspicion: images, categories, and boxes in pixels.

    {"images": [{"id": 7, "file_name": "cat.jpg", "width": 640, "height": 480}],
     "annotations": [{"image_id": 7, "category_id": 3, "bbox": [x, y, width, height], "iscrowd": 0}],
     "categories": [{"id": 3, "name": "cat"}]}

Source: Lin et al. 2014, "Microsoft COCO: Common Objects in Context", arXiv:1405.0312; cocodataset.org, "Data format".
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ..errors import UserError, one_line, printable
from ..storage.checks import is_number, is_text
from ..storage.files import read_file

LISTS = ("images", "annotations", "categories")
MIN_SIDE = 1e-3  # pixels, of a box that is one
MAX_SIDE = 10**6
MAX_NAME = 255  # characters; Linux, macOS and Windows have no longer ones


class CocoImage(NamedTuple):
    """Image that a COCO file names, with its boxes in pixels."""

    name: str  # of its file
    size: tuple[int, int]  # (height, width)
    boxes: list[list[Any]]  # x1 y1 x2 y2, the part inside the image, and the category


class CocoFile(NamedTuple):
    """Contents of a COCO file."""

    path: Path
    categories: dict[Any, str]  # names by id
    images: list[CocoImage]
    left_out: dict[str, int]  # boxes that are not taken: why, and how many
    clipped: int  # boxes that reach out of their image by more than a pixel, cut off at its sides


def read_coco(path: Path) -> CocoFile:
    """Images and boxes of a file. Boxes of crowds, and those without an area inside their image, are left out.

    Raises:
        UserError: the file is no such JSON, or contradicts itself.
    """
    try:
        content = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is no JSON ({one_line(error)}): export it again") from error
    for name in LISTS:
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise UserError(f"{path} has no list called {name}, so it is not in COCO's format: export it as COCO JSON")
        if not all(isinstance(entry, dict) for entry in content[name]):
            raise UserError(f"{path} has an entry in {name} that is no object: export it again")
    categories = _categories(path, content["categories"])
    images = _images(path, content["images"])
    left_out: Counter[str] = Counter()
    clipped = 0
    for entry in content["annotations"]:
        number, category = _identity(path, entry, "image_id"), _identity(path, entry, "category_id")
        if number not in images or category not in categories:
            raise _wrong(path, entry, "an annotation must be of an image and a category that are listed")
        if entry.get("iscrowd"):
            left_out["of crowds"] += 1
        elif box := _box(path, entry, images[number].size):
            images[number].boxes.append([*box, category])
            clipped += _loses_more_than_a_pixel(entry["bbox"], box)
        else:
            left_out["without an area inside their image"] += 1
    return CocoFile(path, categories, list(images.values()), dict(left_out), clipped)


def _wrong(path: Path, entry: Mapping[str, Any], what: str) -> UserError:
    return UserError(f"{path}: {what}, got {one_line(printable(json.dumps(entry)), 120)}: correct it")


def _identity(path: Path, entry: Mapping[str, Any], key: str) -> Any:
    """The number, or the text, that an entry is known by."""
    value = entry.get(key)
    if not (is_text(value) or (isinstance(value, int) and not isinstance(value, bool))):
        raise _wrong(path, entry, f"{key} must be a number")
    return value


def _categories(path: Path, entries: list[dict[str, Any]]) -> dict[Any, str]:
    names: dict[Any, str] = {}
    for entry in entries:
        number, name = _identity(path, entry, "id"), entry.get("name")
        if not is_text(name) or not str(name).strip():
            raise _wrong(path, entry, "a category must have a name")
        if number in names or name in names.values():
            raise _wrong(path, entry, "categories must have ids and names of their own")
        names[number] = str(name)
    if not names or len({type(number) for number in names}) > 1:
        raise UserError(f"{path} has no categories, or their ids are of two kinds: export it again")
    return names


def _leads_inside(name: PurePosixPath) -> bool:
    """Whether a name can be that of a file inside a folder."""
    return not name.is_absolute() and ".." not in name.parts and max(map(len, name.parts), default=0) <= MAX_NAME


def _images(path: Path, entries: list[dict[str, Any]]) -> dict[Any, CocoImage]:
    """The images by their numbers, no box in them yet; a name leads to nothing outside the folder."""
    images: dict[Any, CocoImage] = {}
    for entry in entries:
        number, name = _identity(path, entry, "id"), entry.get("file_name")
        if number in images:
            raise _wrong(path, entry, "images must have ids of their own")
        height, width = (entry.get(side, 0) for side in ("height", "width"))
        if not (_is_side(height) and _is_side(width)):
            raise _wrong(path, entry, "an image must have a width and a height in pixels")
        if not is_text(name) or not name or not _leads_inside(PurePosixPath(name)):
            raise _wrong(path, entry, "file_name must be that of an image in the folder")
        images[number] = CocoImage(str(name), (height, width), [])
    if len({image.name for image in images.values()}) < len(images):
        raise UserError(f"{path} lists an image twice: leave each once")
    return images


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_SIDE


def _loses_more_than_a_pixel(bbox: list[float], box: list[float]) -> bool:
    return bbox[2] - (box[2] - box[0]) > 1 or bbox[3] - (box[3] - box[1]) > 1


def _box(path: Path, entry: Mapping[str, Any], size: tuple[int, int]) -> list[float] | None:
    """x1 y1 x2 y2 of an annotation, the part that lies in its image; None if there is none."""
    box = entry.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(is_number(value, -1e9, 1e9) for value in box)):
        raise _wrong(path, entry, "bbox must be four values, x y width height")
    x, y, width, height = map(float, box)
    x1, x2 = (min(max(value, 0.0), float(size[1])) for value in (x, x + width))
    y1, y2 = (min(max(value, 0.0), float(size[0])) for value in (y, y + height))
    return [x1, y1, x2, y2] if x2 - x1 >= MIN_SIDE and y2 - y1 >= MIN_SIDE else None
