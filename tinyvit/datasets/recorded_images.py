"""Manifest of the images that a run began with, kept in its folder: it resumes on those and no others."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import UserError
from ..storage.files import read_json, write_file
from ..storage.run_folder import IMAGE_LIST, REPLAY, REPLAY_LIST
from .changes import changes
from .in_threads import in_threads
from .listing import Listing
from .manifest import Manifest, content_of

Note = Callable[[str], None]


def write_images(folder: Path, manifest: Manifest, name: str = IMAGE_LIST) -> None:
    """Keep the list in a run's folder, before its first step.

    Raises:
        UserError: it cannot be written.
    """
    write_file(folder / name, manifest.to_json())


def read_images(folder: Path, name: str = IMAGE_LIST) -> Manifest | None:
    """The list in a run's folder; None if there is none, as in older runs, and where a folder is no run's.

    Raises:
        UserError: it is damaged.
    """
    path = folder / name
    return Manifest.from_dict(read_json(path), path) if path.exists() else None


def images_to_go_on_with(
    manifest: Manifest, data_dir: str, run: Path, note: Note, *, flag: str = "--data-dir"
) -> Listing:
    """The images that a run began with, each in its split; new ones stay out, and are told of.

    Args:
        data_dir: where they are now.
        note: is told what the user should know.
        flag: that names another place.

    Raises:
        UserError: they are not there, or no longer as they were.
    """
    _check_place(data_dir, run, flag)
    found = changes(manifest, data_dir)
    if found.any:
        raise UserError(
            f"the images in {data_dir} are not those that {run} began with ({found}): put them back as they were, "
            f"give another folder that has them with {flag}, or start a new run"
        )
    if found.new:
        note(f"The run goes on with the images that it began with; others are in the folder now, left out ({found}).")
    return manifest.listing(found.files)


def replayed(run: Path, replay_dir: str | None, note: Note) -> Listing | None:
    """Images of the classes known before that a run has kept; None where there are none.

    Args:
        replay_dir: where they are now; None: in the run's own folder.

    Raises:
        UserError: they are not there, or no longer as they were.
    """
    manifest = read_images(run, REPLAY_LIST)
    if manifest is None:
        return None
    return images_to_go_on_with(manifest, replay_dir or str(run / REPLAY), run, note, flag="--replay-dir")


def images_to_measure(
    manifest: Manifest, split: str, data_dir: str, *, run: Path, given: bool, note: Note
) -> Listing | None:
    """Images of a split as the run recorded it; None where a folder was given that does not hold them.

    Args:
        data_dir: where they are now.
        given: whether the user named that folder, and not the run.

    Raises:
        UserError: the run's own folder does not hold them as they were.
    """
    if given and not manifest.splits[split]:
        return None
    _check_place(data_dir, run)
    found = changes(manifest, data_dir, [split])
    if given and not found.any:
        note(f"{data_dir} has the images of the {split} split that {run} began with, so that is measured.")
    if not found.any:
        return manifest.listing(found.files)
    if given:
        return None
    raise UserError(
        f"the {split} images in {data_dir} are not those that {run} began with ({found._replace(new=[])}): put them "
        f"back as they were, or measure the folder as it is with --data-dir {data_dir}"
    )


def note_memory(manifest: Manifest, paths: Sequence[str | os.PathLike[str]], note: Note) -> None:
    """Note data leakage: how many of these images the run was trained on, wherever they lie now."""
    trained = {record.content for record in manifest.splits["train"]}
    if known := sum(content in trained for content in in_threads(content_of, paths)):
        note(
            f"The run was trained on {known:,} of these {len(paths):,} images (data leakage): the score on those is "
            "memorisation."
        )


def _check_place(data_dir: str, run: Path, flag: str = "--data-dir") -> None:
    if not os.path.isdir(os.path.expanduser(data_dir)):
        raise UserError(f"{data_dir}, with the training images of {run}, is no folder: give its new place with {flag}")
