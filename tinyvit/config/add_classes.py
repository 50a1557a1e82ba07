"""Config of a run that adds classes to those that a classifier knows."""

import dataclasses

from .fields import option
from .run import FinetuneConfig


@dataclasses.dataclass(frozen=True)
class AddClassesConfig(FinetuneConfig):
    """A run of `tinyvit finetune --add-classes`: a classifier learns more classes, and is to keep those that it has."""

    replay: int = option(
        500,
        "replay: images of known classes that are kept and are half of each batch; 0: learning without forgetting, by "
        "distillation from the model of before",
    )
    replay_dir: str | None = option(
        None, "folder of images of the classes known before (else what the model was trained on, if it is still there)"
    )
    num_known: int = option(0, "classes known before")
    num_kept: int = option(0, "training images that are kept of them")
    accuracy_before: float | None = option(None, "accuracy on their test images before", below=1.0001)


FOUND_OUT = ("num_known", "num_kept", "accuracy_before")  # when the run begins, not by a flag
