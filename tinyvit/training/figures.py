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
    plot_mistakes,
    plot_position_similarity,
    save_figure,
)
from ..vit import VisionTransformer
from .evaluate import Evaluation
from .report import confusion_matrix

NUM_ATTENTION_IMAGES = 6


def draw_figures(
    folder: Path,
    epochs: Sequence[dict[str, Any]],
    model: VisionTransformer,
    dataset: Dataset,
    split: Split,
    evaluation: Evaluation,
) -> list[Path]:
    """Draw the curves, and how `model` (on the CPU) did on `split`; returns the files written.

    Raises:
        UserError: the files cannot be written.
    """
    names, config = dataset.class_names, model.config
    figures = {
        "confusion": plot_confusion(confusion_matrix(split.labels, evaluation.predictions, len(names)), names),
        "mistakes": plot_mistakes(split.images, split.labels, evaluation.probs, names),
    }
    if epochs:
        figures["curves"] = plot_curves(epochs)
    if config.depth:
        chosen = [int(np.flatnonzero(split.labels == k)[0]) for k in np.unique(split.labels)[:NUM_ATTENTION_IMAGES]]
        images = split.images[chosen]
        maps = model.attention(normalize(images, dataset.mean, dataset.std, model.cls_token.dtype))
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
    paths = []
    for name, figure in figures.items():
        paths.append(folder / "figures" / f"{name}.png")
        save_figure(figure, paths[-1])
    return paths
