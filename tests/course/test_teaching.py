"""The page for teachers: its table is that of the lessons, its commands are there."""

import re
from pathlib import Path

import pytest

from tinyvit.cli import build_parser
from tinyvit.course.texts import texts

PAGE = (Path(__file__).parents[2] / "lessons" / "teaching.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("slug", "facts"), texts()["lessons"].items())
def test_each_lesson_has_its_row(slug, facts):
    row = re.search(rf"^\| {slug[:2]} \[.*\]\({slug}\.ipynb\) \| (\d+) \| (\d+) \|", PAGE, re.M)
    assert row, f"teaching.md has no row of {slug}"
    goals = [e["goal"] for e in texts()["exercises"].values() if e["lesson"] == slug]
    minutes = [int(found) for goal in goals for found in re.findall(r"(\d+)\s+minutes\.", goal)]
    assert (int(row[1]), int(row[2])) == (facts["minutes"], sum(minutes))


def test_commands_are_there():
    commands = re.findall(r"^tinyvit (.*)$", PAGE, re.M)
    assert len(commands) >= 3
    for command in commands:
        build_parser().parse_args(command.split())
