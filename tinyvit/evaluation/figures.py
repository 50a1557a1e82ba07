"""Figures of a run, drawn into its `figures/`."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import to_numpy
from ..datasets import Dataset, Split, normalize
from ..plots import plot_attention, plot_curves, plot_position_similarity, save_figure
from ..plots.figure import shortened
from ..vit import VisionTransformer
from .result import Evaluation

NUM_ATTENTION_IMAGES = 6
MAX_TITLE_LENGTH = 24


def draw_run(
    folder: Path,
    epochs: Sequence[dict[str, Any]],
    evaluation: Evaluation,
    split: Split,
    class_names: Sequence[str],
    more: dict[str, Any],
) -> list[Path]:
    """Draw a run's curves, its `evaluation` on a `split`, and `more` figures by name, into `folder`; returns the files
    written.

    Raises:
        UserError: the files cannot be written.
    """
    figures = evaluation.figures(split, class_names)
    if epochs:
        figures["curves"] = plot_curves(epochs)
    return _save(folder, figures | more)


def draw_figures(
    folder: Path,
    epochs: Sequence[dict[str, Any]],
    model: VisionTransformer,
    dataset: Dataset,
    split: Split,
    evaluation: Evaluation,
) -> list[Path]:
    """As `draw_run`, with those of a classifier on the CPU, into `folder/figures`."""
    more = model_figures(model, dataset, split)
    return draw_run(folder / "figures", epochs, evaluation, split, dataset.class_names, more)


@np.errstate(all="ignore")  # of huge weights; the answers that are drawn are numbers
def model_figures(model: VisionTransformer, dataset: Dataset, split: Split) -> dict[str, Any]:
    """Attention maps and position embedding of a `model` on the CPU, by file name.

    Of the split's images only those that are drawn are looked at.
    """
    names, config, figures = dataset.class_names, model.config, {}
    if config.depth:
        chosen = _one_of_each(split.labels)
        images = split.images[chosen]
        maps = model.attention(normalize(images, dataset.mean, dataset.std, model.dtype))
        figures["attention"] = plot_attention(
            images,
            [to_numpy(weights) for weights in maps],
            grid=config.grid_size,
            num_prefix=config.num_prefix_tokens,
            class_token=config.class_token,
            titles=[_title(names, label) for label in split.labels[chosen]],
        )
    table = model.pos_embed if config.pos_embed == "learned" else model.sincos
    figures["positions"] = plot_position_similarity(
        to_numpy(table), grid=config.grid_size, num_prefix=config.num_prefix_tokens
    )
    return figures


def draw_evaluation(folder: Path, class_names: Sequence[str], split: Split, evaluation: Evaluation) -> list[Path]:
    """Draw how a model did on `split` and how sure it was, into `folder`; returns the files written.

    Raises:
        UserError: the files cannot be written.
    """
    return _save(folder, evaluation.figures(split, class_names, in_full=True))


def _one_of_each(labels: np.ndarray) -> list[int]:
    """The first image of each of the first classes; images alone where they are of none."""
    if labels.ndim == 2:
        of_classes = np.flatnonzero(labels.any(axis=0))
        rows = dict.fromkeys(int(labels[:, k].argmax()) for k in of_classes) or dict.fromkeys(range(len(labels)))
        return list(rows)[:NUM_ATTENTION_IMAGES]
    return [int(np.flatnonzero(labels == k)[0]) for k in np.unique(labels)[:NUM_ATTENTION_IMAGES]]


def _title(names: Sequence[str], label: Any) -> str:
    """The class of an image, or all of them."""
    if label.ndim == 0:
        return names[label]
    return shortened(", ".join(itertools.compress(names, label)) or "none of the classes", MAX_TITLE_LENGTH)


def _save(folder: Path, figures: dict[str, Any]) -> list[Path]:
    paths = [folder / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save_figure(figure, path)
    return paths
