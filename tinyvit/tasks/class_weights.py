"""Class weights in the loss: rare classes count more, so that a model learns not only what is common.

    loss = Σ_b w[label_b] loss_b / Σ_b w[label_b]      over the images b of a batch; of a soft target, w is its mean

"balanced" gives class k the weight n / (K n_k), for n training images of which n_k are of that class, and K classes
that have any: every class counts as much as every other, and an image counts 1 on average.

Source: King, Zeng 2001, "Logistic Regression in Rare Events Data", Political Analysis 9(2), section 4.2, on weighting;
the formula in scikit-learn's words, class_weight="balanced". PyTorch's cross_entropy(weight=...) takes the same mean.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..backend import bincount
from ..config.fields import LIMIT
from ..config.run import RunConfig
from ..datasets.class_names import same
from ..datasets.left_out import some
from ..errors import UserError, one_line
from ..storage.files import read_file

BALANCED = "balanced"
HEADER = ["class", "weight"]
MAX_LISTED = 20
Run = TypeVar("Run", bound=RunConfig)


def with_class_weights(config: Run, class_names: Sequence[str], labels: np.ndarray) -> Run:
    """The config with a weight for each class in place of "balanced" or a file, so that a resumed run has the same.

    Args:
        class_names: K names.
        labels: of the training images, integers (n,); multi-hot (n, K) where an image has several.

    Raises:
        UserError: the file is missing or damaged, names other classes than these, or holds what is no weight; no
            training image would count; or classes do not exclude each other.
    """
    wanted = config.class_weights
    if wanted is None:
        return config
    if labels.ndim > 1:
        raise UserError("class weights are for images of one class each, and these have several: leave them out")
    if isinstance(wanted, str):
        weights = balanced(labels, len(class_names)) if wanted == BALANCED else read_class_weights(wanted, class_names)
    else:
        weights = wanted
    if len(weights) != len(class_names):
        raise UserError(f"there are {len(class_names)} classes, got {len(weights)} class weights: give one for each")
    if not np.asarray(weights)[labels].any():
        raise UserError("the weights of all classes with training images are 0, so none would count: raise some")
    return dataclasses.replace(config, class_weights=weights)


def balanced(labels: np.ndarray, num_classes: int) -> tuple[float, ...]:
    """n / (K n_k) of each class; 1 for a class without training images, which has nothing to weigh."""
    counts = bincount(labels, minlength=num_classes)
    return tuple((len(labels) / (np.count_nonzero(counts) * count) if count else 1.0) for count in counts.tolist())


def read_class_weights(path: str, class_names: Sequence[str]) -> tuple[float, ...]:
    """From a JSON object `{"cat": 2.5, "dog": 0.5}`, or lines `cat,2.5` (CSV, with or without the header class,weight).

    Raises:
        UserError: see `with_class_weights`.
    """
    if not Path(path).exists():
        raise UserError(
            f"class weights must be the word {BALANCED} or a file, and there is no file {path}: check its name"
        )
    try:
        text = read_file(Path(path)).decode("utf-8-sig")
        pairs = list(_json_pairs(text) if Path(path).suffix.lower() == ".json" else _csv_pairs(text))
    except (ValueError, RecursionError, csv.Error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} holds no class weights ({one_line(error)}): write lines such as cat,2.5") from error
    weights: dict[str, float] = {}
    for name, weight in pairs:
        if same(name) in weights:
            raise UserError(f"{path} gives {name!r} two weights: leave one of them")
        if not (type(weight) in (int, float) and 0 <= weight < LIMIT):
            raise UserError(
                f"{path}: the weight of {name!r} must be a number from 0 to {LIMIT:,}, got {weight!r}: mend it"
            )
        weights[same(name)] = float(weight)
    known = {same(name): name for name in class_names}
    if unknown := [name for name, _ in pairs if same(name) not in known]:
        raise UserError(
            f"{path} names no class of these images with {some(unknown)}: the classes are {some(class_names)}"
        )
    if missing := [name for key, name in known.items() if key not in weights]:
        raise UserError(
            f"{path} has no weight for {some(missing)}: give each class one, 1 for those that count as usual"
        )
    return tuple(weights[same(name)] for name in class_names)


def _json_pairs(text: str) -> Iterable[tuple[str, Any]]:
    pairs = json.loads(text, object_pairs_hook=tuple)
    if not isinstance(pairs, tuple):
        raise ValueError(f"it must be a JSON object, got {type(pairs).__name__}")
    return pairs


def _csv_pairs(text: str) -> Iterable[tuple[str, Any]]:
    for number, cells in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
        cells = [cell.strip() for cell in cells]
        if not any(cells) or (number == 1 and [cell.lower() for cell in cells] == HEADER):
            continue
        if len(cells) != 2:
            raise ValueError(f"line {number} must have a class and a weight, got {len(cells)} cells")
        try:
            yield cells[0], float(cells[1])
        except ValueError:
            yield cells[0], cells[1]


def example_weights(config: RunConfig, labels: np.ndarray) -> np.ndarray | None:
    """Weight of each image of a batch, float64 (B,), by labels (B,) or soft targets (B, K): they add up to one,
    or are all 0 where none counts. None where all count alike.
    """
    if config.class_weights is None:
        return None
    of_classes = np.asarray(config.class_weights, np.float64)
    weights = of_classes[labels] if labels.ndim == 1 else labels @ of_classes
    total = weights.sum()
    return weights / total if total else weights


def told(config: RunConfig, class_names: Sequence[str]) -> str:
    """Summary of the weights, the heaviest classes first, in a sentence."""
    of_classes: Any = config.class_weights
    words = [f"{class_names[k]} {of_classes[k]:.4g}" for k in np.argsort(of_classes, kind="stable")[::-1]]
    listed = ", ".join(words) if len(words) <= MAX_LISTED else some(words)
    return f"class weights in the training loss: {listed}; losses and measures on dev and test are without"
