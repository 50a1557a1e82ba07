"""A whole training run by PyTorch with a recipe of ours: `python -m tinyvit.bench.torch_run RECIPE SEED`.

The same first weights, the same batches and augmentation (made by the same NumPy code), AdamW on the same parameters,
the same schedule and clipping, a look at the dev split after each epoch, and the best epoch's weights on the test
split. Prints the accuracy there. Only the model, its gradients and the optimizer are PyTorch's.
"""

import dataclasses
import sys
from typing import Any

import torch
import torch.nn.functional as F

from ..backend import generator
from ..config.run import RunConfig
from ..datasets import Split, batches, epoch_order, load_dataset, normalize
from ..evaluation.predict import BATCH_SIZE
from ..optim import decays
from ..training import TrainConfig, recipe, steps_per_epoch, training_batch
from ..training.state import build_model, learning_rate
from ..vit import VisionTransformer
from .runs import check_twin
from .torch_twin import TorchViT, torch_twin


def adamw(model: TorchViT, ours: VisionTransformer, config: RunConfig) -> torch.optim.AdamW:
    """On the parameters of `model`, of which the same decay as in `ours`."""
    kinds = {name: decays(name, array) for name, array in ours.parameters().items()}
    groups = [
        {
            "params": [p for name, p in model.named_parameters() if kinds[name] == decayed],
            "weight_decay": config.weight_decay * decayed,
        }
        for decayed in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=config.lr)


def train(config: TrainConfig) -> float:
    """The accuracy on the test split, 0..1.

    Raises:
        UserError: as `check_twin`.
    """
    check_twin(config)
    dataset = load_dataset("mnist", data_dir=config.data_dir)  # what recipes are for
    ours: Any = build_model(config)
    model = torch_twin(ours)
    optimizer = adamw(model, ours, config)
    steps = steps_per_epoch(config, dataset)

    def accuracy(split: Split) -> float:
        right = 0
        with torch.inference_mode():
            for images, labels in batches(split, BATCH_SIZE):
                logits = model(torch.from_numpy(normalize(images, dataset.mean, dataset.std)))
                right += int((logits.argmax(1) == torch.from_numpy(labels)).sum())
        return right / len(split)

    best, best_state = -1.0, model.state_dict()
    for epoch in range(config.epochs):
        order = epoch_order(len(dataset.train), seed=config.seed, epoch=epoch)
        for index in range(steps):
            step = epoch * steps + index
            chosen = order[index * config.batch_size : (index + 1) * config.batch_size]
            images, labels = training_batch(config, dataset, chosen, generator(config.seed, "step", step))
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, step, steps)
            optimizer.zero_grad()
            F.cross_entropy(model(torch.from_numpy(images)), torch.from_numpy(labels)).backward()
            if config.clip_grad:
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_grad)
            optimizer.step()
        dev = accuracy(dataset.dev)
        if dev > best:
            best, best_state = dev, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best_state)
    return accuracy(dataset.test)


if __name__ == "__main__":
    config = dataclasses.replace(recipe(sys.argv[1]), seed=int(sys.argv[2]))
    print(f"test accuracy {100 * train(config):.2f} %")
