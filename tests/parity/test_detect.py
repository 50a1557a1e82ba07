"""Detection against PyTorch, with copied weights: the loss of ten steps of training."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.parity.test_model import close
from tinyvit.bench.torch_twin import torch_twin
from tinyvit.config import ViTConfig
from tinyvit.config.tasks import DetectConfig
from tinyvit.datasets import load_dataset
from tinyvit.optim import AdamW
from tinyvit.tasks import TASKS

MODEL = ViTConfig(
    img_size=(42, 49), patch_size=7, in_chans=1, num_classes=10, embed_dim=24, depth=2, num_heads=3, num_registers=1,
    stem="conv", init_std=0.1,
)  # fmt: skip


class TorchDetector(nn.Module):
    """images, of each patch a class (B, L), -1 for none, and a box (B, L, 4) -> the loss."""

    def __init__(self, model, config):
        super().__init__()
        self.config = config
        self.encoder = torch_twin(model.encoder)
        self.encoder.pool = nn.Identity()  # all tokens, not one
        for name in ("scores", "sides"):
            ours = getattr(model.head, name)
            head = nn.Linear(*ours.weight.shape, dtype=getattr(torch, str(model.dtype)))
            head.load_state_dict({"weight": torch.tensor(ours.weight.T), "bias": torch.tensor(ours.bias)})
            setattr(self, name, head)

    def forward(self, images, classes, targets):
        config, model = self.config, self.config.model
        patches = self.encoder(images)[:, model.num_prefix_tokens :]
        logits, z = self.scores(patches), self.sides(patches)
        truth = (classes[..., None] == torch.arange(model.num_classes)).to(logits.dtype)
        right = torch.where(truth > 0, logits.sigmoid(), 1 - logits.sigmoid())
        alpha = torch.where(truth > 0, config.focal_alpha, 1 - config.focal_alpha)
        surprise = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        focal = (alpha * (1 - right) ** config.focal_gamma * surprise).sum((1, 2))
        rows, columns = model.grid_size
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        middles = (torch.stack([x, y], -1).flatten(0, 1).to(z.dtype) + 0.5) * model.patch_size  # (L, 2)
        reach = model.patch_size * z.exp()
        boxes = torch.cat([middles - reach[..., :2], middles + reach[..., 2:]], -1)
        giou = (one_minus_giou(boxes, targets) * (classes >= 0)).sum(1)
        return ((focal + config.box_weight * giou) / (classes >= 0).sum(1).clamp(min=1)).mean()


def one_minus_giou(boxes, targets):
    def area(first, last):
        return (last - first).clamp(min=0).prod(-1)

    (low, high), (target_low, target_high) = boxes.split(2, -1), targets.split(2, -1)
    inter = area(torch.maximum(low, target_low), torch.minimum(high, target_high))
    union = area(low, high) + area(target_low, target_high) - inter
    hull = area(torch.minimum(low, target_low), torch.maximum(high, target_high))
    return 1 - inter / union + (hull - union) / hull


def test_ten_steps_of_training_have_the_same_losses(precision):
    dtype, tolerance = precision
    task, config = TASKS["detect"], DetectConfig(model=MODEL, box_weight=1.5)
    model = task.build(config, np.random.default_rng(0)).astype(dtype)
    batch = task.batch(config, load_dataset("mnist"), np.arange(4), np.random.default_rng(1))
    batch = tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in batch)
    twin = TorchDetector(model, config)
    optimizer = AdamW(model.parameters(), weight_decay=0.0)
    theirs = torch.optim.AdamW(twin.parameters(), lr=1e-3, weight_decay=0.0)
    losses = []
    for _ in range(10):
        loss, grads = task.loss_and_gradients(config, model, batch)
        optimizer.step(grads, lr=1e-3)
        torch_loss = twin(*map(torch.from_numpy, batch))
        theirs.zero_grad()
        torch_loss.backward()
        theirs.step()
        close(np.asarray(loss), torch_loss, 10 * tolerance, "loss")
        losses.append(float(loss))
    assert losses[-1] < losses[0]
