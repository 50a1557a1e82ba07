"""Ruled lines go, whatever their slope and colour, and strokes that cross them stay whole."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tinyvit.images.digits.connected import label
from tinyvit.images.digits.lines import without_lines

PAPER, CONTRAST = 240, 12.0
INK = (30, 30, 60)


def paper(rule, tilt, strokes=(), first=60, thick=3):
    """Paper with rules across, and strokes (from, to) over them: uint8 (3, 200, 300)."""
    image = Image.new("RGB", (300, 200), (PAPER,) * 3)
    draw = ImageDraw.Draw(image)
    for y in range(first, 200, 50):
        draw.line([(0, y), (299, y + tilt)], fill=rule, width=thick)
    for stroke in strokes:
        draw.line(stroke, fill=INK, width=5)
    return np.asarray(image).transpose(2, 0, 1)


@pytest.mark.parametrize("tilt", [0, 3, -7])
@pytest.mark.parametrize("rule", [(25, 25, 25), (170, 190, 225), (220, 90, 90)], ids=["black", "blue", "red"])
def test_a_line_becomes_paper(rule, tilt):
    clean, count = without_lines(paper(rule, tilt), CONTRAST)
    assert count == 3
    assert clean.min() > PAPER - 2 * CONTRAST
    turned, count = without_lines(np.ascontiguousarray(paper(rule, tilt).transpose(0, 2, 1)), CONTRAST)
    assert (count, turned.min() > PAPER - 2 * CONTRAST) == (3, True)


@pytest.mark.parametrize("tilt", [0, 3, -7])
@pytest.mark.parametrize("rule", [(25, 25, 25), (170, 190, 225), (220, 90, 90)], ids=["black", "blue", "red"])
@pytest.mark.parametrize("lean", [-110, -40, 0, 40, 110])
def test_a_stroke_that_crosses_lines_stays_whole(rule, tilt, lean):
    clean, _ = without_lines(paper(rule, tilt, [[(150, 30), (150 + lean, 180)]]), CONTRAST)
    assert label(clean.min(axis=0) < 140)[1] == 1


@pytest.mark.parametrize("rule", [(170, 190, 225), (220, 120, 120)], ids=["blue", "red"])
def test_a_stroke_along_a_lighter_line_stays(rule):
    clean, _ = without_lines(paper(rule, 0, [[(100, 60), (200, 60)]]), CONTRAST)
    assert (clean.min(axis=0)[60, 105:195] < 80).all()
