"""Two digits that touch are offered apart; one digit is cut nowhere or at a thin place only."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tinyvit.images.digits.pieces import find_pieces
from tinyvit.images.digits.split import halves
from tinyvit.images.digits.strokes import box_of


def drawn(draw):
    """The one piece of what is drawn, as a group."""
    image = Image.new("L", (300, 200))
    draw(ImageDraw.Draw(image))
    pieces = find_pieces(np.asarray(image), 12.0, 5.0)
    assert len(pieces) == 1
    return pieces


@pytest.mark.parametrize("lean", [-30, 0, 30])
def test_two_rings_that_touch_are_cut_where_they_do(lean):
    def rings(on):
        on.ellipse((50 + lean, 30, 130 + lean, 130), outline=255, width=9)
        on.line((128 + lean, 80, 134 + lean, 80), fill=255, width=6)
        on.ellipse((132 + lean, 30, 212 + lean, 130), outline=255, width=9)

    left, right = halves(drawn(rings))
    np.testing.assert_allclose(box_of(left), (30, 50 + lean, 131, 131 + lean), atol=6)
    np.testing.assert_allclose(box_of(right), (30, 131 + lean, 131, 213 + lean), atol=6)


@pytest.mark.parametrize("lean", [0, 25, 40])
def test_slanted_strokes_that_touch_are_cut_along_their_slant(lean):
    def strokes(on):
        for x in (60, 160):
            on.line((x + lean, 30, x, 150), fill=255, width=8)
        on.line((62, 146, 158, 146), fill=255, width=6)

    left, right = halves(drawn(strokes))
    assert box_of(left)[3] <= 160
    assert box_of(right)[1] >= 60 + lean / 2
    assert all(box_of(half)[2] - box_of(half)[0] > 100 for half in (left, right))


def test_no_pixel_is_lost_or_doubled():
    group = drawn(lambda on: on.line((40, 40, 100, 150, 140, 60, 200, 150), fill=255, width=9))
    cut = [tuple(pixel) for half in halves(group) for piece in half for pixel in piece.pixels]
    assert sorted(cut) == sorted(tuple(pixel) for pixel in group[0].pixels)


@pytest.mark.parametrize("size", [(60, 100), (100, 100), (160, 100)])
def test_a_ring_is_not_cut(size):  # any line through it crosses two strokes
    assert halves(drawn(lambda on: on.ellipse((50, 40, 50 + size[0], 40 + size[1]), outline=255, width=12))) is None


def test_what_is_narrow_is_not_cut():
    assert halves(drawn(lambda on: on.line((60, 40, 90, 150), fill=255, width=9))) is None


@pytest.mark.parametrize("is_left_low", [True, False])
def test_what_stands_higher_than_its_neighbour_is_not_cut(is_left_low):  # as the parts of a 4 written like a tick
    left, right = (50, -10)[:: 1 if is_left_low else -1]

    def rings(on):
        on.ellipse((50, 30 + left, 120, 120 + left), outline=255, width=9)
        on.line((112, 75 + left, 132, 75 + right), fill=255, width=6)
        on.ellipse((124, 30 + right, 194, 120 + right), outline=255, width=9)

    assert halves(drawn(rings)) is None
