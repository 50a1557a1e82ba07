"""Configs of the tasks: the fields that each adds to a training run, and defaults that are its recipe."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .fields import option
from .presets import PRESETS
from .run import FinetuneConfig, RunConfig, TrainConfig
from .vit import ViTConfig

MAE_ENCODER = dataclasses.replace(PRESETS["tiny"], patch_size=4, num_classes=0, pool="mean")


@dataclasses.dataclass(frozen=True)
class MAEConfig(TrainConfig):
    """A run of `tinyvit train --task mae`: a masked autoencoder (He et al. 2022, arXiv:2111.06377)."""

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


CONFIGS: dict[str, type[TrainConfig]] = {"classify": TrainConfig, "mae": MAEConfig}


def config_of(values: Mapping[str, Any]) -> RunConfig:
    """The inverse of `RunConfig.to_dict`, of a run of any verb and task; without a task, it classifies.

    Raises:
        UserError: there is no such task, or as `Config.from_dict`.
    """
    if "pretrained" in values:
        return FinetuneConfig.from_dict(values)
    return task_config(values.get("task", "classify")).from_dict(values)


def task_config(task: Any) -> type[TrainConfig]:
    """The class of a task's configs.

    Raises:
        UserError: there is no such task.
    """
    if not isinstance(task, str) or task not in CONFIGS:
        raise UserError(f"there is no task called {task!r}: choose from {', '.join(CONFIGS)}")
    return CONFIGS[task]
