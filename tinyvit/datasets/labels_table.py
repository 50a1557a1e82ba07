"""A CSV table of which classes each image shows, read in the ways that people write one.

    file,labels,split            file,beach,sunset             a.jpg,beach,sunset
    a.jpg,beach|sunset,train     a.jpg,1,1                     a.jpg,boat
    b.jpg,,val                   b.jpg,0,0                     b.jpg

Names in one cell, between |, ; or , (or spaces, if the words by themselves are fewer than the cells); a column of 0 and
1 for each class, whose name is in the header; or a name in each further cell. A file in several rows is of all of their
classes. Columns are separated by commas, tabs or semicolons.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .csv_lines import Line, read_lines

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


class Row(NamedTuple):
    """Row of a table of labels: an image and its classes."""

    number: int  # in the file, from 1
    file: str  # as it is written
    names: tuple[str, ...]  # of the classes
    split: str  # as it is written; empty where nothing is said


class LabelsTable(NamedTuple):
    """Contents of a table of labels."""

    class_names: tuple[str, ...] | None  # in order, where the header names them; None where the rows do
    rows: tuple[Row, ...]
    understood: str  # how it was read, in a sentence


def read_labels_table(path: Path) -> LabelsTable:
    """The rows of the table at `path`, one for each line that names a file.

    Raises:
        UserError: it is missing or no such table, or larger than 256 MiB.
    """
    header, lines, file_column = _header(path, read_lines(path))
    called = {k: _plain(cell) for k, cell in enumerate(header)}
    split_column = next((k for k, name in called.items() if name in SPLIT_COLUMNS + VALID_COLUMNS), None)
    columns = _columns(path, header, lines, {file_column, split_column})
    flags = [k for k in columns if _are_flags(lines, k)]
    words = [k for k in columns if k not in flags and (LABEL_COLUMN.search(called.get(k, "")) or k >= len(header))]
    chosen = words or columns
    if flags and not (words and header):
        class_names, names = _from_flags(path, header, lines, flags, columns)
        chosen, how = flags, f"a column of 0 and 1 for {len(flags):,} class{'es' * (len(flags) > 1)}"
    else:
        class_names = None
        names, between = _from_words(path, lines, chosen)
        how = f"names of classes in {len(chosen):,} column{'s' * (len(chosen) != 1)}"
        how += f", separated by {'spaces' if between == ' ' else between}" if between else ""
    files = f"column {header[file_column]!r}" if header else f"column {file_column + 1}, no header"
    splits = f", the splits in column {header[split_column]!r}" if split_column is not None else ""
    unused = [header[k] for k in columns if k not in chosen]
    left_out = f"; columns left out: {', '.join(unused[:5])}{', ...' * (len(unused) > 5)}" if unused else ""
    found = (
        Row(line.number, line.cell(file_column), tuple(map(_name, of_line)), _split_of(line, split_column, called))
        for line, of_line in zip(lines, names, strict=True)
    )
    understood = f"{path.name} was read as a table with the files in {files}{splits}, and {how}{left_out}."
    return LabelsTable(class_names, tuple(row for row in found if row.file), understood)


def _header(path: Path, lines: list[Line]) -> tuple[list[str], list[Line], int]:
    """The first line, if it names the columns (or nothing), the others, and the column of the files."""
    first, others = lines[0].cells, lines[1:]
    looks = [k for k in range(len(first)) if any(ENDING.search(line.cell(k)) for line in others[:100])]
    called = [k for k, cell in enumerate(first) if _plain(cell) in FILE_COLUMNS]
    file_column = (looks or called or [0])[0]
    if ENDING.search(first[file_column]) or not (looks or called):
        return [], lines, file_column
    if not others:
        raise UserError(f"the table of labels {path} has a header and no images: add a line for each")
    return first, others, file_column


def _columns(path: Path, header: list[str], lines: Sequence[Line], others: set[int | None]) -> list[int]:
    """The columns that may say something of classes; with a header, those that it names, and names that run over.

    Raises:
        UserError: a line has more cells than the header, which ends with no column of names.
    """
    width = max(len(line.cells) for line in lines)
    if not header:
        return [k for k in range(width) if k not in others and k > min(k for k in others if k is not None)]
    over = [line for line in lines if any(line.cells[len(header) :])]
    if over and not LABEL_COLUMN.search(_plain(header[-1])):
        raise UserError(
            f"{path} has more cells in line {over[0].number} than its header has: quote cells that hold what separates "
            "the columns, or give each column a name"
        )
    named = [k for k, cell in enumerate(header) if k not in others and _plain(cell) not in FILE_COLUMNS | {""}]
    return named + list(range(len(header), width)) * bool(over)


def _from_flags(
    path: Path, header: list[str], lines: Sequence[Line], flags: list[int], columns: list[int]
) -> tuple[tuple[str, ...], list[list[str]]]:
    """The names of the classes, and those that each line says yes to."""
    if not header:
        raise UserError(
            f"{path} has columns of 0 and 1, but no header that names their classes: add one as the first line"
        )
    class_names = tuple(_name(header[k]) for k in flags)
    if twice := {name: None for name in class_names if class_names.count(name) > 1}:
        raise UserError(f"{path} has several columns for {', '.join(list(twice)[:5])}: keep one of each")
    _check_numbers(path, lines, [k for k in columns if _are_flags(lines, k, YES | NO | {"-1", "-1.0"})])
    return class_names, [[header[k] for k in flags if line.cell(k).lower() in YES] for line in lines]


def _from_words(path: Path, lines: Sequence[Line], columns: list[int]) -> tuple[list[list[str]], str]:
    """The names in each line, and what separates those in one cell."""
    if len(columns) > 1 and all(NUMBER.fullmatch(cell) for line in lines for k in columns if (cell := line.cell(k))):
        _check_numbers(path, lines, columns)
    between = _between([line.cell(k) for line in lines for k in columns])
    return [[name for k in columns for name in _split(line.cell(k), between)] for line in lines], between


def _are_flags(lines: Sequence[Line], column: int, flags: set[str] = YES | NO) -> bool:
    """Whether the cells of a column say yes or no, and not all of them nothing."""
    seen = {line.cell(column).lower() for line in lines}
    return seen <= flags and seen != {""}


def _check_numbers(path: Path, lines: Sequence[Line], columns: Sequence[int]) -> None:
    """Check that all cells of some columns say yes or no: what -1 says, for one, each data set decides by itself."""
    for line in lines:
        for cell in (line.cell(k) for k in columns):
            if cell.lower() not in YES | NO:
                raise UserError(
                    f"{path} has columns of values, which must be 0 or 1, got {cell[:20]} in line {line.number}: "
                    "write 1 where an image is of the class and 0 where it is not"
                )


def _between(cells: Sequence[str]) -> str:
    """Separator of the names in a cell; empty if there is one name in each."""
    for mark in "|;,":
        if any(mark in cell for cell in cells):
            return mark
    words = {word for cell in cells for word in cell.split()}
    return " " if len(words) < len({cell for cell in cells if cell}) else ""


def _split(cell: str, between: str) -> list[str]:
    parts = cell.split(between) if between else [cell]
    return [part.strip() for part in parts if part.strip()]


def _split_of(line: Line, column: int | None, names: dict[int, str]) -> str:
    if column is None:
        return ""
    if names[column] in VALID_COLUMNS:
        return "val" if line.cell(column).lower() in YES else "train"
    return line.cell(column)


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]", "", heading).lower()


def _name(cell: str) -> str:
    """The name of a class, accents in one character (NFC), as for folders."""
    return unicodedata.normalize("NFC", cell)
