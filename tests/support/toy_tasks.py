"""Every task with a model and data of a few numbers."""

import dataclasses
import functools

import numpy as np

from tinyvit.config import ViTConfig
from tinyvit.config.tasks import CONFIGS
from tinyvit.config.text_tasks import LETTERS, SENTENCES
from tinyvit.datasets import Split
from tinyvit.tasks import task_of

MODEL = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=5, embed_dim=8, depth=2, num_heads=2, init_std=0.3)
B = 11


FEATURES = dataclasses.replace(MODEL, num_classes=0, pool="mean")
ROWS = dataclasses.replace(FEATURES, img_size=(8, 24), num_classes=5, class_token=False, num_registers=3)
TOYS = {  # fields of each task's config, for models of a few numbers
    "classify": {"model": MODEL, "label_smoothing": 0.1},
    "transfer": {"model": MODEL, "num_labels": 10},
    "mae": {"model": FEATURES, "decoder_embed_dim": 8, "decoder_num_heads": 2},
    "generate": {"model": MODEL, "judge": "none", "steps": 2},
    "distill": {"model": MODEL, "label_smoothing": 0.1},
    "segment": {"model": dataclasses.replace(MODEL, img_size=16, num_classes=6), "max_digits": 2},
    "detect": {"model": dataclasses.replace(MODEL, img_size=16), "max_digits": 2, "max_boxes": 3},
    "tag": {"model": dataclasses.replace(SENTENCES, embed_dim=8, num_heads=2)},
    "sentiment": {"model": dataclasses.replace(LETTERS, embed_dim=8, num_heads=2), "label_smoothing": 0.1},
    "continual": {"model": dataclasses.replace(MODEL, num_classes=5), "method": "ewc", "epochs": 3},
    "read": {"model": ROWS, "digits": 3},
}


@functools.cache
def own_data(task):
    """The first examples of a data set that a task has of its own, or None."""
    config = CONFIGS[task](**TOYS[task])
    own = task_of(config).dataset(config, print)
    if own is None:
        return None
    splits = {"train": own.train, "dev": own.dev, "test": own.test}
    sizes = {"train": 30, "dev": 13, "test": 7}
    first = {name: Split(split.images[: sizes[name]], split.labels[: sizes[name]]) for name, split in splits.items()}
    return dataclasses.replace(own, **first)


def shaken(config):
    """A model without zeros: what starts at zero hides the gradients of what comes before."""
    model = task_of(config).build(config, np.random.default_rng(0)).astype(np.float64)
    rng = np.random.default_rng(2)
    for array in model.parameters().values():
        array += 0.1 * rng.standard_normal(array.shape)
    return model
