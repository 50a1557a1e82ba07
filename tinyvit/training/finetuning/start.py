"""Start or resume a run of fine-tuning, from a pretrained model and a folder of images."""

import dataclasses
from pathlib import Path
from typing import Any

from ...backend import resolve_device
from ...config.add_classes import AddClassesConfig
from ...config.run import FinetuneConfig
from ...datasets.image_files import image_dataset
from ...datasets.in_threads import cores
from ...datasets.left_out import some
from ...datasets.listing import Listing
from ...datasets.manifest import Manifest
from ...datasets.multi_label import list_images
from ...datasets.recorded_images import images_to_go_on_with, read_images, replayed, write_images
from ...errors import UserError
from ...evaluation.prepared_files import prepared
from ...evaluation.preprocessing import DRAWN, Preprocessing, preprocessor_json
from ...images.processor import ImageProcessor
from ...layers import NO_DRAWS
from ...storage.claim import Claim
from ...storage.files import PREPROCESSOR, read_file, read_json
from ...storage.run_folder import TEACHER, new_run_folder, read_run_config, tidy
from ...tasks.class_weights import with_class_weights
from ...vit import VisionTransformer
from ..checkpoint import check_settings
from ..history import History
from ..loop import Trainer
from ..progress import Progress
from ..readable import readable_images
from ..run_files import RunFiles
from .batches import ImageBatches
from .pretrained import check_size, pretrained_for, starting_point
from .tuner import Tuner

MAX_THREADS = 16


def finetune(
    config: FinetuneConfig,
    *,
    overwrite: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
    **changes: Any,
) -> History:
    """Train the model at `config.pretrained` further, on the images in `config.data_dir`, in a new run folder.

    Args:
        strict: whether a file that would be left out is an error.
        changes: fields of the model's config that differ from the saved one: `img_size`, `drop_path_rate`, `drop_rate`.

    Raises:
        UserError: there are no such images or no such model, the folder is taken, or as `train` does.
        TrainingInterrupted: Ctrl-C was pressed; everything is saved.
    """
    progress = progress or Progress()
    checkpoint = pretrained_for(config)
    sees_transparency = checkpoint.processor().sees_transparency
    listing, white_level = readable(config, progress, strict=strict, sees_transparency=sees_transparency)
    config = with_class_weights(config, listing.class_names, listing.train.labels)
    model, processor = starting_point(checkpoint, len(listing.class_names), changes, progress)
    config = dataclasses.replace(config, model=model.config, threads=resolve_threads(config))
    processor = dataclasses.replace(processor, white_level=white_level)
    manifest = Manifest.of(str(config.data_dir), listing)
    folder = new_run_folder(config, overwrite=overwrite)
    with Claim(folder) as claim:
        write_images(folder, manifest)
        return build_trainer(config, listing, processor, model, folder, progress, claim=claim).run()


def resume_finetuning(folder: str | Path, *, progress: Progress | None = None, **changes: Any) -> History:
    """Go on with a run that was stopped or killed, with the very images that it began with.

    Args:
        changes: fields of the run's config that may differ: `data_dir`, `device`.

    Raises:
        UserError: `folder` is no such run, it has no checkpoint yet, images are missing or not as they were, or as
            `finetune` does.
    """
    folder, progress = Path(folder), progress or Progress()
    config = read_run_config(folder)
    if not isinstance(config, FinetuneConfig):
        raise UserError(f"{folder} is a run of another kind: go on with tinyvit {config.verb} --resume {folder}")
    if "replay_dir" in changes and not isinstance(config, AddClassesConfig):
        raise UserError(f"--replay-dir is for runs of --add-classes, and {folder} is none: leave it out")
    with Claim(folder) as claim:
        return _go_on(dataclasses.replace(config, **changes), folder, progress, claim)


