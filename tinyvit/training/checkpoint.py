"""Checkpoints of a run: everything it needs to go on as if it had never stopped.

There is no generator state in here: all randomness of step t is made from (seed, t), see `backend.generator`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..backend import like
from ..config.run import RunConfig
from ..errors import UserError
from ..storage.files import PREPROCESSOR, STATE_ARRAYS, STATE_PROGRESS, Content, current_folder, read_json, to_json
from ..storage.tensors import read_arrays
from ..tasks.model_files import image_encoder, open_model, save_model
from .checks import check_progress, check_same_model, check_same_settings
from .state import TrainingState


def save_checkpoint(
    folder: Path,
    state: TrainingState,
    settings: RunConfig,
    preprocessor: bytes,
    class_names: Sequence[str] | None = None,
    problem_type: str | None = None,
) -> None:
    """Write a folder that `load_checkpoint` can go on from; see `files.write_folder` for what a kill leaves.

    Raises:
        UserError: the disk is full or the place cannot be written; the checkpoint before is still there.
    """
    arrays = dict(state.optimizer.state_arrays())
    if state.ema is not None:
        arrays |= {f"ema.{name}": array for name, array in state.ema.average.items()}
    progress = {
        "step": state.step,
        "loss_sum": state.loss_sum,
        "epochs": state.epochs,
        "settings": settings.to_dict(),
    }
    more: dict[str, Content] = {
        PREPROCESSOR: preprocessor,
        STATE_ARRAYS: arrays,
        STATE_PROGRESS: to_json(progress),
    }
    save_model(folder, settings, state.model, more, class_names, problem_type)


def check_settings(folder: Path, settings: RunConfig, note: Callable[[str], None]) -> None:
    """Check that the checkpoint in `folder` is of a run with these settings.

    Raises:
        UserError: it is not, or it is damaged.
    """
    path = current_folder(folder) / STATE_PROGRESS
    check_same_settings(settings, read_json(path).get("settings"), path, note)


def load_checkpoint(folder: Path, state: TrainingState, *, steps_per_epoch: int) -> None:
    """Fill a freshly built `state` with what `save_checkpoint` wrote.

    Raises:
        UserError: a file is missing or damaged, or belongs to a model that differs from the state's in any field.
    """
    folder = current_folder(folder)
    saved, encoder = open_model(folder, state.model), image_encoder(state.model)
    if encoder is not None and saved.checkpoint is not None:
        check_same_model(encoder.config, saved.checkpoint.config, folder)
    progress = read_json(folder / STATE_PROGRESS)
    check_progress(progress, folder / STATE_PROGRESS, steps_per_epoch)
    arrays = read_arrays(folder / STATE_ARRAYS)
    average = {name.removeprefix("ema."): arrays.pop(name) for name in list(arrays) if name.startswith("ema.")}
    state.step, state.loss_sum, state.epochs = progress["step"], float(progress["loss_sum"]), progress["epochs"]
    state.model.load_state_dict(saved.state(state.model))
    state.optimizer.load_state(arrays, steps=state.step)
    if state.ema is not None:
        shapes, wanted = ({name: a.shape for name, a in arrays.items()} for arrays in (average, state.ema.average))
        if shapes != wanted:
            raise UserError(f"{folder} holds no averaged weights for this model: resume with the config that wrote it")
        for name, array in state.ema.average.items():
            array[...] = like(average[name], array)
