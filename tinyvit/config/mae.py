"""Config of masked autoencoders, and of classifiers that begin with an encoder that is trained already."""

import dataclasses
from typing import ClassVar

from .fields import option
from .presets import PRESETS
from .run import TrainConfig
from .vit import ViTConfig

MAE_ENCODER = dataclasses.replace(PRESETS["tiny"], patch_size=4, num_classes=0, pool="mean")
TRANSFER_MODEL = dataclasses.replace(MAE_ENCODER, num_classes=10)


@dataclasses.dataclass(frozen=True)
class MAEConfig(TrainConfig):
    """A run of `tinyvit train --task mae`: a masked autoencoder (He et al. 2022, arXiv:2111.06377)."""

    is_classifier: ClassVar[bool] = False
    model: ViTConfig = MAE_ENCODER
    task: str = option("mae", "learning task")
    epochs: int = option(20, "epochs, passes over the training split", at_least=1)
    batch_size: int = option(256, "batch size, images per optimizer step", at_least=1)
    lr: float = option(2e-3, "peak learning rate, after warm-up")
    weight_decay: float = option(
        0.05, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    clip_grad: float = option(1.0, "gradient clipping: largest norm of all gradients together; 0: off")
    translate: float = option(2.0, "random translation in each direction, at most, in pixels (augment affine)")
    mask_ratio: float = option(0.75, "masking ratio: fraction of the patches that the encoder does not see", below=1)
    decoder_embed_dim: int = option(32, "width of the decoder's tokens", at_least=1)
    decoder_depth: int = option(1, "blocks of the decoder")
    decoder_num_heads: int = option(4, "attention heads of the decoder", at_least=1)
    norm_pix_eps: float = option(0.05, "epsilon of the patches' variance in the target, in normalised pixels")


@dataclasses.dataclass(frozen=True)
class TransferConfig(TrainConfig):
    """A run of `tinyvit train --task transfer`: an encoder that a task has trained learns classes, from few labels."""

    model: ViTConfig = TRANSFER_MODEL
    task: str = option("transfer", "learning task")
    init: str | None = option(None, "initial weights: run or folder of a model (else random)")
    num_labels: int = option(0, "labelled training images that are used, as many of each class; 0: all")
    layer_decay: float = option(
        0.75, "layer-wise learning-rate decay: factor per block, downwards; 1: off", at_least=1e-3, below=1.0001
    )
    epochs: int = option(4, "epochs; of few labels, passes that make 100 batches together", at_least=1)
    batch_size: int = option(64, "batch size, images per optimizer step", at_least=1)
    lr: float = option(2e-3, "peak learning rate, after warm-up")
    warmup_epochs: float = option(0.5, "warm-up: epochs of linear growth up to the peak learning rate")
    weight_decay: float = option(
        0.05, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    degrees: float = option(10.0, "random rotation, at most, in degrees (augment affine)")
    translate: float = option(2.0, "random translation in each direction, at most, in pixels (augment affine)")
    scale: float = option(
        0.12, "random scaling, at most, as a fraction: 0.12 is 88 to 112 percent (augment affine)", below=1
    )
    shear: float = option(5.0, "random shear, at most, in degrees (augment affine)", below=90)
