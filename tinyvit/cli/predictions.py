"""A table of predictions, written row by row: what `--csv FILE` leaves."""

import contextlib
import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import UserError
from ..files import siblings

MOST_GUESSES = 5


class PredictionsTable:
    """A CSV file that is there, complete, after the `with` block, and not at all if that was left by an error.

    A row has file, label (if `labelled`), prediction, probability, and then guess_1, probability_1, guess_2, ... of the
    five most probable classes.

    Args:
        path: None writes nothing.
        class_names: K names.
        labelled: whether there is a label to each picture.

    Raises:
        UserError: the file cannot be written; also in `add` and at the end of the block.
    """

    def __init__(self, path: str | None, class_names: Sequence[str], *, labelled: bool):
        self.path, self.class_names = path, class_names
        if path is None:
            return
        self._target = Path(os.path.realpath(path))
        self._temporary, _, _ = siblings(self._target)
        if self._target.exists() and not self._target.is_file():
            raise UserError(f"{path} is not a file but a folder or a device: give --csv another name")
        numbers = range(1, min(MOST_GUESSES, len(class_names)) + 1)
        guesses = [column for number in numbers for column in (f"guess_{number}", f"probability_{number}")]
        try:
            self._file = open(self._temporary, "w", newline="", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        except OSError as error:
            raise self._failure(error) from error
        self._write(["file", *["label"] * labelled, "prediction", "probability", *guesses])

    def __enter__(self) -> Self:
        return self

    def add(self, file: str | os.PathLike[str], probs: np.ndarray, label: int | None = None) -> None:
        """A row: probabilities (K,), and the true class where it is known."""
        if self.path is None:
            return
        best = np.argsort(-probs, kind="stable")[:MOST_GUESSES]
        guesses = [cell for k in best for cell in (self.class_names[k], f"{probs[k]:.6g}")]
        self._write([os.fspath(file), *([] if label is None else [self.class_names[label]]), *guesses[:2], *guesses])

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.path is None:
            return
        try:
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
            if kind is None:
                os.replace(self._temporary, self._target)
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            with contextlib.suppress(OSError):
                self._temporary.unlink(missing_ok=True)

    def _write(self, cells: Sequence[Any]) -> None:
        try:
            csv.writer(self._file, lineterminator="\n").writerow(cells)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> UserError:
        return UserError(
            f"could not write {self.path} ({error.strerror or error}): free some space or choose another place"
        )
