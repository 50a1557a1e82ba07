"""One training step against PyTorch's, side by side in one process.

    python tests/benchmarks/step_vs_torch.py --batch-size 128 --pairs 30

Both have the same weights, batch, precision (float32) and optimizer (AdamW), and are checked to compute the same loss and
gradients before they are timed in turn. PyTorch is eager and uses all cores, its default; tinyvit runs as `tinyvit train`
does, with one thread for the matrix library, and then with all.
"""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from torch_vit import to_torch_layout, torch_twin

from tinyvit.optim import AdamW
from tinyvit.presets import PRESETS
from tinyvit.training import loss_and_gradients, train_step
from tinyvit.vit import VisionTransformer


def main() -> None:
    parser = argparse.ArgumentParser(description="Median time of a training step, tinyvit against PyTorch eager.")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--patch-size", type=int, default=7)
    parser.add_argument("--pairs", type=int, default=30)
    options = parser.parse_args()

    config = dataclasses.replace(PRESETS["tiny"], patch_size=options.patch_size)
    rng = np.random.default_rng(0)
    model = VisionTransformer(config, rng=rng)
    images = rng.standard_normal((options.batch_size, 1, 28, 28)).astype(np.float32)
    labels = rng.integers(0, 10, options.batch_size)
    twin, torch_images, torch_labels = torch_twin(model), torch.from_numpy(images), torch.from_numpy(labels)

    loss, grads = loss_and_gradients(model, images, labels)
    torch_loss = F.cross_entropy(twin(torch_images), torch_labels)
    torch_loss.backward()
    worst = max(
        np.abs(to_torch_layout(name, grads[name], config) - p.grad.numpy()).max() / np.abs(p.grad.numpy()).max()
        for name, p in twin.named_parameters()
    )
    print(f"same loss ({float(loss):.6f}, {torch_loss.item():.6f}), gradients within {worst:.1e} of each other")
    if worst > 1e-4:
        sys.exit("the two do not compute the same thing")

    optimizer = AdamW(model.parameters(), weight_decay=0.05)
    torch_optimizer = torch.optim.AdamW(twin.parameters(), lr=1e-3, weight_decay=0.05)

    def ours(threads: int) -> None:
        with threadpool_limits(threads, user_api="blas"):
            train_step(model, optimizer, images, labels, lr=1e-3)

    def theirs() -> None:
        torch_optimizer.zero_grad()
        F.cross_entropy(twin(torch_images), torch_labels).backward()
        torch_optimizer.step()

    cores = os.cpu_count() or 1
    runs = {
        f"PyTorch {torch.__version__} eager, {torch.get_num_threads()} threads": theirs,
        "tinyvit, 1 BLAS thread": lambda: ours(1),
        f"tinyvit, {cores} BLAS threads": lambda: ours(cores),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(options.pairs + 3):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number >= 3:  # the first rounds warm up
                times[name].append(1000 * (time.perf_counter() - start))
    print(f"batch {options.batch_size}, {config.num_tokens} tokens, {options.pairs} rounds, {cores} cores")
    base = float(np.median(next(iter(times.values()))))
    for name, series in times.items():
        low, median, high = np.percentile(series, [10, 50, 90])
        print(f"{name:<36} median {median:6.1f} ms (p10 {low:.1f}, p90 {high:.1f}), {median / base:.2f} of PyTorch")


if __name__ == "__main__":
    main()
