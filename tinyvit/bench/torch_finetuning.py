"""PyTorch's side of `bench.finetuning`: the same model, batches, schedule and optimizer, eager."""

import dataclasses
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..datasets.image_files import image_dataset
from ..training import FinetuneConfig, Progress
from ..training.finetuning.batches import ImageBatches
from ..training.finetuning.pretrained import pretrained_for, starting_point
from ..training.finetuning.start import readable
from ..training.state import learning_rate
from .clock import Clock
from .side import peak_memory
from .torch_run import adamw
from .torch_twin import torch_twin


def torch_run(config: FinetuneConfig) -> dict[str, Any]:
    """Measure PyTorch's side as `bench.finetuning.tinyvit_run` does ours."""
    listing, _ = readable(config, Progress())
    ours, processor = starting_point(pretrained_for(config), len(listing.class_names), {}, Progress())
    config = dataclasses.replace(config, model=ours.config)
    dataset = image_dataset(listing, processor, name=config.dataset_name)
    batches = ImageBatches(config, dataset, processor, torch.get_num_threads())
    model = torch_twin(ours)
    optimizer = adamw(model, ours, config)
    del ours
    clock, losses = Clock(), []
    for step in range(config.epochs * batches.steps_per_epoch):
        images, labels = batches.take(step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step, batches.steps_per_epoch)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.from_numpy(images)), torch.from_numpy(labels))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_grad)
        optimizer.step()
        losses.append(loss.item())
        clock.step(len(images), losses[-1])
    batches.close()
    return {
        "seconds": clock.seconds_per_step(batches.steps_per_epoch) / config.batch_size,
        "memory": peak_memory([]),
        "losses": [float(loss) for loss in np.reshape(losses, (config.epochs, -1)).mean(1)],
    }
