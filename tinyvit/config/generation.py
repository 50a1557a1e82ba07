"""Config of generation by a Diffusion Transformer."""

import dataclasses
from typing import Literal

from .fields import option
from .presets import PRESETS
from .run import TrainConfig
from .vit import ViTConfig

DIT = dataclasses.replace(
    PRESETS["tiny"],
    embed_dim=96,
    num_heads=6,
    gelu="tanh",
    pool="mean",
    class_token=False,
    pos_embed="sincos2d",
)


@dataclasses.dataclass(frozen=True)
class GenerateConfig(TrainConfig):
    """A run of `tinyvit train --task generate`: class-conditional generation by flow matching with a DiT."""

    model: ViTConfig = DIT
    task: str = option("generate", "learning task")
    epochs: int = option(5, "epochs, passes over the training split", at_least=1)
    lr: float = option(2e-3, "peak learning rate, after warm-up")
    weight_decay: float = option(
        0.0, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    ema_decay: float = option(
        0.999, "exponential moving average (EMA) of the weights: its decay; the average is evaluated; 0: off", below=1
    )
    augment: Literal["none", "shift", "affine"] = option("none", "data augmentation of training images")
    label_dropout: float = option(
        0.1, "share of the training images whose label is left out, for classifier-free guidance", below=1
    )
    guidance: float = option(2.0, "classifier-free guidance of samples; 1: none", below=100)
    steps: int = option(30, "Euler steps from noise to a sample", at_least=1, below=10_000)
    samples: int = option(1000, "samples that are judged on the test split")
    dev_samples: int = option(200, "samples that are judged after each epoch")
    judge: str = option(
        "auto", "classifier that judges samples: a folder, none, or auto, for MNIST the shipped one (data/mnist-vit)"
    )
