"""Models of every kind that there are kernels for, each ready to take steps on some device."""

import dataclasses

import numpy as np

from tests.support import kernel_cases as cases
from tinyvit.backend import to_numpy
from tinyvit.gpu import FusedStep, FusedUpdate
from tinyvit.gradcheck.cases import shaken
from tinyvit.optim import EMA, AdamW, FlatArrays, flatten
from tinyvit.vit import VisionTransformer

SMALL = cases.SMALL
CONFIGS = {
    "class token": SMALL,
    "mean, registers, tanh": dataclasses.replace(SMALL, pool="mean", num_registers=2, gelu="tanh"),
    "fixed positions, no qkv bias": dataclasses.replace(SMALL, pos_embed="sincos2d", qkv_bias=False),
    "one block": dataclasses.replace(SMALL, depth=1, num_registers=1),
    "three blocks": dataclasses.replace(SMALL, depth=3),
    "long attention": cases.WIDE,
    "long attention, mean": dataclasses.replace(cases.WIDE, pool="mean"),
}
RATES = [1e-3, 2e-3, 5e-4]
BATCH, SMOOTHING, CLIP = 5, 0.1, 1.0


class Side:
    """A model on a device, its fused step and update, and three batches."""

    def __init__(self, config, device):
        rng = np.random.default_rng(0)
        self.device = device
        self.host = shaken(VisionTransformer(config, rng=rng), rng).astype(np.float32)
        model = self.host.astype(np.float32)._map(device.xp.asarray)  # a copy
        vectors = (device.xp.zeros(model.num_parameters(), np.float32) for _ in range(2))
        self.parameters = flatten(model, next(vectors))
        self.grads = FlatArrays(self.parameters, next(vectors))
        self.optimizer = AdamW(self.parameters, weight_decay=0.1)
        self.ema = EMA(self.parameters, decay=0.9)
        positions = None
        if config.pos_embed == "sincos2d":
            positions = device.xp.asarray(np.ascontiguousarray(self.host.sincos.astype(np.float32)))
        self.step = FusedStep(
            device,
            config,
            self.parameters,
            self.grads,
            batch_size=BATCH,
            label_smoothing=SMOOTHING,
            positions=positions,
        )
        self.update = FusedUpdate(
            device, self.optimizer, self.parameters, self.grads, rates=RATES * 2, clip_grad=CLIP, ema=self.ema
        )
        self.images = rng.standard_normal((3, BATCH, *config.input_shape)).astype(np.float32)
        self.labels = rng.integers(0, config.num_classes, (3, BATCH))

    def feed(self, index):
        xp = self.device.xp
        self.step.batch.labels[...] = xp.asarray(self.labels[index].astype(np.int32))
        self.step.patchify(xp.asarray(self.images[index]))

    def run(self):
        self.step.gradients()
        self.update.run(self.step.loss)


def close(got, want, tolerance=1e-5):
    got = to_numpy(got)
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max(), "far off, or NaN"
