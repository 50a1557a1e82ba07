"""Reading order of digits: line by line, each from left to right, without the points and commas between."""

from typing import NamedTuple

import numpy as np

LOW = 0.55  # height of a point or a comma over that of the digit before it
ON_THE_LINE = (-0.25, 0.4)  # of that height, from the foot of the digit down to the middle of the point
BEHIND = 1.2  # of that height, at most, from the digit to the point


class Digit(NamedTuple):
    """Digit as a model takes it, and where it stands."""

    image: np.ndarray  # uint8 (1, h, w), light on black
    box: tuple[int, int, int, int]  # top, left, bottom, right in pixels of the image; the last two are exclusive
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


def without_points(digits: list[Digit]) -> list[Digit]:
    """Digits without decimal points and commas: low, and behind the foot of a digit."""
    return [digit for digit in digits if not any(_is_point(digit.box, other.box) for other in digits)]


def _is_point(box: tuple[int, int, int, int], before: tuple[int, int, int, int]) -> bool:
    height = before[2] - before[0]
    below = (box[0] + box[2]) / 2 - before[2]
    gap = box[1] - before[3]
    return bool(
        box[2] - box[0] < LOW * height
        and ON_THE_LINE[0] * height < below < ON_THE_LINE[1] * height
        and -0.2 * height < gap < BEHIND * height
    )


def _share(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """The rows that two boxes have in common, over the height of the lower one."""
    return (min(a[2], b[2]) - max(a[0], b[0])) / max(1, min(a[2] - a[0], b[2] - b[0]))
