"""PyTorch's side of the benchmark for GPUs, on the CPU: it makes the step that ours makes."""

import numpy as np
import pytest

from tinyvit.bench import gpu_timing
from tinyvit.bench.setting import LEARNING_RATE, WEIGHT_DECAY, new_model
from tinyvit.bench.torch_gpu import build_step
from tinyvit.config import ViTConfig
from tinyvit.optim import AdamW, flatten
from tinyvit.training import train_step

SIZE = gpu_timing.Size(
    "small",
    ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2),
    6,
    ("fp32",),
)


def test_both_sides_begin_alike():
    step = build_step(SIZE, "fp32", None, "cpu")
    model = new_model(SIZE.config)
    optimizer = AdamW(flatten(model), weight_decay=WEIGHT_DECAY)
    images, labels = gpu_timing.random_batch(SIZE)
    for _ in range(2):
        loss = train_step(model, optimizer, images, labels.astype(np.int64), lr=LEARNING_RATE)
        assert float(step()) == pytest.approx(float(loss), rel=1e-4)
