"""Start or resume a training run: read the data, claim the folder, choose who computes gradients."""

import contextlib
import dataclasses
from collections.abc import Collection
from pathlib import Path

from ..backend import resolve_device
from ..config.run import TrainConfig
from ..datasets import Dataset, load_dataset
from ..datasets.left_out import forbid
from ..datasets.listing import Listing
from ..datasets.manifest import Manifest
from ..datasets.recorded_arrays import check_digests, write_digests
from ..datasets.recorded_images import images_to_go_on_with, read_images, write_images
from ..datasets.scan import scan
from ..errors import UserError
from ..images.processor import ImageProcessor
from ..layers import Layer
from ..storage.claim import Claim
from ..storage.metrics import METRICS
from ..storage.run_folder import IMAGE_LIST, new_run_folder, read_run_config, tidy
from ..tasks import task_of
from ..tasks.class_weights import with_class_weights
from ..tasks.fit import check_splits
from .checkpoint import check_settings
from .data import image_arrays, images_for, with_dataset
from .gradients import Gradients, OneProcess
from .history import History
from .loop import Trainer
from .progress import Progress
from .ranks import Ranks
from .run_files import RunFiles
from .state import build_model


def train(
    config: TrainConfig | None = None,
    *,
    overwrite: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
    free: Collection[str] = (),
) -> History:
    """Train from the beginning in a new run folder, and test the epoch that did best on the dev split.

    Args:
        strict: whether a file that would be left out is an error.
        free: fields of the model that may follow the data: of `tasks.fit.FREE`.

    Raises:
        UserError: the folder is taken, the data are missing, the device is not there, the disk is full, or the loss
            became NaN or infinite. What was saved stays whole.
        TrainingInterrupted: Ctrl-C was pressed; everything is saved, and `resume` goes on.
    """
    config = config or TrainConfig()
    if not isinstance(config, TrainConfig):
        raise UserError(f"train takes a TrainConfig or a task's, got a {type(config).__name__}: call finetune for it")
    device = resolve_device(config.device)
    ranks = _ranks(config)
    progress = _progress(progress, ranks)
    with ranks.bound():
        listing = processor = None
        task = task_of(config)
        made = task.dataset(config, progress.note)  # where the task has data of its own
        config = config if made else _named(config)
        if made:
            dataset = made
            if strict:
                forbid(made.left_out)
        elif config.dataset == "folder":
            listing, findings = images_for(config, free, progress.note, strict=strict)
            dataset, processor = image_arrays(config, listing, findings, free, progress.note)
        else:
            dataset = _loaded(config, progress)
            if strict:
                forbid(dataset.left_out)
        check_splits(dataset)
        config = task.fit(config, dataset, free, progress.note)
        config = _with_workers(config, device)
        task.check(config, dataset)
        if config.class_weights is not None:
            config = with_class_weights(config, dataset.class_names, dataset.train.labels)
        # The first rank makes the folder, and tells the others its name.
        folder = ranks.from_first(_begin(config, dataset, listing, overwrite) if ranks.rank == 0 else None)
        with _claimed(folder, ranks) as claim:
            files = RunFiles(folder, config, dataset, processor, ranks=ranks, claim=claim)
            return _trainer(config, dataset, files, progress, ranks).run()


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
    settings = config
    if (device := resolve_device(config.device)) != "cpu":
        config = dataclasses.replace(config, workers=1)  # a GPU does the whole batch
    config = _with_workers(config, device)
    ranks = _ranks(config)
    progress = _progress(progress, ranks)
    with ranks.bound(), _claimed(folder, ranks) as claim:
        if ranks.rank == 0:
            tidy(folder)
        ranks.from_first(None)  # wait for it
        has_checkpoint = (folder / "last").is_dir()
        if has_checkpoint:
            check_settings(folder / "last", settings, progress.note)
        elif (folder / METRICS).exists():
            raise UserError(
                f"{folder} holds results but no last checkpoint to go on from: put its folder last back, or start anew "
                "with --overwrite or in another --output"
            )
        dataset, processor = _again(config, folder, progress)
        check_splits(dataset)
        task_of(config).check(config, dataset)
        if config.class_weights is not None:
            config = with_class_weights(config, dataset.class_names, dataset.train.labels)
        files = RunFiles(folder, settings, dataset, processor, ranks=ranks, claim=claim)
        trainer = _trainer(config, dataset, files, progress, ranks, to_fill=has_checkpoint)
        if has_checkpoint:
            trainer.load()
        return trainer.run()


