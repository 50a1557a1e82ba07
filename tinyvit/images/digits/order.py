"""Digits in the order one reads them: line by line, each from left to right."""

from typing import NamedTuple

import numpy as np


class Digit(NamedTuple):
    image: np.ndarray  # uint8 (1, h, w), light on black
    box: tuple[int, int, int, int]  # top, left, bottom, right in pixels of the picture; the last two are exclusive
    line: int = 0  # which line of writing it stands on, from 0
    instead: tuple["Digit", ...] = ()  # two digits that it may be, if they touch


def in_reading_order(digits: list[Digit]) -> list[Digit]:
    """Sorted, with the line of each.

    From left to right each digit goes on the line whose last digit is nearest in height, or begins a new one if their
    rows have less than a third of the lower one's height in common: so a line may rise and fall.
    """
    lines: list[list[Digit]] = []
    for digit in sorted(digits, key=lambda digit: digit.box[1]):
        fitting = [line for line in lines if _share(line[-1].box, digit.box) > 1 / 3]
        if fitting:
            max(fitting, key=lambda line: _share(line[-1].box, digit.box)).append(digit)
        else:
            lines.append([digit])
    lines.sort(key=lambda line: np.mean([digit.box[0] + digit.box[2] for digit in line]))
    return [digit._replace(line=number) for number, line in enumerate(lines) for digit in line]


def _share(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """The rows that two boxes have in common, over the height of the lower one."""
    return (min(a[2], b[2]) - max(a[0], b[0])) / max(1, min(a[2] - a[0], b[2] - b[0]))
