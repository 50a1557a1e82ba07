"""Why the loss falls: batches go in, gradients come out, weights move; after each epoch the dev split is looked at."""

import contextlib
import dataclasses
from pathlib import Path

from ..backend import resolve_device
from ..costs import numbers_held
from ..datasets import Dataset, load_dataset
from ..errors import UserError
from .claim import Claim
from .config import TrainConfig
from .parallel import Ranks, World, resolve_workers
from .progress import Progress
from .run import METRICS, new_run_folder, read_run_config, tidy
from .trainer import History, Trainer

MOST_NUMBERS = 10**10  # in a model: with gradients and optimizer state, 160 GB


def train(config: TrainConfig | None = None, *, overwrite: bool = False, progress: Progress | None = None) -> History:
    """Train from the beginning in a new run folder, and test the epoch that did best on the dev split.

    Raises:
        UserError: the folder is taken, the data are missing, the device is not there, the disk is full, or the loss
            became NaN or infinite. What was saved stays whole.
        TrainingInterrupted: Ctrl-C was pressed; everything is saved, and `resume` goes on.
    """
    config = config or TrainConfig()
    config = dataclasses.replace(config, workers=resolve_workers(config, resolve_device(config.device)))
    ranks = World() if config.distributed else Ranks()
    with ranks.bound():
        dataset = load_dataset(config.dataset, data_dir=config.data_dir)
        check_fit(config, dataset)
        folder = ranks.from_first(new_run_folder(config, overwrite=overwrite) if ranks.rank == 0 else None)
        with _claimed(folder, ranks) as claim:
            return Trainer(config, dataset, folder, _progress(progress, ranks), ranks).run(claim)


def resume(
    folder: str | Path,
    *,
    data_dir: str | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> History:
    """Go on with a run that was stopped or killed, to the very weights it would have had; errors as for `train`."""
    folder = Path(folder)
    config = read_run_config(folder)
    if not isinstance(config, TrainConfig):
        raise UserError(f"{folder} is a run of another kind: go on with tinyvit {config.verb} --resume {folder}")
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=data_dir)
    if device is not None:
        config = dataclasses.replace(config, device=device)
    if (place := resolve_device(config.device)) != "cpu":
        config = dataclasses.replace(config, workers=1)  # a GPU does the whole batch
    config = dataclasses.replace(config, workers=resolve_workers(config, place))
    ranks = World() if config.distributed else Ranks()
    with ranks.bound(), _claimed(folder, ranks) as claim:
        dataset = load_dataset(config.dataset, data_dir=config.data_dir)
        check_fit(config, dataset)
        if ranks.rank == 0:
            tidy(folder)
        ranks.from_first(None)  # wait for it
        has_checkpoint = (folder / "last").is_dir()
        if not has_checkpoint and (folder / METRICS).exists():
            raise UserError(
                f"{folder} holds results but no last checkpoint to go on from: put its folder last back, or start anew "
                "with --overwrite or in another --output"
            )
        trainer = Trainer(config, dataset, folder, _progress(progress, ranks), ranks)
        if has_checkpoint:
            trainer.load()
        return trainer.run(claim)


def _claimed(folder: Path, ranks: Ranks) -> contextlib.AbstractContextManager[Claim | None]:
    """Rank 0 claims the folder, for all."""
    return Claim(folder) if ranks.rank == 0 else contextlib.nullcontext()


def _progress(progress: Progress | None, ranks: Ranks) -> Progress:
    """Only rank 0 says something."""
    return progress if progress and ranks.rank == 0 else Progress()


def check_fit(config: TrainConfig, dataset: Dataset) -> None:
    """Whether the model takes this data set's images, has its classes, and can be held in memory.

    Raises:
        UserError: it does not.
    """
    model, wanted = config.model, dataset.train.images.shape[1:]
    if model.input_shape != wanted:
        raise UserError(
            f"{dataset.name} images are (channels, height, width) = {wanted}, but the model takes "
            f"{model.input_shape}: set img_size and in_chans to match"
        )
    if model.num_classes != len(dataset.class_names):
        raise UserError(
            f"{dataset.name} has {len(dataset.class_names)} classes, but the model has {model.num_classes}: "
            "set num_classes to match"
        )
    if numbers_held(model) > MOST_NUMBERS:
        raise UserError(
            f"a model of depth {model.depth} and embed_dim {model.embed_dim} would hold more than {MOST_NUMBERS:,} "
            "numbers: choose a smaller one"
        )
