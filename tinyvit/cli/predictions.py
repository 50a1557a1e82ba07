"""A table of predictions, written row by row: what `--csv FILE` leaves."""

import contextlib
import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import UserError
from ..files import disk_errors, replacing

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
        place = Path(path)
        if place.exists() and not place.is_file():
            raise UserError(f"{path} is not a file but a folder or a device: give --csv another name")
        numbers = range(1, min(MOST_GUESSES, len(class_names)) + 1)
        guesses = [column for number in numbers for column in (f"guess_{number}", f"probability_{number}")]
        self._columns = ["file", *["label"] * labelled, "prediction", "probability", *guesses]

    def __enter__(self) -> Self:
        if self.path is None:
            return self
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(replacing(self.path))
            self._file = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="", write_through=True)
            stack.push(self._flush)
            self._write(self._columns)
            self._stack = stack.pop_all()
        return self

    def add(self, file: str | os.PathLike[str], probs: np.ndarray, label: int | None = None) -> None:
        """A row: probabilities (K,), and the true class where it is known."""
        if self.path is None:
            return
        best = np.argsort(-probs, kind="stable")[:MOST_GUESSES]
        guesses = [cell for k in best for cell in (self.class_names[k], f"{probs[k]:.6g}")]
        self._write([os.fspath(file), *([] if label is None else [self.class_names[label]]), *guesses[:2], *guesses])

    def __exit__(self, *error: Any) -> None:
        if self.path is not None:
            self._stack.__exit__(*error)

    def _write(self, cells: Sequence[Any]) -> None:
        with disk_errors(str(self.path)):
            csv.writer(self._file, lineterminator="\n").writerow(cells)

    def _flush(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with disk_errors(str(self.path)):
                self._file.flush()
