"""Files of a task's model: its image encoder as an ordinary model folder, and beside it what stands on the encoder.

So `tinyvit finetune`, `convert`, `info` and `look` open a folder that any task has written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..backend import Array
from ..config.run import RunConfig
from ..config.tasks import config_of
from ..errors import UserError
from ..layers import Layer
from ..pretrained import Checkpoint, open_checkpoint, save_model_folder
from ..storage.files import CONFIG, HEAD, TASK, TASK_MODEL, Content, current_folder, read_json, to_json
from ..storage.folders import write_folder
from ..storage.tensors import read_arrays
from ..vit import VisionTransformer

ENCODER = "encoder."  # in front of its parameters
Model = TypeVar("Model", bound=Layer)


def save_model(
    folder: Path,
    config: RunConfig,
    model: Any,
    more: Mapping[str, Content],
    class_names: Sequence[str] | None = None,
    problem_type: str | None = None,
) -> None:
    """A folder that holds the model of a run; a classifier's is an ordinary model folder and nothing else.

    Args:
        more: other files of the folder.
        class_names, problem_type: of a classifier, as for `save_model_folder`.

    Raises:
        UserError: it cannot be written; what stood there before still does.
    """
    if isinstance(model, VisionTransformer) and model.config.num_classes:
        save_model_folder(folder, model.config, model.parameters(), more, class_names, problem_type, keep_others=True)
        return
    files = {**more, TASK: to_json(config.to_dict())}
    encoder = image_encoder(model)
    if encoder is None:
        files |= {CONFIG: to_json({"model_type": TASK_MODEL, "task": config.task}), HEAD: model.parameters()}
        write_folder(folder, files, keep_others=True)
        return
    head = {name: array for name, array in model.parameters().items() if not name.startswith(ENCODER)}
    save_model_folder(folder, encoder.config, encoder.parameters(), {**files, HEAD: head}, keep_others=True)


class SavedModel(NamedTuple):
    """Weights that `save_model` wrote: of an image encoder, and others."""

    checkpoint: Checkpoint | None
    head: dict[str, np.ndarray]

    def state(self, model: Layer) -> dict[str, Array]:
        """The parameters of `model` by name.

        Raises:
            UserError: they are of another model.
        """
        encoder = image_encoder(model)
        if self.checkpoint is None or encoder is None:
            return dict(self.head)
        prefix = "" if encoder is model else ENCODER
        state = self.checkpoint.state(encoder.parameters())
        return self.head | {f"{prefix}{name}": array for name, array in state.items()}


def open_model(folder: Path, model: Layer) -> SavedModel:
    """Open what `save_model` wrote into `folder` of a model like `model`.

    Raises:
        UserError: a file is missing or damaged.
    """
    encoder = image_encoder(model)
    return SavedModel(
        None if encoder is None else open_checkpoint(folder), {} if encoder is model else read_arrays(folder / HEAD)
    )


def image_encoder(model: Any) -> VisionTransformer | None:
    """The Vision Transformer for images in a task's model, or that it is; None where there is no such."""
    return next((part for part in (model, getattr(model, "encoder", None)) if type(part) is VisionTransformer), None)


def read_task_config(path: str | Path) -> RunConfig | None:
    """The config of the run whose model lies in `path`, a run or a folder of it; None where no task was saved with it.

    Raises:
        UserError: its file is damaged.
    """
    file = model_folder(path) / TASK
    if not file.is_file():
        return None
    config = config_of(read_json(file))
    if config.task == "classify":
        raise UserError(f"{file} is damaged (a classifier needs no such file): use another copy")
    return config


def model_folder(path: str | Path) -> Path:
    """The folder with the best weights of a run, or `path` itself."""
    best = current_folder(Path(path) / "best")
    return best if best.is_dir() else current_folder(path)


def with_saved_weights(model: Model, path: str | Path) -> Model:
    """`model` with the weights in `path`, a run or a folder of it.

    Raises:
        UserError: a file is missing or damaged, or belongs to another model.
    """
    model.load_state_dict(open_model(model_folder(path), model).state(model))
    return model
