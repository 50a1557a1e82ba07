"""Strokes around and below a digit are left out, and none of its own."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.images import scenes
from tests.images import scenes_furniture as kinds
from tests.images.scenes_drawing import pen, plain, write
from tinyvit.images.digits.enclosures import enclosing
from tinyvit.images.digits.pieces import find_pieces
from tinyvit.images.digits.underlines import underlining, without_underline
from tinyvit.images.own_image import digits_in


def pieces_of(strokes, width=5):
    image = Image.new("L", (320, 260))
    for stroke in strokes:
        ImageDraw.Draw(image).line(stroke, fill=200, width=width)
    return find_pieces(np.asarray(image), 20.0, 4.0)


ONE = [(160, 90), (160, 170)]
FEET = {
    "1 with a foot": [ONE, [(130, 170), (190, 170)]],
    "1 with a foot apart from it": [ONE, [(130, 178), (190, 178)]],
    "7 with a bar": [[(120, 80), (190, 80), (150, 180)], [(130, 130), (190, 128)]],
    "2 with a long base": [[(130, 100), (160, 80), (185, 110), (120, 170), (215, 170)]],
    "4 on a base": [[(150, 80), (120, 130), (190, 130)], [(175, 90), (175, 180)], [(145, 180), (205, 180)]],
}


@pytest.mark.parametrize("strokes", FEET.values(), ids=FEET)
def test_a_digit_keeps_its_foot(strokes):
    pieces = pieces_of(strokes)
    assert enclosing(pieces) | underlining(pieces) == set()
    assert all(without_underline(piece) is piece for piece in pieces)


def test_a_line_that_touches_is_cut_off_and_the_digit_left():
    (piece,) = pieces_of([ONE, [(90, 170), (240, 172)]])
    cut = without_underline(piece)
    assert piece.width > 140
    assert cut.width < 12
    assert abs(cut.height - 80) <= 4


SIDES = ([(100, 60), (215, 62)], [(225, 70), (222, 190)], [(218, 202), (105, 200)], [(96, 195), (95, 72)])


def test_four_strokes_around_another_are_a_box_and_two_are_not():
    assert enclosing(pieces_of([ONE, *SIDES])) == set(
        np.flatnonzero([piece.box[1] != 158 for piece in pieces_of([ONE, *SIDES])])
    )
    assert enclosing(pieces_of([ONE, *SIDES[::2]])) == set()
    assert enclosing(pieces_of(SIDES)) == set()


def bow(begin, end):
    """Part of an ellipse around (184, 180), between two angles in degrees."""
    angle = np.radians(np.linspace(begin, end, 30))
    return list(zip((184 + 68 * np.cos(angle)).tolist(), (180 + 81 * np.sin(angle)).tolist(), strict=True))


def test_a_bow_with_its_middle_in_the_digits_box():
    """What counts is where its pixels are: its box is as wide as the bow."""
    nine = [(205, 150), (180, 133), (162, 155), (180, 175), (205, 150), (198, 238)]
    around, *others = (pieces_of([stroke])[0] for stroke in (bow(-112, -5), bow(8, 112), bow(128, 232)))
    (digit,) = pieces_of([nine])
    middle = np.add(around.box[:2], around.box[2:]) / 2
    assert (middle >= digit.box[:2]).all()
    assert (middle < digit.box[2:]).all()
    assert around.length <= digit.length
    assert enclosing([digit, around, *others]) == {1, 2, 3}


@pytest.mark.parametrize("kind", kinds.FURNITURE[:-1], ids=lambda kind: kind.__name__)
def test_what_is_left_is_the_digit(kind):
    rng = np.random.default_rng(4)
    digits, _ = scenes.test_digits(3, 4)
    for digit in digits:
        found = digits_in(scenes.photographed(kind(digit, rng), rng))
        assert len(found.digits) == 1
        assert "left out" in found.done


def test_a_scribble_is_no_digit_beside_one():
    t = np.linspace(0, 1, 60)
    picture = write(plain(245, 300, 480), pen(scenes.test_digits(1, 5)[0][0], 150), 75, 290)
    image = scenes.photographed(picture, np.random.default_rng(5))
    points = list(zip(45 + 180 * t, 150 + 60 * (2 * (np.arange(60) % 2) - 1), strict=True))
    ImageDraw.Draw(image).line(points, fill=(25, 25, 30), width=2)
    (digit,) = digits_in(image).digits
    assert digit.box[1] > 280
