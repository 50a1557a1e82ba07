"""A CSV table of which classes each picture shows, read in the ways that people write one.

    file,labels,split            file,beach,sunset             a.jpg,beach,sunset
    a.jpg,beach|sunset,train     a.jpg,1,1                     a.jpg,boat
    b.jpg,,val                   b.jpg,0,0                     b.jpg

Names in one cell, between |, ; or , (or spaces, if the words by themselves are fewer than the cells); a column of 0 and
1 for each class, whose name is in the header; or a name in each further cell. A file in several rows is of all of their
classes. Columns are separated by commas, tabs or semicolons.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError

ENDING = re.compile(r"\.(a?png|jpe?g?|jfif|gif|bmp|dib|tiff?|webp|p[pgbn]m|hei[cf]|hif)$", re.IGNORECASE)
FILE_COLUMNS = frozenset(
    ("file", "filename", "filepath", "path", "fname", "image", "imagename", "imageid", "imagepath", "imageindex", "img")
    + ("picture", "photo", "name", "id")
)
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "usage")
VALID_COLUMNS = ("isvalid", "isval")  # fastai's
LABEL_COLUMN = re.compile(r"(label|tag|class|classname|category|categorie|target)(s|es)?\d*$")
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
YES, NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no", ""}
MOST_BYTES = 2**28


class Row(NamedTuple):
    number: int  # in the file, from 1
    file: str  # as it is written
    names: tuple[str, ...]  # of the classes
    split: str  # as it is written; empty where nothing is said


class LabelsTable(NamedTuple):
    """What a table says."""

    class_names: tuple[str, ...] | None  # in order, where the header names them; None where the rows do
    rows: tuple[Row, ...]
    understood: str  # how it was read, in a sentence


class _Cells(NamedTuple):
    number: int
    cells: list[str]


def read_labels_table(path: Path) -> LabelsTable:
    """The rows of the table at `path`, one for each line that names a file.

    Raises:
        UserError: it is missing or no such table, or larger than 256 MiB.
    """
    header, rows, file_column = _header(path, _read(path))
    names = {k: _plain(cell) for k, cell in enumerate(header)}
    split_column = next((k for k, name in names.items() if name in SPLIT_COLUMNS + VALID_COLUMNS), None)
    width = max(len(row.cells) for row in rows)
    columns = [
        k for k in range(width) if k not in (file_column, split_column) and names.get(k) not in FILE_COLUMNS | {""}
    ]
    labels = [k for k in columns if LABEL_COLUMN.search(names.get(k, ""))]
    flags = [k for k in labels or columns if _are_flags(rows, k)]
    chosen = flags or labels or columns
    class_names = None
    if flags:
        if not header:
            raise UserError(
                f"{path} has columns of 0 and 1, but no header that names their classes: add one as the first line"
            )
        class_names = tuple(_name(header[k]) for k in flags)
        if twice := {name: None for name in class_names if class_names.count(name) > 1}:
            raise UserError(f"{path} has several columns for {', '.join(list(twice)[:5])}: keep one of each")
        _check_numbers(path, rows, [k for k in columns if _are_flags(rows, k, YES | NO | {"-1", "-1.0"})])
        cells = [[header[k] for k in flags if _cell(row, k).lower() in YES] for row in rows]
        how = f"a column of 0 and 1 for {len(flags):,} class{'es' * (len(flags) > 1)}"
    else:
        if len(chosen) > 1 and all(NUMBER.fullmatch(cell) for row in rows for k in chosen if (cell := _cell(row, k))):
            _check_numbers(path, rows, chosen)
        between = _between([_cell(row, k) for row in rows for k in chosen])
        cells = [[name for k in chosen for name in _split(_cell(row, k), between)] for row in rows]
        how = f"names of classes in {len(chosen):,} column{'s' * (len(chosen) != 1)}"
        how += f", separated by {'spaces' if between == ' ' else between}" if between else ""
    parts = [f"the files in column {header[file_column]!r}" if header else "no header, the files in the first column"]
    parts += [] if split_column is None else [f"the splits in column {header[split_column]!r}"]
    unused = [header[k] for k in columns if k not in chosen]
    left_out = f"; columns left out: {', '.join(unused[:5])}{', ...' * (len(unused) > 5)}" if unused else ""
    found = (
        Row(row.number, _cell(row, file_column), tuple(map(_name, of_row)), _split_of(row, split_column, names))
        for row, of_row in zip(rows, cells, strict=True)
    )
    understood = f"{path.name} was read as a table with {', '.join(parts)}, and {how}{left_out}."
    return LabelsTable(class_names, tuple(row for row in found if row.file), understood)


def _read(path: Path) -> list[_Cells]:
    """All lines that hold something, cut into cells without spaces around them."""
    if not path.is_file():
        what = "is not a file but a folder or a device" if path.exists() else "does not exist"
        raise UserError(f"the table of labels {path} {what}: give a CSV file with a picture in each line")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"the table of labels {path} is larger than {MOST_BYTES >> 20} MiB: give a smaller one")
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
                rows.append(_Cells(reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise UserError(f"{path} is damaged in line {reader.line_num} ({error}): save it again as CSV") from error
    if not rows:
        raise UserError(f"the table of labels {path} is empty: give one with a picture in each line")
    return rows


def _header(path: Path, rows: list[_Cells]) -> tuple[list[str], list[_Cells], int]:
    """The first line, if it names the columns (or nothing), the others, and the column of the files."""
    first, others = rows[0].cells, rows[1:]
    looks = [k for k in range(len(first)) if any(ENDING.search(_cell(row, k)) for row in others[:100])]
    called = [k for k, cell in enumerate(first) if _plain(cell) in FILE_COLUMNS]
    file_column = (looks or called or [0])[0]
    if ENDING.search(first[file_column]) or not (looks or called):
        return [], rows, file_column
    if not others:
        raise UserError(f"the table of labels {path} has a header and no pictures: add a line for each")
    return first, others, file_column


def _are_flags(rows: Sequence[_Cells], column: int, flags: set[str] = YES | NO) -> bool:
    """Whether the cells of a column say yes or no, and not all of them nothing."""
    seen = {_cell(row, column).lower() for row in rows}
    return seen <= flags and seen != {""}


def _check_numbers(path: Path, rows: Sequence[_Cells], columns: Sequence[int]) -> None:
    """Whether all cells of some columns say yes or no: what -1 says, for one, each data set decides by itself."""
    for row in rows:
        for cell in (_cell(row, k) for k in columns):
            if cell.lower() not in YES | NO:
                raise UserError(
                    f"{path} has columns of numbers, which must be 0 or 1, got {cell[:20]} in line {row.number}: write "
                    "1 where a picture is of the class and 0 where it is not"
                )


def _between(cells: Sequence[str]) -> str:
    """What stands between the names in a cell; nothing if there is one name in each."""
    for mark in "|;,":
        if any(mark in cell for cell in cells):
            return mark
    words = {word for cell in cells for word in cell.split()}
    return " " if len(words) < len({cell for cell in cells if cell}) else ""


def _split(cell: str, between: str) -> list[str]:
    parts = cell.split(between) if between else [cell]
    return [part.strip() for part in parts if part.strip()]


def _split_of(row: _Cells, column: int | None, names: dict[int, str]) -> str:
    if column is None:
        return ""
    if names[column] in VALID_COLUMNS:
        return "val" if _cell(row, column).lower() in YES else "train"
    return _cell(row, column)


def _cell(row: _Cells, column: int) -> str:
    return row.cells[column] if column < len(row.cells) else ""


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]", "", heading).lower()


def _name(cell: str) -> str:
    """The name of a class, accents in one character (NFC), as for folders."""
    return unicodedata.normalize("NFC", cell)
