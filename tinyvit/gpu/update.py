"""AdamW with clipping and the moving average, over all parameters as one vector, with its schedule on the device."""

import math
from collections.abc import Sequence

import numpy as np

from ..backend import Array
from ..optim import EMA, AdamW, FlatArrays, decays
from .device import Device

BLOCK = (32, 8)
MAX_PARTS = 256  # of the sum of squares


class FusedUpdate:
    """Fused `clip_by_global_norm`, `AdamW.step` and `EMA.update`: three launches, at the step that `step` holds.

    Args:
        parameters: those of the optimizer.
        optimizer, ema: whose arrays are updated, in place.
        rates: the learning rate of each step of the run.
        clip_grad: the largest length of the gradient; 0 for no limit.
    """

    def __init__(
        self,
        device: Device,
        optimizer: AdamW,
        parameters: FlatArrays,
        grads: FlatArrays,
        *,
        rates: Sequence[float],
        clip_grad: float = 0.0,
        ema: EMA | None = None,
    ):
        xp = device.xp
        self.device, self.optimizer, self.clip_grad = device, optimizer, clip_grad
        self.parameters, self.grads = parameters, grads
        self.average = ema.average.vector if ema else None
        self.step = xp.zeros(1, np.int32)  # how many steps are done
        self.losses = xp.zeros(len(rates), np.float32)  # of each step
        self._schedule = xp.asarray(schedule_table(optimizer, rates, ema))
        self._decayed = sum(p.size for name, p in self.parameters.items() if decays(name, p))
        self._partial = xp.empty(min(MAX_PARTS, -(-self.parameters.vector.size // math.prod(BLOCK))), np.float32)

    def run(self, loss: Array) -> None:
        """One step against `grads`; its loss (1,) is written down."""
        optimizer, n = self.optimizer, self.parameters.vector.size
        beta1, beta2 = optimizer.betas
        state = (optimizer.state["m"].vector, optimizer.state["v"].vector, self.average)
        launch = self.device.launch
        if self.clip_grad:
            launch("square_partials", self._partial.shape, BLOCK, self.grads.vector, self._partial, n)
        launch(
            "adamw",
            (-(-n // math.prod(BLOCK)),),
            BLOCK,
            *(self.parameters.vector, self.grads.vector, *state, self._schedule, self.step),
            *(self._partial, self._partial.size, self.clip_grad),
            *(beta1, beta2, 1 - beta1, 1 - beta2, optimizer.weight_decay, self._decayed, n),
        )
        launch("next_step", (1,), (1,), loss, self.losses, self.step)


def schedule_table(optimizer: AdamW, rates: Sequence[float], ema: EMA | None) -> np.ndarray:
    """(steps, 4): the learning rate, the rate and eps with AdamW's corrections, the decay of the average."""
    beta1, beta2 = optimizer.betas
    rows = []
    for index, rate in enumerate(rates):
        correction1, correction2 = 1 - beta1 ** (index + 1), 1 - beta2 ** (index + 1)
        decay = ema.decay_at(index + 1) if ema else 0.0
        rows.append((rate, rate * math.sqrt(correction2) / correction1, optimizer.eps * math.sqrt(correction2), decay))
    return np.array(rows, np.float32)
