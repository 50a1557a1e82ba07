"""PyTorch's side of a comparison."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..errors import UserError
from ..training.parallel import Team
from ..vit import VisionTransformer
from .torch_twin import to_torch_layout, torch_twin

TOLERANCE = 1e-3  # of gradients, relative to the largest: float32 sums in another order


class TorchSide:
    """The same model with the same weights, eager or compiled, with PyTorch's own number of threads."""

    def __init__(self, model: VisionTransformer, *, compiled: bool):
        self.twin = torch_twin(model)
        self.model: Any = torch.compile(self.twin) if compiled else self.twin

    def check(self, team: Team, images: np.ndarray, labels: np.ndarray) -> None:
        """Loss and gradients of the first step, by both.

        Raises:
            UserError: they differ.
        """
        loss = float(team.gradients(0))
        torch_loss = F.cross_entropy(self.model(torch.from_numpy(images)), torch.from_numpy(labels))
        torch_loss.backward()
        worst = abs(loss - torch_loss.item()) / loss
        parameters: Any = self.twin.named_parameters()
        for name, parameter in parameters:
            theirs = parameter.grad.numpy()
            ours = to_torch_layout(name, team.grads[name], team.config.model)
            worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
        if not worst < TOLERANCE:
            raise UserError(f"tinyvit and PyTorch differ by {worst:.1e} in loss or gradients: nothing was timed")

    def training_step(
        self, images: np.ndarray, labels: np.ndarray, *, lr: float, weight_decay: float
    ) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(self.twin.parameters(), lr=lr, weight_decay=weight_decay)
        x, y = torch.from_numpy(images), torch.from_numpy(labels)

        def step() -> None:
            optimizer.zero_grad()
            F.cross_entropy(self.model(x), y).backward()
            optimizer.step()

        return step

    def predict(self, images: np.ndarray) -> None:
        with torch.inference_mode():
            self.model(torch.from_numpy(images))
