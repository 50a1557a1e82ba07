"""Texts of the lessons' sources that the checks speak: titles, hints, stubs, solutions."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def texts() -> dict[str, dict[str, Any]]:
    """Texts of the lessons' sources: `lessons` by name with title and minutes, `exercises` by number with lesson,
    hints, stub and solution."""
    return dict(json.loads(resources.files(__package__).joinpath("lessons.json").read_text(encoding="utf-8")))
