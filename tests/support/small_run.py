"""A run on 200 digits instead of 55,000: `python tests/support/small_run.py train --output RUN ...` takes seconds.

For tests that must start, kill and resume real processes.
"""

import dataclasses
import sys

import tinyvit.datasets
from tinyvit.config import ViTConfig
from tinyvit.datasets import Dataset, Split, load_dataset
from tinyvit.training import Trainer
from tinyvit.training.gradients import OneProcess
from tinyvit.training.run_files import RunFiles
from tinyvit.training.state import build_model
from tinyvit.vit import VisionTransformer

MODEL = ["--patch-size", "14", "--embed-dim", "16", "--depth", "2", "--num-heads", "2", "--drop-path-rate", "0.2"]
RUN = ["--epochs", "3", "--batch-size", "16", "--ema-decay", "0.9", "--checkpoint-seconds", "0", *MODEL]

SMALL_MODEL = ViTConfig(
    img_size=28, patch_size=14, in_chans=1, num_classes=10, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2.0,
    drop_path_rate=0.2, init_std=0.1,
)  # fmt: skip


def small_dataset() -> Dataset:
    whole = load_dataset("mnist")

    def first(split: Split, n: int) -> Split:
        return Split(split.images[:n], split.labels[:n])

    train, dev, test = first(whole.train, 200), first(whole.dev, 100), first(whole.test, 100)
    return dataclasses.replace(whole, train=train, dev=dev, test=test)


def new_trainer(config, dataset: Dataset, folder, progress) -> Trainer:
    """A run in one process, before its first step."""
    files = RunFiles(folder, config, dataset)
    return Trainer(config, dataset, OneProcess(config, dataset, build_model(config)), files, progress)


def weights_that_count(folder) -> dict:
    """The parameters, without the keys' biases: softmax does not see them, their gradients are rounding errors, and AdamW
    makes steps of full length of those.
    """
    parameters = VisionTransformer.from_pretrained(folder).parameters()
    for name, array in parameters.items():
        if name.endswith("qkv.bias"):
            array[len(array) // 3 : 2 * len(array) // 3] = 0
    return parameters


if __name__ == "__main__":
    from tinyvit.cli import main
    from tinyvit.training import start

    dataset = small_dataset()
    start.load_dataset = tinyvit.datasets.load_dataset = lambda *args, **kwargs: dataset
    sys.exit(main(sys.argv[1:]))
