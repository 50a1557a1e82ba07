"""Add classes to those that a trained classifier knows: its head keeps their columns, and it is not to forget them."""

import dataclasses
from typing import Any

from ...config.add_classes import AddClassesConfig
from ...config.run import FinetuneConfig
from ...datasets import Dataset
from ...datasets.class_names import look_alike
from ...datasets.image_folder import list_folder
from ...datasets.left_out import some
from ...datasets.listing import Listing
from ...datasets.manifest import Manifest
from ...datasets.matching import in_order_of, with_new_classes
from ...datasets.recorded_images import write_images
from ...errors import UserError
from ...evaluation.classifier import classifier_of
from ...evaluation.evaluate import judge
from ...evaluation.preprocessing import Preprocessing
from ...pretrained import Checkpoint, open_checkpoint
from ...storage.claim import Claim
from ...storage.run_folder import TEACHER, new_run_folder, read_run_config, run_folder
from ...tasks import task_of
from ...tasks.class_weights import with_class_weights
from ...tasks.split_answers import split_answers
from ...vit import VisionTransformer
from ..history import History
from ..progress import Progress
from ..readable import readable_images
from .pretrained import check_variation, with_more_classes
from .replay import kept_of, known_images, write_kept
from .start import build_trainer, resolve_threads

OF_A_SMALL_MODEL: dict[str, Any] = {"epochs": 10, "lr": 1e-3, "crop_scale": 0.8}  # that learned from the beginning
OF_THE_RUN = (
    "model",
    "task",
    "pretrained",
    "data_dir",
    "output",
    "labels",
    "multi_label",
    "threshold",
    "class_weights",
)


def settings_of(path: str) -> dict[str, Any]:
    """Settings that suit the model at `path`: those that it was fine-tuned with itself; such as suit a small one that
    `tinyvit train` made; none for any other.

    Raises:
        UserError: there is no model that names classes.
    """
    preprocessing = classifier_of(open_checkpoint(path))[1]
    try:
        config: Any = read_run_config(run_folder(path))
    except UserError:
        config = None
    if isinstance(config, FinetuneConfig):
        names = {field.name for field in dataclasses.fields(FinetuneConfig)} - {*OF_THE_RUN}
        return {name: value for name, value in vars(config).items() if name in names}
    if config is None and not preprocessing.built_in:
        return {}
    return OF_A_SMALL_MODEL | ({"flip": 0.0} if preprocessing.is_drawing else {})  # digits must not be mirrored


def add_classes(
    config: AddClassesConfig,
    *,
    overwrite: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
    **changes: Any,
) -> History:
    """Teach the classifier at `config.pretrained` the classes in `config.data_dir` that it does not know yet, and train
    it further on those there that it does, in a new run folder. Arguments and errors as for `finetune`.

    Raises:
        UserError: the model names no classes, or the folder has no new one.
    """
    progress = progress or Progress()
    checkpoint = open_checkpoint(config.pretrained)
    before, preprocessing = _classifier(checkpoint, config, changes)
    listing, names = _new_images(config, preprocessing, progress, strict)
    before = before.astype("float32")
    kept, place = _kept(config, preprocessing, progress)
    images = 0 if kept is None else len(kept.train)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(before.config, num_classes=len(names), **changes),
        threads=resolve_threads(config),
        replay_dir=place,
        num_known=before.config.num_classes,
        num_kept=images,
        accuracy_before=None if kept is None else accuracy(config, before, kept),
    )
    _tell_how(config, progress)
    config = with_class_weights(config, names, listing.train.labels)
    model = with_more_classes(before, len(names), **changes)
    folder = new_run_folder(config, overwrite=overwrite)
    with Claim(folder) as claim:
        write_images(folder, Manifest.of(str(config.data_dir), listing))
        if kept is not None:
            listing = listing.joined(write_kept(folder, kept, names, place))
        if not images:
            before.save_pretrained(folder / TEACHER)
        more: dict[str, Any] = {"is_drawn": preprocessing.is_drawing, "teacher": None if images else before}
        return build_trainer(
            config, listing, preprocessing.processor, model, folder, progress, claim=claim, **more
        ).run()


