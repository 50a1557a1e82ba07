"""Scaling of a step's time and memory with batch, tokens, width, depth and workers."""

import dataclasses
import math
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ..config import ViTConfig
from ..errors import UserError
from ..plots.figure import MUTED, PURPLE, TEAL, headline, new_figure, quiet_axes, save_figure
from .timing import in_turn
from .tinyvit_side import training_team

MIN_BATCH = 4  # a quarter of it is measured, too
QUANTITIES = (("ms a step", "seconds", 1000, PURPLE), ("MiB", "mebibytes", 1, TEAL))


class Point(NamedTuple):
    """One measurement."""

    what: str  # what was varied: batch, tokens, width, depth, workers
    value: int
    seconds: float
    mebibytes: float  # the most that one process had allocated during a step, beside parameters and state


def scaling(config: ViTConfig, *, batch_size: int, rounds: int, max_workers: int) -> list[Point]:
    """Measure steps around `config`: each of its sizes is varied by itself, the others stay.

    Raises:
        UserError: a quarter of the batch, or half of the width, is none.
    """
    if batch_size < MIN_BATCH:
        raise UserError(
            f"--scaling measures a quarter of the batch, too, so --batch-size must be at least {MIN_BATCH}, "
            f"got {batch_size}: choose a larger one"
        )
    step_of_half = math.lcm(config.num_heads, 4 if config.pos_embed == "sincos2d" else 1)
    if config.embed_dim % (2 * step_of_half):
        raise UserError(
            f"--scaling measures half of the width, too, so --embed-dim must be a multiple of {2 * step_of_half} with "
            f"{config.num_heads} heads, got {config.embed_dim}: choose such a one"
        )
    points = []
    for what, value, varied, size, workers in _variations(config, batch_size, max_workers):
        with training_team(varied, size, workers) as (team, step):
            seconds = in_turn({"step": step}, rounds)["step"].median
            with threadpool_limits(1, user_api="blas"):  # looking for libraries takes memory too, and comes before
                tracemalloc.start()
                team.part.compute(0)
                peak = tracemalloc.get_traced_memory()[1] / 2**20
                tracemalloc.stop()
        points.append(Point(what, value, seconds, peak))
    return points


def _variations(config: ViTConfig, batch_size: int, max_workers: int) -> Iterator[tuple[str, int, ViTConfig, int, int]]:
    for factor in (1, 2, 4, 8):
        size = max(1, batch_size * factor // 4)
        yield "batch", size, config, size, 1
    height, width = config.image_shape
    for factor in (1, 2, 3, 4):
        larger = dataclasses.replace(config, img_size=(height, width * factor))
        yield "tokens", larger.num_tokens, larger, batch_size // 2, 1
    for factor in (1, 2, 4, 8):
        wider = dataclasses.replace(config, embed_dim=config.embed_dim * factor // 2, num_heads=config.num_heads)
        yield "width", wider.embed_dim, wider, batch_size // 4, 1
    for factor in (1, 2, 4, 8):
        deeper = dataclasses.replace(config, depth=max(1, config.depth * factor // 4))
        yield "depth", deeper.depth, deeper, batch_size // 2, 1
    for workers in range(1, max_workers + 1):
        yield "workers", workers, config, batch_size, workers


def fit_exponent(values: Sequence[float], results: Sequence[float]) -> float:
    """The p of results ~ values^p that fits best: the slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(values), np.log(results), 1)[0])


def plot_scaling(points: Sequence[Point], path: Path) -> None:
    """Time and memory over each size, both axes logarithmic, with the fitted exponents.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.ticker import LogLocator

    kinds = list(dict.fromkeys(point.what for point in points))
    figure = new_figure(2.3 * len(kinds), 5.2)
    headline(figure, "How a training step grows", "Both axes are logarithmic. Dashed: the power that fits best.")
    grid = figure.subplots(2, len(kinds), sharey="row", squeeze=False)
    for row, (name, attribute, unit, colour) in zip(grid, QUANTITIES, strict=True):
        for axes, kind in zip(row, kinds, strict=True):
            chosen = [point for point in points if point.what == kind]
            x = [point.value for point in chosen]
            y = [getattr(point, attribute) * unit for point in chosen]
            title = ""
            if len(set(x)) > 1:
                title = f"~ {kind}^{fit_exponent(x, y):.2f}"
                line = np.exp(np.polyval(np.polyfit(np.log(x), np.log(y), 1), np.log(x)))
                axes.plot(x, line, "--", color=MUTED, linewidth=1)
            axes.plot(x, y, "o-", color=colour, markersize=4)
            quiet_axes(axes, title, kind, name if axes is row[0] else "")
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.set_xticks(x, [str(value) for value in x])
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
    save_figure(figure, path)
