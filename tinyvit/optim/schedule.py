"""Learning-rate schedule: linear warm-up, then half a cosine down."""

import math


def warmup_cosine(step: int, *, lr: float, total_steps: int, warmup_steps: int = 0, min_lr: float = 0.0) -> float:
    """Learning rate of step 0, 1, ..., total_steps - 1.

    Source: Goyal et al. 2017, arXiv:1706.02677 (warm-up); Loshchilov, Hutter 2017, SGDR, arXiv:1608.03983 (cosine).
    """
    if step < warmup_steps:  # 1. warm up: the first step already moves
        return lr * (step + 1) / warmup_steps
    if step >= total_steps:  # 2. past the last step, which comes near it: the minimum
        return min_lr
    progress = (step - warmup_steps) / (total_steps - warmup_steps)  # 3. in between: half a cosine
    return min_lr + (lr - min_lr) * 0.5 * (1 + math.cos(math.pi * progress))
