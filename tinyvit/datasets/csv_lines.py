"""A CSV file as lines of cells, whatever stands between them: commas, tabs or semicolons."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError

MAX_BYTES = 2**28


class Line(NamedTuple):
    """Line of a CSV file that holds something."""

    number: int
    cells: list[str]

    def cell(self, column: int) -> str:
        """The cell in a column, counted from 0; nothing where the line is shorter."""
        return self.cells[column] if column < len(self.cells) else ""


def read_lines(path: Path) -> list[Line]:
    """All lines that hold something, cut into cells without spaces around them.

    Raises:
        UserError: the file is missing, unreadable, empty, damaged, not UTF-8, or larger than 256 MiB.
    """
    if not path.is_file():
        what = "is not a file but a folder or a device" if path.exists() else "does not exist"
        raise UserError(f"the table of labels {path} {what}: give a CSV file with an image in each line")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"the table of labels {path} is larger than {MAX_BYTES >> 20} MiB: give a smaller one")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check the file and its rights") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path} is not UTF-8 (line {line}): save it as CSV in UTF-8") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in (",", "\t", ";") if mark in first), ",")
    reader, rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), []
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append(Line(reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise UserError(f"{path} is damaged in line {reader.line_num} ({error}): save it again as CSV") from error
    if not rows:
        raise UserError(f"the table of labels {path} is empty: give one with an image in each line")
    return rows
