"""Points and commas are left out, low digits are not."""

import pytest

from tinyvit.images.digits import Digit
from tinyvit.images.digits.order import without_points


def at(*boxes):
    return [Digit(None, box) for box in boxes]  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("point", [(92, 75, 100, 83), (88, 74, 112, 82), (95, 90, 118, 100)])
def test_a_point_or_comma_behind_a_digits_foot_is_left_out(point, size):
    boxes = [(50, 40, 100, 70), point, (48, 110, 100, 140)]
    digits = at(*[tuple(size * side for side in box) for box in boxes])
    assert without_points(digits) == [digits[0], digits[2]]


@pytest.mark.parametrize("box", [(60, 75, 75, 85), (70, 80, 100, 95), (92, 180, 100, 190), (150, 75, 165, 85)])
def test_what_is_higher_larger_far_or_on_another_line_stays(box):
    digits = at((50, 40, 100, 70), box)
    assert without_points(digits) == digits
