"""`tinyvit bench --record NAME`: a benchmark with the flags of a record, and its row in the table of records."""

import argparse
from typing import Any

from ..errors import UserError
from .bench_tasks import machine
from .flags import given
from .output import complain


def of_record(options: argparse.Namespace) -> argparse.Namespace:
    """The options with which a record is measured."""
    from ..bench.records import read_table, record
    from ..config import ViTConfig

    flags = record(options.record).flags
    plain = vars(options.parser.parse_args([]))
    others = [name for name, value in plain.items() if name not in ("record", "json") and vars(options)[name] != value]
    others += given(options, ViTConfig)
    if others:
        raise UserError(
            f"a record is measured with its own flags ({flags}), got --{others[0].replace('_', '-')} too: leave one out"
        )
    chosen: argparse.Namespace = options.parser.parse_args(flags.split())
    chosen.json = options.json
    read_table()  # rather told now than after the measurement
    return chosen


def keep(name: str, result: dict[str, Any]) -> None:
    """Add the row of a record, measured just now, to the table."""
    from ..bench.records import FILE, append, row

    append(line := row(name, result, machine()))
    complain(f"{FILE} has one more row: {line.strip()}")
