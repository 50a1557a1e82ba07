"""PyTorch's side of a comparison: eager or compiled, with its own number of threads."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..config import ViTConfig
from ..datasets import normalize
from .setting import LEARNING_RATE, MEAN, STD, STEP, WEIGHT_DECAY, Side, inference_runs, new_model, one_batch
from .torch_twin import from_torch_layout, torch_twin


def torch_side(config: ViTConfig, batch_size: int, *, compiled: bool) -> Side:
    """The same model with the same weights, on the same batch."""
    twin = torch_twin(new_model(config))
    model: Any = torch.compile(twin) if compiled else twin
    optimizer = torch.optim.AdamW(twin.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batch = one_batch(config, batch_size).train
    images = normalize(np.asarray(batch.images), MEAN, STD)
    x, y = torch.from_numpy(images), torch.from_numpy(batch.labels)

    backward, step = torch_steps(optimizer, lambda: F.cross_entropy(model(x), y))

    def gradients() -> tuple[float, Mapping[str, np.ndarray]]:
        loss = backward().item()
        parameters: Any = twin.named_parameters()
        return loss, {name: from_torch_layout(name, p.grad.numpy(), config) for name, p in parameters}

    def predict(images: np.ndarray) -> None:
        with torch.inference_mode():
            model(torch.from_numpy(images))

    return Side({STEP: step, **inference_runs(predict, images)}, gradients, list, lambda: None)


def torch_steps(
    optimizer: torch.optim.Optimizer, forward: Callable[[], torch.Tensor]
) -> tuple[Callable[[], torch.Tensor], Callable[[], None]]:
    """The backward of what `forward` returns, which gives that loss; and the same with an update after it."""

    def backward() -> torch.Tensor:
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        return loss

    def step() -> None:
        backward()
        optimizer.step()

    return backward, step
