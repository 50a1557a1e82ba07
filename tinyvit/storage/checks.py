"""Validation of values read from files: files get damaged, and people edit them."""

import sys
from pathlib import Path
from reprlib import repr as short
from typing import Any

from ..errors import UserError


def check(right: bool, path: Path, wanted: str, got: Any) -> None:
    """Check that a value in the file at `path` is right; `wanted` says what it must be.

    Raises:
        UserError: it is not.
    """
    if not right:
        raise UserError(f"{path} is damaged ({wanted}, got {short(got)}): use another copy")


def is_number(value: Any, least: float = -sys.float_info.max, most: float = sys.float_info.max) -> bool:
    """Whether it is a finite number, from `least` to `most`."""
    return type(value) in (int, float) and least <= value <= most


def is_text(value: Any) -> bool:
    """Whether it is a string that can be printed: JSON can hold half a character."""
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()
