"""Scenes with one digit and strokes around, below or beside it, as a hand draws them: with gaps, close, or touching."""

import numpy as np

from tests.images.scenes_drawing import BLACK, BLUE, GREEN, RED, drawn, pen, plain, write

INKS = (BLACK, BLUE, RED, GREEN)


def _ink(rng, own):
    """Of the strokes: the digit's own, or another."""
    return own if rng.random() < 0.6 else INKS[rng.integers(4)]


def _written(d, rng, y, x):
    """A sheet with the digit, its ink, and the box of what is drawn: top, left, bottom, right."""
    ink, colour = pen(d, int(rng.integers(100, 150))), INKS[rng.integers(4)]
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.5), np.flatnonzero(ink.max(axis=0) > 0.5)
    paper = write(plain((248, 246, 240), 340, 380), ink, y, x, colour)
    return paper, colour, (y + rows[0], x + columns[0], y + rows[-1] + 1, x + columns[-1] + 1)


def loose_box(d, rng):  # its sides do not meet
    paper, colour, (top, left, bottom, right) = _written(d, rng, 105, 120)
    out = rng.uniform(18, 45, 4)
    y, v, x, u = top - out[0], bottom + out[1], left - out[2], right + out[3]
    gap, stroke = rng.uniform(-8, 22, (4, 2)), _ink(rng, colour)
    lean = rng.uniform(-6, 6, (4, 2))
    sides = (
        (x + gap[0, 0], y + lean[0, 0], u - gap[0, 1], y + lean[0, 1]),
        (x + gap[1, 0], v + lean[1, 0], u - gap[1, 1], v + lean[1, 1]),
        (x + lean[2, 0], y + gap[2, 0], x + lean[2, 1], v - gap[2, 1]),
        (u + lean[3, 0], y + gap[3, 0], u + lean[3, 1], v - gap[3, 1]),
    )
    return drawn(paper, lambda on: [on.line(side, fill=stroke, width=int(rng.integers(3, 6))) for side in sides])


def broken_ring(d, rng):  # one to three bows
    paper, colour, (top, left, bottom, right) = _written(d, rng, 105, 120)
    height, width = 0.7 * (bottom - top) + rng.uniform(12, 35), 0.75 * (right - left) + rng.uniform(20, 40)
    box = [
        (left + right) / 2 - width,
        (top + bottom) / 2 - height,
        (left + right) / 2 + width,
        (top + bottom) / 2 + height,
    ]
    bows, start, stroke = int(rng.integers(1, 4)), rng.uniform(0, 360), _ink(rng, colour)
    gap = rng.uniform(18, 60) / bows**0.5

    def draw(on):
        for k in range(bows):
            begin = start + 360 * k / bows
            on.arc(box, begin, begin + 360 / bows - gap, fill=stroke, width=int(rng.integers(3, 6)))

    return drawn(paper, draw)


def _under(d, rng, gap, wave):
    """Digit with a line below, `gap` pixels from its ink, its waves so high."""
    paper, colour, (top, left, bottom, right) = _written(d, rng, 90, 120)
    half = rng.uniform(0.6, 1.0) * (bottom - top)
    middle = (left + right) / 2 + rng.uniform(-0.1, 0.1) * half
    x = np.arange(middle - max(half, 0.62 * (right - left)), middle + max(half, 0.62 * (right - left)), 2)
    y = bottom + gap + wave + 2 + wave * np.sin(x / rng.uniform(5, 12)) + rng.uniform(-0.04, 0.04) * (x - middle)
    stroke, width = _ink(rng, colour), int(rng.integers(3, 7))
    return drawn(paper, lambda on: on.line(list(zip(x, y, strict=True)), fill=stroke, width=width, joint="curve"))


def line_below(d, rng):
    return _under(d, rng, rng.uniform(4, 40), 0)


def line_at_foot(d, rng):  # touches it
    return _under(d, rng, rng.uniform(-8, 1), 0)


def wave_below(d, rng):
    return _under(d, rng, rng.uniform(4, 35), rng.uniform(3, 8))


def wave_at_foot(d, rng):
    return _under(d, rng, rng.uniform(-7, 0), rng.uniform(3, 7))


def scribble_beside(d, rng):  # what was wrong is scribbled over
    paper = write(plain(245, 300, 480), pen(d, 150), 75, 290, BLUE)
    t, kind = np.linspace(0, 1, int(rng.integers(40, 90))), rng.integers(3)
    turns = rng.uniform(6, 13)
    y = 150 + 60 * (np.sin(2 * np.pi * turns * t) if kind else 2 * (np.arange(len(t)) % 2) - 1) * rng.uniform(
        0.6, 1, len(t)
    )
    x = 45 + 180 * t + (30 * np.cos(2 * np.pi * turns * t) if kind == 2 else 0)
    width = int(rng.integers(4, 8))
    return drawn(paper, lambda on: on.line(list(zip(x, y, strict=True)), fill=BLUE, width=width, joint="curve"))


FURNITURE = (
    loose_box, broken_ring, line_below, line_at_foot, wave_below, wave_at_foot, scribble_beside,
)  # fmt: skip
