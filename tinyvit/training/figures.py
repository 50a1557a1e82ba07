"""The pictures of a run, drawn into its `figures/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import to_numpy
from ..datasets import Dataset, Split, normalize
from ..plots import (
    plot_attention,
    plot_confusion,
    plot_curves,
    plot_position_similarity,
    plot_reliability,
    plot_worst,
    save_figure,
)
from ..vit import VisionTransformer
from .evaluate import Evaluation
from .report import confusion_by_name
from .scores import Scores

NUM_ATTENTION_IMAGES = 6


def draw_figures(
    folder: Path,
    epochs: Sequence[dict[str, Any]],
    model: VisionTransformer,
    dataset: Dataset,
    split: Split,
    evaluation: Evaluation | Scores,
) -> list[Path]:
    """Draw the curves, and how `model` (on the CPU) did on `split`, into `folder/figures`; returns the files written.

    Of the split's images only those that are drawn are looked at.

    Raises:
        UserError: the files cannot be written.
    """
    names, config = dataset.class_names, model.config
    figures = _evaluation_figures(split, names, evaluation)
    if epochs:
        figures["curves"] = plot_curves(epochs)
    if config.depth:
        chosen = [int(np.flatnonzero(split.labels == k)[0]) for k in np.unique(split.labels)[:NUM_ATTENTION_IMAGES]]
        images = split.images[chosen]
        maps = model.attention(normalize(images, dataset.mean, dataset.std, model.dtype))
        figures["attention"] = plot_attention(
            images,
            [to_numpy(weights) for weights in maps],
            grid=config.grid_size,
            num_prefix=config.num_prefix_tokens,
            titles=[names[label] for label in split.labels[chosen]],
        )
    table = model.pos_embed if config.pos_embed == "learned" else model.sincos
    figures["positions"] = plot_position_similarity(
        to_numpy(table), grid=config.grid_size, num_prefix=config.num_prefix_tokens
    )
    return _save(folder / "figures", figures)


def draw_evaluation(folder: Path, class_names: Sequence[str], split: Split, scores: Scores) -> list[Path]:
    """Draw how a model did on `split` and how sure it was, into `folder`; returns the files written.

    Raises:
        UserError: the files cannot be written.
    """
    reliability = plot_reliability(*scores.calibration)
    return _save(folder, {**_evaluation_figures(split, class_names, scores), "reliability": reliability})


def _evaluation_figures(split: Split, names: Sequence[str], evaluation: Evaluation | Scores) -> dict[str, Any]:
    predictions = evaluation.predictions
    return {
        "confusion": plot_confusion(*confusion_by_name(split.labels, predictions, names)),
        "mistakes": plot_worst(split.images, split.labels, predictions, evaluation.confidence, names),
    }


def _save(folder: Path, figures: dict[str, Any]) -> list[Path]:
    paths = [folder / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save_figure(figure, path)
    return paths
