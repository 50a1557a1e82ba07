"""Images with masks or boxes, found in a folder: their sizes, their splits, and all of them as arrays."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..backend import generator
from ..errors import UserError
from ..images.open import glance_at
from ..images.processor import ImageProcessor
from .boxes import NO_CLASS
from .dataset import Dataset, Split
from .image_files import ImageFiles
from .in_threads import in_threads
from .pixel_statistics import pixel_statistics

VOID = 255  # in a mask: a pixel of no class, which is neither learned nor judged
DEV_SHARE = 0.15  # of the training images, where there is no dev split
MIN_SIDE = 1.0  # pixels, of a box after its image was resized


class Scene(NamedTuple):
    """An image and what is in it: a mask's file, or boxes (m, 5), x1 y1 x2 y2 in its own pixels and the class."""

    path: Path
    truth: Path | np.ndarray


class SceneFiles(NamedTuple):
    """All images of a folder."""

    class_names: tuple[str, ...]
    splits: dict[str, list[Scene]]  # train, dev and test; without one, test is dev
    sizes: Counter[tuple[int, int]]  # (height, width)
    modes: Counter[str]  # Pillow's
    notes: tuple[str, ...]
    left_out: int  # files that may have been meant, and were passed over

    @property
    def scenes(self) -> list[Scene]:
        """All of them, each once."""
        return list({scene.path: scene for split in self.splits.values() for scene in split}.values())


def scene_files(
    class_names: Sequence[str],
    found: Mapping[str, list[Scene]],
    notes: Sequence[str],
    check: Callable[[Scene, tuple[int, int]], None],
    *,
    left_out: int = 0,
) -> SceneFiles:
    """The scenes of a folder, all looked at; without a dev split, some of the training images are held back.

    Args:
        found: of splits, train at least.
        check: is called with each scene and its image's (height, width), and raises where they do not fit.
        left_out: number of files that were passed over.

    Raises:
        UserError: an image cannot be read, or there are too few.
    """
    splits, told = {"train": [], **found}, list(notes)
    if not splits.get("dev"):
        total = len(splits["train"])
        if total < 2:
            raise UserError("there is one training image, and none to hold back for dev: add more")
        order = generator(0, "dev split").permutation(total)
        dev = {int(i) for i in order[: max(1, round(DEV_SHARE * total))]}
        splits["dev"] = [splits["train"][i] for i in sorted(dev)]
        splits["train"] = [scene for i, scene in enumerate(splits["train"]) if i not in dev]
        told.append(
            f"There is no split for dev, so {len(dev):,} of the {total:,} training images are held back, by which "
            "the best epoch is chosen."
        )
    if not splits.get("test"):
        splits["test"] = splits["dev"]
        told.append("There is no split for test: the report at the end is on dev, so it is optimistic.")
    files = SceneFiles(tuple(class_names), splits, Counter(), Counter(), tuple(told), left_out)
    looked_at = in_threads(_looked_at, [scene.path for scene in files.scenes])
    for scene, (size, mode) in zip(files.scenes, looked_at, strict=True):
        check(scene, size)
        files.sizes[size] += 1
        files.modes[mode] += 1
    return files


def _looked_at(path: Path) -> tuple[tuple[int, int], str]:
    glance = glance_at(path)
    return glance.size, glance.mode


def scene_arrays(
    files: SceneFiles, processor: ImageProcessor, name: str, read_mask: Callable[[Path], np.ndarray]
) -> Dataset:
    """All images in memory, of the processor's size, with masks uint8 (n, H, W), resized without mixing classes, or
    boxes float32 (n, M, 5) in the pixels of the resized images.

    Raises:
        UserError: a file cannot be read.
    """
    H, W = processor.size if isinstance(processor.size, tuple) else (processor.size, processor.size)

    def mask(scene: Scene) -> np.ndarray:
        image = Image.fromarray(read_mask(Path(str(scene.truth))))
        return np.asarray(image.resize((W, H), Image.Resampling.NEAREST))

    def boxes(scene: Scene) -> np.ndarray:
        (height, width), _ = _looked_at(scene.path)
        scaled = np.asarray(scene.truth, np.float64) * [W / width, H / height, W / width, H / height, 1]
        grown = np.maximum(MIN_SIDE - (scaled[:, 2:4] - scaled[:, :2]), 0) / 2  # what became less than a pixel
        scaled[:, :2] -= grown
        scaled[:, 2:4] += grown
        return scaled

    def arrays(scenes: Sequence[Scene]) -> Split:
        images = ImageFiles([scene.path for scene in scenes], processor)[:]
        if scenes and isinstance(scenes[0].truth, Path):
            return Split(images, np.stack(list(in_threads(mask, scenes))))
        return Split(images, padded(list(in_threads(boxes, scenes)), most))

    everything = [scene for split in files.splits.values() for scene in split]
    most = max(1, *(len(scene.truth) for scene in everything if not isinstance(scene.truth, Path)), 1)
    train, dev = arrays(files.splits["train"]), arrays(files.splits["dev"])
    test = dev if files.splits["test"] is files.splits["dev"] else arrays(files.splits["test"])
    mean, std = pixel_statistics(train.images)
    said: Any = {"notes": files.notes, "left_out": files.left_out}
    return Dataset(name, files.class_names, mean, std, train, dev, test, **said)


def padded(boxes: Sequence[np.ndarray], most: int) -> np.ndarray:
    """Boxes (m, 5) of n images -> float32 (n, most, 5), NO_CLASS in rows that hold none."""
    result = np.zeros((len(boxes), most, 5), np.float32)
    result[..., 4] = NO_CLASS
    for row, of_one in zip(result, boxes, strict=True):
        row[: len(of_one)] = of_one
    return result
