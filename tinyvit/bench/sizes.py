"""Accuracy against the number of parameters: one recipe, models from 2 k to 200 k, and results that were published."""

import dataclasses
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..plots.figure import MUTED, PURPLE, TEAL, headline, new_figure, quiet_axes, save_figure
from ..training import recipe
from ..vit import VisionTransformer
from .runs import train_command, whole_run

SIZES = (  # embed_dim, depth, num_heads
    (8, 2, 2),
    (12, 2, 2),
    (16, 3, 2),
    (24, 3, 2),
    (32, 4, 4),
    (48, 4, 4),
    (64, 4, 4),
    (76, 4, 4),
)


class SizedRun(NamedTuple):
    """A run of a recipe whose model has another size."""

    embed_dim: int
    depth: int
    num_heads: int
    parameters: int
    seed: int
    seconds: float
    accuracy: float  # percent, on the test split


class Published(NamedTuple):
    """A result of others on MNIST's test split, of one run."""

    name: str
    is_transformer: bool
    parameters: int
    accuracy: float


PUBLISHED = (
    Published("libaohang/ViT-NumPy", True, 28_106, 98.22),
    Published("s-chh, PyTorch ViT", True, 210_058, 99.5),
    Published("mnist-minimal-model, CNN", False, 1_936, 99.13),
    Published("School of AI, CNN", False, 8_900, 99.5),
    Published("CNN of Mazzia et al.", False, 173_000, 99.60),
)


def sized_runs(name: str, *, seeds: int, note: Callable[[SizedRun], None] = lambda run: None) -> list[SizedRun]:
    """Train the recipe called `name` in each of `SIZES` with seeds 0, 1, ...; `note` is told of each run as it ends.

    The stem is that of plain patches: convolutions in front of it would be most of a small model.

    Raises:
        UserError: there is no such recipe, or a run fails.
    """
    model = dataclasses.replace(recipe(name).model, stem="patch")
    runs = []
    for embed_dim, depth, num_heads in SIZES:
        sized = dataclasses.replace(model, embed_dim=embed_dim, depth=depth, num_heads=num_heads)
        parameters = VisionTransformer(sized).num_parameters()
        flags = ["--embed-dim", str(embed_dim), "--depth", str(depth), "--num-heads", str(num_heads)]
        flags += ["--stem", "patch"]
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                run = whole_run("tinyvit", seed, train_command(name, seed, Path(folder) / "run", flags))
            runs.append(SizedRun(embed_dim, depth, num_heads, parameters, seed, run.seconds, run.accuracy))
            note(runs[-1])
    return runs


def mean_accuracy(runs: Sequence[SizedRun]) -> dict[int, float]:
    """Accuracy in percent by the number of parameters, from the smallest model: means over the seeds."""
    sizes = sorted({run.parameters for run in runs})
    return {size: statistics.mean(run.accuracy for run in runs if run.parameters == size) for size in sizes}


def plot_sizes(runs: Sequence[SizedRun], name: str, path: Path) -> None:
    """Accuracy of a recipe over the number of parameters, published results beside it; errors are logarithmic.

    Raises:
        UserError: the file cannot be written.
    """
    figure = new_figure(8, 4.5)
    told = f"MNIST's test split, recipe {name}. Diamonds: as published, one run each; filled: transformers."
    headline(figure, "How many parameters an accuracy takes", told)
    axes = figure.subplots()
    quiet_axes(axes, "", "parameters", "test accuracy")
    means = mean_accuracy(runs)
    axes.plot(list(means), [100 - mean for mean in means.values()], "-", color=PURPLE)
    axes.plot([r.parameters for r in runs], [100 - r.accuracy for r in runs], "o", color=PURPLE, markersize=4)
    for other in PUBLISHED:
        face = TEAL if other.is_transformer else "white"
        axes.plot(other.parameters, 100 - other.accuracy, "D", color=TEAL, markerfacecolor=face, markersize=6)
        left = other.parameters > 100_000
        axes.annotate(
            other.name,
            (other.parameters, 100 - other.accuracy),
            xytext=(-8 if left else 8, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=8,
            color=MUTED,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.minorticks_off()
    errors = [0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50]
    axes.set_yticks(errors, [f"{100 - error:g} %" for error in errors])
    axes.set_ylim(1.3 * max(100 - run.accuracy for run in runs), 0.2)
    axes.set_xticks([2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5], ["2 k", "5 k", "10 k", "20 k", "50 k", "100 k", "200 k"])
    save_figure(figure, path)
