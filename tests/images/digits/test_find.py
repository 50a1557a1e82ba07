import numpy as np
import pytest
from PIL import Image, ImageDraw

from tinyvit.images.digits import find_digits


def found(draw, size=(300, 300)):
    image = Image.new("L", size, 240)
    draw(ImageDraw.Draw(image))
    return find_digits(np.asarray(image)[None], (28, 28))


def strokes(on, x, y):
    """A 7, 60 high."""
    on.line((x, y, x + 40, y, x + 10, y + 60), fill=20, width=8)


def test_boxes_lie_where_the_digits_do_in_reading_order():
    places = [(20, 30), (100, 36), (200, 24), (60, 150), (180, 158)]
    digits = found(lambda on: [strokes(on, x, y) for x, y in reversed(places)]).digits
    assert [digit.line for digit in digits] == [0, 0, 0, 1, 1]
    for digit, (x, y) in zip(digits, places, strict=True):
        np.testing.assert_allclose(digit.box, (y - 4, x, y + 60, x + 42), atol=5)


@pytest.mark.parametrize("gap", [4, 8, 12])
def test_a_five_with_a_separate_bar_is_one_digit(gap):
    def draw(on):
        on.line((130, 110, 126, 160), fill=20, width=12)
        on.arc((110, 150, 190, 230), 230, 480, fill=20, width=12)
        on.line((130 + 6 + gap, 112, 195, 108), fill=20, width=12)

    assert len(found(draw).digits) == 1


def test_a_four_in_two_parts_is_one_digit():
    def draw(on):
        on.line((120, 90, 105, 150, 158, 150), fill=20, width=10)
        on.line((172, 85, 168, 215), fill=20, width=10)

    assert len(found(draw).digits) == 1


@pytest.mark.parametrize("gap", [16, 30, 60])
def test_two_ones_are_two_digits(gap):
    def draw(on):
        on.line((140, 80, 138, 200), fill=20, width=10)
        on.line((140 + 10 + gap, 82, 148 + gap, 202), fill=20, width=10)

    assert len(found(draw).digits) == 2


@pytest.mark.parametrize("outline", [1, 3, 6])
@pytest.mark.parametrize("inset", [0, 5, 40])
def test_a_frame_is_no_digit(inset, outline):
    def draw(on):
        on.rectangle((inset, inset, 299 - inset, 299 - inset), outline=0, width=outline)
        strokes(on, 130, 120)

    (digit,) = found(draw).digits
    np.testing.assert_allclose(digit.box, (116, 130, 180, 172), atol=5)


@pytest.mark.parametrize("room", [6, 8, 20])
@pytest.mark.parametrize("outline", [1, 2, 3])
def test_a_box_close_to_a_digit_is_no_part_of_it(room, outline):
    def draw(on):
        on.rectangle((130 - room, 116 - room, 210, 220), outline=60, width=outline)
        strokes(on, 130, 120)

    (digit,) = found(draw).digits
    np.testing.assert_allclose(digit.box, (116, 130, 180, 172), atol=5)


@pytest.mark.parametrize("tilt", [-8, 0, 5])
def test_lines_that_cross_a_digit_are_taken_out_and_told(tilt):
    def draw(on):
        strokes(on, 130, 120)
        for y in (60, 140, 220):
            on.line((0, y, 299, y + tilt), fill=20, width=2)

    seen = found(draw)
    assert len(seen.digits) == 1
    assert "3 straight lines taken out" in seen.done


@pytest.mark.parametrize("side", ["top", "left", "bottom", "right"])
@pytest.mark.parametrize("ink", [20, 120])
def test_a_digit_that_an_edge_cuts_is_found_whole(side, ink):
    boxes = {
        "top": (0, 133, 45, 163),
        "left": (120, 0, 188, 45),
        "bottom": (242, 121, 300, 169),
        "right": (120, 256, 188, 300),
    }
    places = {"top": (125, -16), "left": (-4, 124), "bottom": (125, 246), "right": (260, 124)}

    def draw(on):
        x, y = places[side]
        on.line((x, y, x + 40, y, x + 10, y + 60), fill=ink, width=8)
        on.line((x + 8, y + 30, x + 30, y + 30), fill=ink, width=8)

    (digit,) = found(draw).digits
    np.testing.assert_allclose(digit.box, boxes[side], atol=8)


@pytest.mark.parametrize("count", [1, 3])
def test_points_are_left_out_and_told(count):
    def draw(on):
        for number in range(count + 1):
            strokes(on, 30 + 70 * number, 120)
            if number < count:
                on.line((80 + 70 * number, 170, 74 + 70 * number, 196), fill=20, width=8)

    seen = found(draw)
    assert len(seen.digits) == count + 1
    assert f"{count} point{'s' * (count > 1)} or comma" in seen.done


@pytest.mark.parametrize(("height", "is_read"), [(45, True), (30, True), (22, True), (15, False), (8, False)])
def test_what_is_nearly_as_high_as_other_digits_is_no_dust(height, is_read):
    def draw(on):
        for x in (100, 300, 500):
            on.line((x, 100, x + 20, 100, x + 5, 130), fill=20, width=5)
        on.line((700, 130 - height, 700 + height // 2, 130 - height, 705, 130), fill=20, width=5)

    assert len(found(draw, size=(1000, 300)).digits) == 3 + is_read


def test_a_speck_beside_one_large_digit_is_dust():
    def draw(on):
        on.line((100, 60, 180, 60, 120, 240), fill=20, width=16)
        on.line((600, 200, 612, 200, 604, 224), fill=20, width=5)

    assert len(found(draw, size=(1000, 300)).digits) == 1


def test_small_digits_alone_are_not_found():
    assert not found(
        lambda on: [on.line((x, 100, x + 10, 100, x, 120), fill=20, width=4) for x in (100, 300)], size=(1000, 300)
    ).digits
