"""Table of predictions (CSV), written row by row for `--csv FILE`."""

import contextlib
import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import UserError
from ..storage.files import disk_errors, replacing

MAX_GUESSES = 5
FIRST = b"file,"  # so begins every table
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # so begins what a spreadsheet would compute


class PredictionsTable:
    """A CSV file that is there, complete, after the `with` block, and not at all if that was left by an error.

    A row has file, label (if `labelled`), prediction, probability, and then guess_1, probability_1, guess_2, ... of the
    five most probable classes. A name that a spreadsheet would take for a formula has a ' in front of it.

    Args:
        path: None writes nothing.
        class_names: K names.
        labelled: whether there is a label to each image.

    Raises:
        UserError: the file cannot be written; also in `add` and at the end of the block.
    """

    def __init__(self, path: str | None, class_names: Sequence[str], *, labelled: bool):
        self.path, self.class_names = path, [_harmless(name) for name in class_names]
        if path is None:
            return
        self._check_replaceable(Path(path))
        self._columns = self.columns(labelled)

    def _check_replaceable(self, place: Path) -> None:
        """Check that nothing is lost but an older table.

        Raises:
            UserError: there is something else in its place.
        """
        if not place.exists():
            return
        if not place.is_file():
            raise UserError(f"{place} is not a file but a folder or a device: give --csv another name")
        with disk_errors(place), open(place, "rb") as file:
            start = file.read(len(FIRST))
        if start not in (b"", FIRST):
            raise UserError(f"{place} is no table of predictions and stays as it is: give --csv another name")

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

    def add(self, file: str | os.PathLike[str], probs: np.ndarray, label: Any = None) -> None:
        """A row: probabilities (K,), and the truth where it is known."""
        if self.path is not None:
            self._write(self.row(_harmless(os.fspath(file)), probs, label))

    def columns(self, labelled: bool) -> list[str]:
        """The first row."""
        numbers = range(1, min(MAX_GUESSES, len(self.class_names)) + 1)
        guesses = [column for number in numbers for column in (f"guess_{number}", f"probability_{number}")]
        return ["file", *["label"] * labelled, "prediction", "probability", *guesses]

    def row(self, file: str, probs: np.ndarray, label: Any) -> list[str]:
        """The row of an image: probabilities (K,), and the true class where it is known."""
        best = np.argsort(-probs, kind="stable")[:MAX_GUESSES]
        guesses = [cell for k in best for cell in (self.class_names[k], f"{probs[k]:.6g}")]
        return [file, *([] if label is None else [self.class_names[label]]), *guesses[:2], *guesses]

    def __exit__(self, *error: Any) -> None:
        if self.path is not None:
            self._stack.__exit__(*error)

    def _write(self, cells: Sequence[Any]) -> None:
        with disk_errors(str(self.path)):
            csv.writer(self._file, lineterminator="\n", quoting=_quoting(cells)).writerow(cells)

    def _flush(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with disk_errors(str(self.path)):
                self._file.flush()


def _harmless(name: str) -> str:
    """A name as a spreadsheet shows it, and does not compute it: source, OWASP, "CSV Injection"."""
    with contextlib.suppress(ValueError):
        float(name)
        return name
    return f"'{name}" if name.startswith(FORMULAS) else name


def _quoting(cells: Sequence[Any]) -> Any:
    """Quotes where they are needed: Python forgets those around a carriage return, which ends a row for others."""
    return csv.QUOTE_ALL if any("\r" in str(cell) for cell in cells) else csv.QUOTE_MINIMAL
