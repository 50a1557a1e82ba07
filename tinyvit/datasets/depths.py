"""Bit depth of a data set's images of more than 8 bits: the level that means white in all of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..images.deep_grey import Depth, white_level
from .left_out import some

DARKER = 16  # times darker than the data set's white: another camera, or another number of bits


class Depths(NamedTuple):
    """Deep grey images found by `scan`."""

    grey: dict[Path, Depth]  # images in deep grey
    reduced: list[Path]  # images in colours of 16 bits, of which the upper 8 are used

    @property
    def white_level(self) -> float | None:
        """Level that means white in all of the deep grey; None if there is none."""
        tops = [depth.told or depth.largest for depth in self.grey.values()]
        return white_level(max(tops)) if tops else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on what becomes of them, a sentence for each kind."""
        told: dict[str, Iterable[Path]] = {"in colours of 16 bits, of which the upper 8 are used": self.reduced}
        if white := self.white_level:
            largest = max(depth.largest for depth in self.grey.values())
            is_dark = {path: depth.white_level <= white / DARKER for path, depth in self.grey.items()}
            told = {
                f"in deep grey, of values up to {largest:,g}; {white:,g} is taken as white in all of them": self.grey,
                f"{DARKER} times darker than that or more, so perhaps their white is another": _those(is_dark),
                "with negative numbers, which become black": _those({p: d.has_negative for p, d in self.grey.items()}),
                "with NaN, which becomes black, or infinity": _those({p: d.has_nan for p, d in self.grey.items()}),
            } | told
        return tuple(_sentence(what, list(paths)) for what, paths in told.items() if paths)


def _those(conditions: dict[Path, bool]) -> list[Path]:
    return [path for path, holds in conditions.items() if holds]


def _sentence(what: str, paths: list[Path]) -> str:
    count = f"{len(paths):,} images are" if len(paths) > 1 else "1 image is"
    return f"{count} {what}: {some(path.name for path in paths)}."
