"""The glossary has every option of a config and every letter of a shape, and leads to files that are there."""

import dataclasses
import re
from pathlib import Path

import pytest

import tinyvit
from tinyvit.config.run import FinetuneConfig, RunConfig, TrainConfig
from tinyvit.config.vit import ViTConfig

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "lessons" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in TEXT.splitlines()
    if line.startswith("|") and not line.startswith("|---")
]
ENTRIES = {row[0].strip("`"): row for row in ROWS}


def letters():
    """Those of the legend of shapes in tinyvit/__init__.py: "B batch, C channels, H W image, ..." """
    legend = re.search(r"^B batch.*?stem channels\.", tinyvit.__doc__, re.DOTALL | re.MULTILINE)[0]
    return re.findall(r"\b[A-Za-z]\b(?= )", re.sub(r"\(.*?\)", "", legend))


@pytest.mark.parametrize("config", [ViTConfig, RunConfig, TrainConfig, FinetuneConfig])
def test_every_field_has_an_entry(config):
    assert [field.name for field in dataclasses.fields(config) if field.name not in ENTRIES] == []


def test_every_letter_of_the_legend_has_an_entry():
    assert set(letters()) == set("BCHWPLNDhdMKRTQVS")
    assert [letter for letter in letters() if letter not in ENTRIES] == []


def test_rows_are_whole():
    assert [row for row in ROWS if len(row) not in (4, 6) or not all(row)] == []
    assert len(ENTRIES) == len(ROWS) - 1  # no term twice; but two of the four tables have the heading "Field"


def test_every_file_is_there():
    paths = re.findall(r"`((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\.py)?|vit\.py)[`:]", TEXT.partition("\n## ")[2])
    assert len(paths) > 60
    assert [path for path in paths if not (ROOT / "tinyvit" / path).exists()] == []


def test_it_is_found_from_the_doors():
    assert "lessons/glossary.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(glossary.md)" in (ROOT / "lessons" / "README.md").read_text(encoding="utf-8")