def _named(config: TrainConfig) -> TrainConfig:
    """The same, with the name of a data set where "auto" was: MNIST, or what is recognised in `data_dir`."""
    if config.dataset == "auto" and config.data_dir is None:
        return dataclasses.replace(config, dataset="mnist")
    return with_dataset(config)


def _ranks(config: TrainConfig) -> Ranks:
    """This process alone, or all that `mpiexec` started."""
    if not config.distributed:
        return Ranks()
    from .parallel import World

    return World()


def _trainer(
    config: TrainConfig, dataset: Dataset, files: RunFiles, progress: Progress, ranks: Ranks, *, to_fill: bool = False
) -> Trainer:
    """A run before its first step. It alone holds the gradients, which have to leave the memory before the test."""
    dataset = task_of(config).prepared(config, dataset)
    gradients = _gradients(config, dataset, ranks, build_model(config, to_fill=to_fill))
    return Trainer(config, dataset, gradients, files, progress, ranks)


def _with_workers(config: TrainConfig, device: str) -> TrainConfig:
    """The config with a number of workers in place of "auto"."""
    if config.workers == 1:
        return config
    from .parallel import resolve_workers

    return dataclasses.replace(config, workers=resolve_workers(config, device))


def _gradients(config: TrainConfig, dataset: Dataset, ranks: Ranks, model: Layer) -> Gradients:
    """Gradients of a model: computed by this process, or by several, or by threads."""
    if config.workers == ranks.size == 1:
        return OneProcess(config, dataset, model)
    from .sharing import shared_gradients

    return shared_gradients(config, dataset, model, ranks)


def _claimed(folder: Path, ranks: Ranks) -> contextlib.AbstractContextManager[Claim | None]:
    """Rank 0 claims the folder, for all."""
    return Claim(folder) if ranks.rank == 0 else contextlib.nullcontext()


def _begin(config: TrainConfig, dataset: Dataset, listing: Listing | None, overwrite: bool) -> Path:
    """A new run folder, in which is kept what the run learns from."""
    manifest = None if listing is None else Manifest.of(str(config.data_dir), listing)
    folder = new_run_folder(config, overwrite=overwrite)
    if manifest is not None:
        write_images(folder, manifest)
    elif dataset.notes or not dataset.built_in:  # no checksum has proved it genuine
        write_digests(folder, dataset)
    return folder


def _again(config: TrainConfig, folder: Path, progress: Progress) -> tuple[Dataset, ImageProcessor | None]:
    """Data set that the run in `folder` began with, and the processor of its images.

    Raises:
        UserError: it is not there, or no longer as it was.
    """
    own = task_of(config).dataset(config, progress.note)
    if own or config.dataset != "folder":
        dataset = own or _loaded(config, progress)
        check_digests(folder, dataset)
        return dataset, None
    manifest = read_images(folder)
    if manifest is None:
        raise UserError(f"{folder} has lost its {IMAGE_LIST}, the list of its images: put it back, or start a new run")
    listing = images_to_go_on_with(manifest, str(config.data_dir), folder, progress.note)
    return image_arrays(config, listing, scan(listing), (), progress.note)


def _loaded(config: TrainConfig, progress: Progress) -> Dataset:
    dataset = load_dataset(config.dataset, data_dir=config.data_dir)
    for sentence in dataset.notes:
        progress.note(sentence)
    return dataset


def _progress(progress: Progress | None, ranks: Ranks) -> Progress:
    """Only rank 0 says something."""
    return progress if progress and ranks.rank == 0 else Progress()
