"""A trained classifier as the judge of made images: what it takes them for, and its features of them."""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import to_device, to_numpy
from ..datasets import normalize
from ..datasets.find import REPOSITORY_DATA
from ..errors import UserError, printable
from ..vit import VisionTransformer
from .classifier import load_classifier
from .familiar import features_of
from .preprocessing import Preprocessing

SHIPPED = REPOSITORY_DATA / "mnist-vit"


class Judge(NamedTuple):
    model: VisionTransformer
    preprocessing: Preprocessing

    @property
    def num_features(self) -> int:
        return self.model.config.num_pooled

    def logits(self, images: np.ndarray) -> np.ndarray:
        """uint8 (n, C, H, W) -> its logits for them, (n, K)."""
        x = normalize(images, self.preprocessing.mean, self.preprocessing.std, self.model.dtype)
        return to_numpy(self.model.predict(to_device(x, self.model.device)))

    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 (n, C, H, W) -> what it takes each for, int64 (n,), and what its head sees, float32 (n, D)."""
        if not len(images):
            return np.zeros(0, np.int64), np.zeros((0, self.num_features), np.float32)
        features = features_of(self.model, self.preprocessing, images).astype(self.model.dtype)
        logits, _ = self.model.head.forward(to_device(features, self.model.device))
        return to_numpy(logits).argmax(axis=1), features


@functools.lru_cache(maxsize=2)  # once for a process: workers judge too
def load_judge(folder: str, device: str = "cpu") -> Judge:
    """The classifier in `folder`, of a run or any model, on `device`.

    Raises:
        UserError: there is none, it is damaged, or it names no classes.
    """
    model, preprocessing = load_classifier(Path(folder))
    return Judge(model.to(device), preprocessing)


def check_fits(judge: Judge, folder: str, input_shape: tuple[int, int, int], class_names: tuple[str, ...]) -> None:
    """Check that a classifier looks at images of one shape (C, H, W), and knows the same classes.

    Raises:
        UserError: it does not.
    """
    config, names = judge.model.config, judge.preprocessing.class_names
    if judge.preprocessing.multi_label or config.input_shape != input_shape or len(names) != len(class_names):
        theirs, ours = (" x ".join(map(str, shape)) for shape in (config.input_shape, input_shape))
        raise UserError(
            f"the classifier in {printable(folder)} looks at images of {theirs} and knows {len(names)} classes, and "
            f"these are of {ours} and {len(class_names)}: give one that was trained on such images"
        )
    named = {f"LABEL_{k}": ours for k, ours in enumerate(class_names)}  # as classes without a name are called
    pairs = ((named.get(theirs, theirs), ours) for theirs, ours in zip(names, class_names, strict=True))
    if different := [pair for pair in pairs if pair[0] != pair[1]]:
        theirs, ours = map(printable, different[0])
        raise UserError(
            f"the classifier in {printable(folder)} knows other classes, {theirs} where these have {ours}: give one "
            "that was trained on them, with the same names in the same order"
        )
