"""Runs of lesson 26: tiny ViTs of several widths, trained on so many images, and the dev loss that each came to.

`scaling.csv` has them. `python -m tinyvit.course.scaling` makes it again, in a few minutes of one core.
"""

import csv
import dataclasses
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ..config import PRESETS, ViTConfig
from ..config.costs import model_costs
from ..datasets import Dataset, load_dataset, normalize
from ..ops import cross_entropy_forward
from ..optim import AdamW, warmup_cosine
from ..vit import VisionTransformer

TABLE = Path(__file__).with_name("scaling.csv")
BATCH, SEEDS = 32, (0, 1, 2)
WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48)
BUDGETS = (1, 2, 4, 8, 16)
MIN_IMAGES, MAX_IMAGES = 500, 55_000  # images of a run
STEPS = 256  # of the runs that differ in their width, or in how many images there are, alone


class Run(NamedTuple):
    width: int  # embed_dim
    images: int  # different ones
    seen: int  # images that its steps took; more than `images` if they came again
    seed: int
    loss: float  # mean cross-entropy on the dev split, nats


def config(width: int) -> ViTConfig:
    """A ViT of two blocks and five tokens. With their mean at its end, all are needed in all blocks."""
    return dataclasses.replace(
        PRESETS["tiny"],
        patch_size=14,
        embed_dim=width,
        depth=2,
        num_heads=2,
        mlp_ratio=4.0,
        pool="mean",
        init_std=0.64 / width**0.5,
    )


def learning_rate(width: int) -> float:
    """Rate near the best of each width: a wide model wants a smaller one."""
    return 0.4 / width


def train(width: int, images: int, seen: int, seed: int, *, lr: float | None = None) -> VisionTransformer:
    """A model that was trained on `seen` images, drawn from `images` different ones."""
    from ..training.step import train_step  # not at the start of every lesson

    split, rng = _mnist().train, np.random.default_rng(seed)
    model = VisionTransformer(config(width), rng=rng)
    optimizer, batches = AdamW(model.parameters()), draw(len(split.labels), images, seen, rng)
    peak = learning_rate(width) if lr is None else lr
    for step, rows in enumerate(batches):
        now = warmup_cosine(step, lr=peak, total_steps=len(batches), warmup_steps=len(batches) // 10)
        train_step(model, optimizer, _normalised(split.images[rows]), split.labels[rows], lr=now)
    return model


def draw(count: int, images: int, seen: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of each step's images, (steps, 32): `images` of the `count` there are, one round after another."""
    chosen = rng.permutation(count)[:images]
    rounds = np.concatenate([rng.permutation(chosen) for _ in range(-(-seen // images))])
    return rounds[: seen // BATCH * BATCH].reshape(-1, BATCH)


def dev_loss(model: VisionTransformer) -> float:
    """Mean cross-entropy on the 5,000 images of the dev split."""
    split = _mnist().dev
    return float(cross_entropy_forward(model.predict(_normalised(split.images[:])), labels=split.labels[:])[0])


@cache
def _mnist() -> Dataset:
    return load_dataset("mnist")


def _normalised(pixels: np.ndarray) -> np.ndarray:
    data = _mnist()
    return normalize(pixels, data.mean, data.std, np.float64).astype(np.float32)  # rounded once


def work(width: int) -> int:
    """FLOPs of a training step for each image: forward, and twice as many backward."""
    return 3 * sum(cost.flops for cost in model_costs(config(width)).values())


def images_for(width: int, budget: int) -> int:
    """Number of images a model of this width can see for the work of `budget` times 1,024 images at width 16."""
    return round(budget * 1024 * work(16) / work(width))


def plan() -> Iterator[tuple[int, int, int]]:
    """Width, images and images seen of every run."""
    for budget in BUDGETS:  # the same work, by narrow models and many images, or wide ones and few
        for width in WIDTHS:
            images = images_for(width, budget)
            if MIN_IMAGES <= images <= MAX_IMAGES:
                yield width, images, images
    for width in WIDTHS:  # the same images
        yield width, STEPS * BATCH, STEPS * BATCH
    for images in (300, 1000, 3000):  # the same steps, and fewer different images
        for width in WIDTHS[::2]:
            yield width, images, STEPS * BATCH


def runs() -> list[Run]:
    """All runs, in the order of `plan`, seed after seed."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [Run(int(w), int(images), int(seen), int(seed), float(loss)) for w, images, seen, seed, loss in rows]


def main() -> None:
    threadpool_limits(1)
    table = []
    for seed in SEEDS:
        for width, images, seen in dict.fromkeys(plan()):
            loss = dev_loss(train(width, images, seen, seed))
            table.append(Run(width, images, seen, seed, round(loss, 4)))
            print(*table[-1], flush=True)
    with TABLE.open("w", encoding="utf-8", newline="") as file:  # once all runs are over: a half table is none
        csv.writer(file, lineterminator="\n").writerows([Run._fields, *table])


if __name__ == "__main__":
    main()
