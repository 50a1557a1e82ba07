"""Files left out among images: machine-made files and folders, runs of tinyvit, files of other endings."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from ..errors import UserError

ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".hif"),
)
# Besides hidden ones, whose names begin with a dot: what systems, file servers, editors and Python leave behind.
MACHINE_MADE = frozenset(
    ("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "recycler", "recycled")
    + ("system volume information", "lost+found", "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot")
    + ("__pycache__", "node_modules", "cvs")
)
RUN_FILES = ("best", "last", "metrics.jsonl", "model.safetensors")  # beside config.json: a run, or a model
MAX_NAMED = 5  # in a sentence


class LeftOut:
    """Collects what is passed over below `root`, however often it is met, to tell it in the end."""

    def __init__(self, root: Path):
        self.root = root
        self.machine_made: dict[Path, None] = {}  # in the order met; sets have none
        self.runs: dict[Path, None] = {}
        self.no_runs: set[Path] = set()  # folders known to be none
        self.others: dict[Path, None] = {}  # files in classes whose names do not end as those of images
        self.loose: dict[Path, None] = {}  # images in no class
        self.beside: dict[Path, int] = {}  # folders beside those of the splits, and how many images are in them
        self.within: dict[Path, int] = {}  # the same of folders where images alone are expected
        self.elsewhere = 0  # files that the caller tells of

    def entries(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The folders, and all that is no folder, in a folder: sorted, without what is machine-made.

        Raises:
            UserError: the folder may not be read.
        """
        folders, files = [], []
        for path, is_folder in listed(folder):
            if is_machine_made(path.name):
                self.machine_made[path] = None
            elif not is_folder:
                files.append(path)
            elif self._holds_runs(path):
                self.runs[path] = None
            else:
                folders.append(path)
        return folders, files

    def images_in(self, folder: Path) -> Iterator[Path]:
        """The images in and below a folder, each folder once, wherever links lead.

        Raises:
            UserError: a folder may not be read.
        """
        waiting, searched = [folder], set()
        while waiting:
            folder = waiting.pop()
            if (itself := _identity(folder)) in searched:
                continue
            searched.add(itself)
            folders, files = self.entries(folder)
            waiting += reversed(folders)
            for path in files:
                if is_image(path):
                    yield path
                else:
                    self.others[path] = None

    def images_directly_in(self, folder: Path) -> Iterator[Path]:
        """The images in a folder where none are expected in folders.

        Raises:
            UserError: the folder may not be read.
        """
        folders, files = self.entries(folder)
        for inner in folders:
            self.within[inner] = sum(1 for _ in LeftOut(self.root).images_in(inner))
        for path in files:
            if is_image(path):
                yield path
            else:
                self.others[path] = None

    @property
    def count(self) -> int:
        """Number of files passed over that may have been meant as images."""
        inner = sum(self.beside.values()) + sum(self.within.values())
        return len(self.others) + len(self.loose) + inner + self.elsewhere

    def notes(self) -> list[str]:
        """All of it, a sentence for each kind."""
        notes = []
        if self.machine_made:
            names = Counter(path.name for path in self.machine_made)
            words = some(f"{name} ({count:,})" if count > 1 else name for name, count in names.items())
            notes.append(f"Left out as hidden or made by machines: {words}.")
        if self.runs:
            notes.append(f"Left out as runs or models, not training images: {self._some(self.runs)}.")
        for folders, what in (
            (self.beside, "Beside the folders of the splits there are others, left out"),
            (self.within, "Folders where images alone are expected are left out"),
        ):
            if folders:
                counted = [
                    f"{self._name(path)} ({count:,} image{'s' * (count > 1)})" if count else self._name(path)
                    for path, count in folders.items()
                ]
                notes.append(f"{what}: {some(counted)}.")
        places = Counter(path.parent for path in self.loose)
        for place, count in places.items():
            first = some(path.name for path in self.loose if path.parent == place)
            notes.append(f"{count:,} image{'s' * (count > 1)} directly in {place}, in no class, left out: {first}.")
        if self.others:
            endings = Counter(path.suffix.lower() or "no ending" for path in self.others)
            words = some(f"{ending} ({count:,})" for ending, count in endings.most_common())
            notes.append(
                f"Files in {self.root} whose names do not end as those of images do, left out: {words}. "
                f"The first: {self._some(self.others)}."
            )
        return notes

    def _holds_runs(self, folder: Path) -> bool:
        """Whether a folder is a run of tinyvit or a model, or holds such and no other folders or images."""
        waiting, found = [folder], False
        while waiting:
            place = waiting.pop()
            if os.path.isfile(place / "config.json") and any(os.path.exists(place / name) for name in RUN_FILES):
                found = True
                continue
            folders = [] if place in self.no_runs else _folders_without_images(place)
            if not folders:  # so nothing above it, up to where we began, holds runs alone
                self.no_runs |= {place, *place.parents[: len(place.parts) - len(folder.parts)]}
                return False
            waiting += folders
        return found

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def _some(self, paths: Iterable[Path]) -> str:
        return some(map(self._name, paths))


def forbid(count: int) -> None:
    """Raise an error if files were left out and `--strict` forbids it.

    Raises:
        UserError: there are any.
    """
    if count:
        raise UserError(
            f"{count:,} file{'s were' if count > 1 else ' was'} left out or cannot be used, as told above, and "
            "--strict forbids that: mend them, move them away, or do without --strict"
        )


def listed(folder: Path) -> list[tuple[Path, bool]]:
    """Entries of a folder, sorted by name, and whether each is a folder, or a link to one.

    Raises:
        UserError: the folder may not be read.
    """
    try:
        with os.scandir(folder) as found:
            entries = [(e.name, os.path.isdir(e.path) if e.is_symlink() else e.is_dir()) for e in found]
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be read ({error.strerror}): change its permissions") from error
    return [(folder / name, is_folder) for name, is_folder in sorted(entries)]


def _identity(folder: Path) -> object:
    """Identity of a folder: the same for links to it, and for nothing else."""
    try:
        info = os.stat(folder)
    except OSError:  # which is told where it is read
        return folder
    return (info.st_dev, info.st_ino) if info.st_ino else os.path.realpath(folder)  # some systems number no files


def _folders_without_images(place: Path) -> list[Path]:
    """The folders in one that has no images directly; none if it has, or cannot be read."""
    try:
        entries = [(path, is_folder) for path, is_folder in listed(place) if not is_machine_made(path.name)]
    except UserError:  # reading it will say so
        return []
    if any(is_image(path) for path, is_folder in entries if not is_folder):
        return []
    return [path for path, is_folder in entries if is_folder and not path.is_symlink()]


def is_image(path: Path) -> bool:
    """Whether its name ends as that of an image."""
    return path.suffix.lower() in ENDINGS


def is_machine_made(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or was left by a system and not by a person."""
    return name.startswith((".", "~$")) or name.casefold() in MACHINE_MADE


def some(names: Collection[str] | Iterable[str]) -> str:
    """ "a, b and 3 more" """
    names = list(names)
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
