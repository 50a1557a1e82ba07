"""Many digits in one image: pages, and numbers as people write them; each with what stands on its lines."""

from collections.abc import Sequence

import numpy as np

from tests.images.scenes_drawing import BLACK, BLUE, GREEN, RED, Picture, disc, drawn, light, lines, pen, plain, write

Lines = list[list[int]]


def page(digits, labels, rng) -> tuple[Picture, Lines]:
    """Many digits in four lines, on one of the papers, and what stands on each line."""
    kind, side = rng.integers(6), int(rng.integers(60, 100))
    height, width = 5 * side + 120, (3 + -(-len(digits) // 4)) * side + 160
    paper = plain(rng.integers(225, 255), height, width)
    if kind == 1:
        paper = lines(paper, side // 2, (165, 185, 220), 2, across=bool(rng.integers(2)), tilt=rng.uniform(-6, 6))
    if kind == 2:
        paper[:] = (90, 70, 55)
        paper[30:-30, 30:-30] = (245, 244, 238)
    ink = [BLACK, BLUE, RED, GREEN][rng.integers(4)]
    if kind == 3:
        paper, ink = plain((40, 60, 50), height, width), (235, 235, 230)
    weight, rows = rng.uniform(0.3, 0.6), np.array_split(np.arange(len(digits)), 4)
    for line, row in enumerate(rows):
        x = 60 + rng.integers(0, side)
        for column, index in enumerate(row):
            small = int(side * rng.uniform(0.85, 1.0))
            y = 50 + line * 1.2 * side + rng.integers(0, side // 8) + column * rng.uniform(-1, 1)
            write(paper, pen(digits[index], small, weight), y, x, ink)
            x += int(side * rng.uniform(1.0, 1.3))
    if kind == 4:
        paper = light(paper, 1.0, 0.5)
    if kind == 5:
        paper = disc(paper, height + 5, width - 40, 90, (200, 145, 120))
    return paper, [list(labels[row]) for row in rows]


def _row(paper: Picture, digits: Sequence[np.ndarray], rng, *, y, x, side, step, gaps=(), ink=BLUE) -> list[int]:
    """Digits from `x` on, the left edge of each returned; behind those in `gaps` half a digit is left free."""
    places = []
    for index, digit in enumerate(digits):
        places.append(int(x))
        write(paper, pen(digit, int(side * rng.uniform(0.92, 1.0))), y + rng.integers(0, side // 10), x, ink)
        x += side * step * rng.uniform(0.97, 1.03) + (side * 0.55 if index in gaps else 0)
    return places


def near(digits, labels, rng) -> tuple[Picture, Lines]:
    """Digits so close that some touch: between the ink of two there are from -1 to 6 pixels."""
    rows = np.array_split(np.arange(len(digits)), max(1, len(digits) // 5))
    paper = plain(242, 40 + 85 * len(rows), 420)
    for line, row in enumerate(rows):
        x = 30
        for index in row:
            ink = pen(digits[index], 70)
            columns = np.flatnonzero(ink.max(axis=0) > 0.5)
            write(paper, ink, 20 + 85 * line + rng.integers(0, 6), x - columns[0], BLACK)
            x += columns[-1] - columns[0] + 1 + rng.integers(-1, 7)
    return paper, [list(labels[row]) for row in rows]


def phone_number(digits, labels, rng) -> tuple[Picture, Lines]:
    paper = plain((246, 244, 238), 140, 80 + 60 * len(digits))
    places = _row(paper, digits, rng, y=40, x=20, side=60, step=0.82, gaps=(2, 5))
    dashes = [places[i + 1] - 28 for i in (2, 5) if i + 1 < len(places)]
    return drawn(paper, lambda on: [on.line((x, 70, x + 22, 69), fill=BLUE, width=5) for x in dashes]), [list(labels)]


def price(digits, labels, rng) -> tuple[Picture, Lines]:  # a decimal point or comma
    paper = plain(248, 150, 60 + 70 * len(digits))
    at = len(digits) - 3
    places = _row(paper, digits, rng, y=40, x=20, side=70, step=0.85, gaps=(at,), ink=BLACK)
    x, tail = places[at + 1] - 14, int(rng.integers(0, 14))
    return drawn(paper, lambda on: on.line((x, 98, x - tail // 2, 104 + tail), fill=BLACK, width=8)), [list(labels)]


def two_columns(digits, labels, rng) -> tuple[Picture, Lines]:
    rows = np.array_split(np.arange(len(digits)), max(1, len(digits) // 4))
    paper = plain((250, 248, 240), 60 + 80 * len(rows), 560)
    for line, row in enumerate(rows):
        for part, x in zip(np.array_split(row, 2), (40, 340), strict=True):
            _row(paper, digits[part], rng, y=30 + 80 * line, x=x + rng.integers(0, 20), side=60, step=0.9)
    return paper, [list(labels[row]) for row in rows]


def boxes_filled(digits, labels, rng) -> tuple[Picture, Lines]:  # seven boxes, some of them filled
    def boxes(on):
        for k in range(7):
            on.rectangle((20 + 60 * k, 40, 80 + 60 * k, 104), outline=(80, 80, 85), width=2)

    paper, count = drawn(plain(248, 150, 470), boxes), min(7, len(digits))
    for k in range(count):
        write(paper, pen(digits[k], 48), 48, 26 + 60 * k + rng.integers(-2, 3), BLUE)
    return paper, [list(labels[:count])]


def date(digits, labels, rng) -> tuple[Picture, Lines]:  # 12.03. in German fashion: points on the line
    paper = plain(244, 130, 60 + 66 * len(digits))
    gaps = tuple(range(1, len(digits) - 1, 2))[:2]
    places = _row(paper, digits, rng, y=35, x=20, side=60, step=0.88, gaps=gaps, ink=BLACK)
    points = [places[i + 1] - 14 for i in gaps]
    return drawn(paper, lambda on: [on.ellipse((x, 84, x + 7, 91), fill=BLACK) for x in points]), [list(labels)]


def narrow_strip(digits, labels, rng) -> tuple[Picture, Lines]:  # of paper, hardly higher than the digits, on a table
    side, margin = 60, int(rng.integers(4, 20))
    strip = plain((246, 244, 238), 54 + 2 * margin, 2 * margin + 56 * len(digits))
    _row(strip, digits, rng, y=margin - 6, x=margin, side=side, step=0.9, ink=BLACK)
    table = plain((95, 70, 52), strip.shape[0] + 120, strip.shape[1] + 120)
    table[60:-60, 60:-60] = strip
    if rng.integers(2):  # torn off by hand on one side
        for x in range(60, table.shape[1] - 60):
            table[table.shape[0] - 60 - int(3 + 2 * np.sin(x / 7) + rng.integers(0, 2)) : -60, x] = (95, 70, 52)
    return table, [list(labels)]


NUMBERS = (phone_number, price, two_columns, boxes_filled, date, narrow_strip)