def _go_on(config: FinetuneConfig, folder: Path, progress: Progress, claim: Claim) -> History:
    """From the last checkpoint."""
    tidy(folder)
    if not (folder / "last").is_dir():
        raise UserError(f"{folder} has no checkpoint to go on from: start anew with --overwrite")
    check_settings(folder / "last", config, progress.note)
    check_size(config.model)
    saved = read_file(folder / "last" / PREPROCESSOR)
    values = read_json(folder / "last" / PREPROCESSOR)
    processor = ImageProcessor.from_dict(values, in_chans=config.model.in_chans)
    listing = images_of(config, folder, values.get("class_names"), progress, processor.sees_transparency)
    config = with_class_weights(config, listing.class_names, listing.train.labels)
    more: dict[str, Any] = {}
    if isinstance(config, AddClassesConfig):
        more = {"is_drawn": values.get("drawn") == DRAWN, "teacher": teacher_of(folder)}
        if (kept := replayed(folder, config.replay_dir, progress.note)) is not None:
            listing = listing.joined(kept)
    model = VisionTransformer(config.model, rng=NO_DRAWS)
    trainer = build_trainer(config, listing, processor, model, folder, progress, saved, claim=claim, **more)
    trainer.load()
    return trainer.run()


def readable(
    config: FinetuneConfig, progress: Progress, *, strict: bool = False, sees_transparency: bool = False
) -> tuple[Listing, float | None]:
    """The images that can be read, and the white level of those in deep grey; what is odd about them is told.

    Raises:
        UserError: there is no folder of images, or too little in it, or `strict` and something is left out.
    """
    if not config.data_dir:
        raise UserError("fine-tuning needs images: give their folder with --data-dir")
    listing = list_images(config.data_dir, config.labels, multi_label=config.multi_label)
    listing, findings = readable_images(listing, progress.note, strict=strict, sees_transparency=sees_transparency)
    return listing, findings.depths.white_level


def images_of(
    config: FinetuneConfig, folder: Path, class_names: Any, progress: Progress, sees_transparency: bool
) -> Listing:
    """Images that the run in `folder` began with; of older runs, which have no list, those that are there now.

    Args:
        class_names: of the checkpoint to go on from.

    Raises:
        UserError: images are missing or not as they were, or the classes are others than the checkpoint's.
    """
    manifest = read_images(folder)
    if manifest is None:
        progress.note(f"{folder} has no list of its images, so whether they are still the same cannot be checked")
        listing, _ = readable(config, progress, sees_transparency=sees_transparency)
    else:
        listing = images_to_go_on_with(manifest, str(config.data_dir), folder, progress.note)
    if list(listing.class_names) != class_names:
        raise UserError(
            f"the classes are not those that {folder} learns: {some(listing.class_names)} instead of "
            f"{some(class_names or ['none'])}; put the folders back as they were, or start a new run"
        )
    return listing


def build_trainer(
    config: FinetuneConfig,
    listing: Listing,
    processor: ImageProcessor,
    model: VisionTransformer,
    folder: Path,
    progress: Progress,
    preprocessor: bytes | None = None,
    *,
    claim: Claim | None = None,
    is_drawn: bool = False,
    teacher: VisionTransformer | None = None,
) -> Trainer:
    """A trainer whose gradients are a `Tuner`'s; without a `preprocessor`, one is written for the images.

    Args:
        is_drawn: whether images are prepared as drawings.
        teacher: as for `Tuner`.
    """
    device, threads = resolve_device(config.device), resolve_threads(config)
    dataset = image_dataset(listing, processor, name=config.dataset_name)
    if is_drawn:
        names = dataset.name, dataset.class_names, dataset.mean, dataset.std
        dataset = prepared(dataset, Preprocessing(*names, processor, drawn=DRAWN))
    preprocessor = preprocessor or preprocessor_json(dataset, config, processor, is_drawn=is_drawn)
    if not len(dataset.test):
        progress.note(
            "no test split: the report at the end is on the dev (validation) split that selected the epoch, so it is "
            "optimistic"
        )
        dataset = dataclasses.replace(dataset, test=dataset.dev)
    batches = ImageBatches(config, dataset, processor, threads)
    if device != "cpu":
        model, teacher = model.to(device), teacher and teacher.to(device)
    tuner = Tuner(config, dataset, model, batches, threads, teacher)
    files = RunFiles(folder, config, dataset, processor, preprocessor=preprocessor, claim=claim)
    return Trainer(config, dataset, tuner, files, progress)


def teacher_of(folder: Path) -> VisionTransformer | None:
    """The model of before, of a run that learns from it."""
    place = folder / TEACHER
    return VisionTransformer.from_pretrained(place) if place.is_dir() else None


def resolve_threads(config: FinetuneConfig) -> int:
    """Number of threads; they decide in which order gradients are summed, so a run keeps its number everywhere."""
    return min(cores(), MAX_THREADS) if config.threads == "auto" else int(config.threads)