def _classifier(
    checkpoint: Checkpoint, config: AddClassesConfig, changes: dict[str, Any]
) -> tuple[VisionTransformer, Preprocessing]:
    """The model of before, if classes can be added to its own.

    Raises:
        UserError: they cannot.
    """
    model, preprocessing = classifier_of(checkpoint)
    if preprocessing.multi_label or config.multi_label:
        raise UserError(
            "--add-classes is for models that give each image one class: of images with several, nothing says which of "
            "the classes known before they show, so label them all anew and fine-tune without it"
        )
    names = checkpoint.class_names or ()
    unnamed = all(name == f"LABEL_{k}" for k, name in enumerate(names))  # as transformers fills in; or there are none
    if unnamed and "class_names" not in checkpoint.preprocessor:
        raise UserError(
            f"{config.pretrained} has no names for its classes, so which are new cannot be told: write them into its "
            "config.json as id2label"
        )
    if "img_size" in changes:
        raise UserError("--img-size would change what the classes known before are seen at: leave it out")
    check_variation(config, preprocessing.processor)
    return model, preprocessing


def _new_images(
    config: AddClassesConfig, preprocessing: Preprocessing, progress: Progress, strict: bool
) -> tuple[Listing, tuple[str, ...]]:
    """The images to learn from, with the numbers of all classes, and the names of those; what is new is told.

    Raises:
        UserError: there is no new class, or no folder of images.
    """
    if not config.data_dir:
        raise UserError("fine-tuning needs images: give their folder with --data-dir")
    known = preprocessing.class_names
    listing = list_folder(config.data_dir, min_classes=1)
    sees_transparency = preprocessing.processor.sees_transparency
    listing, _ = readable_images(listing, progress.note, strict=strict, sees_transparency=sees_transparency)
    names = with_new_classes(known, listing)
    new = names[len(known) :]
    if not new:
        raise UserError(
            f"{config.data_dir} has no class that {config.pretrained} does not know ({some(listing.class_names)}): add "
            "a folder with images of a new one"
        )
    progress.note(f"{len(new):,} new class{'es' * (len(new) > 1)} behind the {len(known):,} known: {some(new)}.")
    if again := len(listing.class_names) - len(new):
        further = [name for name in listing.class_names if name not in new]
        progress.note(f"{again:,} known already, trained further: {some(further)}.")
    for alike in look_alike(names):
        if {*alike} - {*known} and {*alike} & {*known}:
            progress.note(f"almost the same name, and taken for different classes: {', '.join(map(repr, alike))}")
    if not len(listing.test):
        progress.note("no test split of the new images: the dev split stands for it, so the report is optimistic")
        listing = listing._replace(test=listing.dev)
    return in_order_of(names, listing), names


def _kept(
    config: AddClassesConfig, preprocessing: Preprocessing, progress: Progress
) -> tuple[Dataset | None, str | None]:
    """Images of the classes known before, and their folder; that there are none is told.

    Raises:
        UserError: they were named, and are not there.
    """
    try:
        known, place = known_images(config, preprocessing, progress.note)
    except UserError as error:
        if config.replay_dir:
            raise
        progress.note(f"What the model learned from cannot be had: {error}.")
        return None, None
    return kept_of(known, config), place


def _tell_how(config: AddClassesConfig, progress: Progress) -> None:
    """A sentence on what is done against forgetting."""
    if config.num_kept:
        told = (
            f"Against forgetting, half of each batch are {config.num_kept:,} kept images of the classes known before."
        )
    else:
        told = (
            "Against forgetting, the model of before teaches what it would have said of the new images (learning "
            "without forgetting), which keeps much less than its own images would."
        )
    progress.note(told)


def accuracy(config: AddClassesConfig, model: VisionTransformer, dataset: Dataset) -> float:
    """Accuracy on the test split, 0..1."""
    config = dataclasses.replace(config, model=model.config)
    probs = split_answers(task_of(config), config, model, dataset, "test")
    return float(judge(probs, dataset.test.labels).measures["accuracy"])
