"""Benchmark of transfer learning: `python -m tinyvit.bench.transfer`, five digits pretrained, five others learned.

Everything goes the way of a user's own images: PNG files in folders, and `tinyvit finetune`'s own code.

1. A small ViT with random weights learns the digits 0 to 4, from some thousand images.
2. The digits 5 to 9 are new: 20 images of each to learn from, 20 to choose the best epoch by, 200 to test on.
3. They are learned twice for each seed, with the same settings: from the random weights, and from those of step 1.
"""

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..config import ViTConfig
from ..datasets import Split, load_dataset
from ..training import FinetuneConfig
from ..training.finetuning import finetune
from ..vit import VisionTransformer

OLD, NEW, SIDE = range(5), range(5, 10), 32
MODEL = ViTConfig(
    img_size=SIDE,
    patch_size=8,
    num_classes=len(OLD),
    embed_dim=64,
    depth=4,
    num_heads=4,
    mlp_ratio=2.0,
    init_std=0.08,
)
# Digits must not be mirrored, and hardly be cropped.
SETTINGS = FinetuneConfig(model=MODEL, epochs=30, lr=1e-3, batch_size=20, flip=0.0, crop_scale=0.8)
PRETRAINING = dataclasses.replace(SETTINGS, epochs=20, lr=2e-3, batch_size=64)
Counts = Mapping[str, int]  # images of each digit, for train, val and test
OLD_COUNTS, NEW_COUNTS = {"train": 1000, "val": 100, "test": 100}, {"train": 20, "val": 20, "test": 200}


def transfer(
    folder: Path,
    seeds: Sequence[int],
    *,
    old: Counts = OLD_COUNTS,
    new: Counts = NEW_COUNTS,
    settings: FinetuneConfig = SETTINGS,
    pretraining: FinetuneConfig = PRETRAINING,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, list[float]]:
    """The test accuracies, 0..1, for each seed, by what was started from; all files are made in `folder`."""
    VisionTransformer(MODEL, rng=np.random.default_rng(0)).save_pretrained(folder / "random")
    write_digits(folder / "old", OLD, old)
    write_digits(folder / "new", NEW, new)

    def learn(config: FinetuneConfig, start: str, images: str, run: str) -> float:
        start, images, run = (str(folder / place) for place in (start, images, run))
        history = finetune(dataclasses.replace(config, pretrained=start, data_dir=images, output=run))
        return history.test.measures["accuracy"]

    say(f"the digits 0 to 4, from random weights: {learn(pretraining, 'random', 'old', 'knows-five'):.1%}")
    starts = {"random weights": "random", "pretrained": "knows-five/best"}
    accuracies: dict[str, list[float]] = {name: [] for name in starts}
    for seed in seeds:
        for name, start in starts.items():
            config = dataclasses.replace(settings, seed=seed)
            accuracies[name].append(learn(config, start, "new", f"{name.replace(' ', '-')}-{seed}"))
            say(f"the digits 5 to 9, seed {seed}, from {name}: {accuracies[name][-1]:.1%}")
    return accuracies


def write_digits(folder: Path, digits: Sequence[int], counts: Counts) -> None:
    """MNIST as RGB images of 32 x 32 pixels, in `folder/<split>/<digit>/`; train and val from its training images."""
    mnist = load_dataset("mnist")
    splits: dict[str, Split] = {"train": mnist.train, "val": mnist.dev, "test": mnist.test}
    for name, split in splits.items():
        for digit in digits:
            (place := folder / name / str(digit)).mkdir(parents=True)
            for index in np.flatnonzero(split.labels == digit)[: counts[name]]:
                image = Image.fromarray(np.pad(split.images[index][0], (SIDE - 28) // 2))
                image.convert("RGB").save(place / f"{index}.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tinyvit.bench.transfer", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(default: 0 1 2)")
    with tempfile.TemporaryDirectory() as folder:
        accuracies = transfer(Path(folder), parser.parse_args().seeds, say=lambda line: print(line, flush=True))
    for name, values in accuracies.items():
        print(f"{name:<16}{', '.join(f'{value:.1%}' for value in values)}; mean {np.mean(values):.1%}")


if __name__ == "__main__":
    main()
