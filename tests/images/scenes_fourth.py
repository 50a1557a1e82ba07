"""A fourth set of scenes with one digit, written before the third was looked at: rings, margins, shadows, grids, strikes."""

import numpy as np
from PIL import Image, ImageFilter

from tests.images.scenes_drawing import BLACK, BLUE, GREEN, RED, disc, drawn, light, lines, pen, plain, write


def _curve(rng, y, x, down, across, turns=1.0, wobble=0.03):
    """Points of a closed line drawn by hand around (y, x), `turns` times around: a list of (x, y)."""
    angles = np.linspace(0, 2 * np.pi * turns, 60) + rng.uniform(0, 6.28)
    radii = 1 + wobble * np.sin(2 * angles + rng.uniform(0, 6.28)) + wobble * np.linspace(-1, 1, 60)
    return list(zip(x + across * radii * np.cos(angles), y + down * radii * np.sin(angles), strict=True))


def college_block(d, rng):  # squared, a red margin on one side, two holes
    paper = lines(plain((250, 250, 248), 420, 320), 20, (176, 186, 200), 1, 8, across=True)
    x = int(rng.choice([30, 285]))
    paper[:, x : x + 3] = (220, 80, 90)
    for y in (120, 300):
        paper = disc(paper, y, 14, 9, (60, 55, 50))
    return write(paper, pen(d, 140), rng.integers(40, 240), 75 + rng.integers(0, 60), BLUE)


def teacher_ring(d, rng):  # marked with a red pen, by hand
    paper = write(plain((246, 246, 242), 320, 400), pen(d, 110), 105, 140, BLUE)
    ring = _curve(rng, 160, 195, rng.uniform(85, 115), rng.uniform(85, 120), 1.04)
    return drawn(paper, lambda on: on.line(ring, fill=(205, 40, 45), width=int(rng.integers(3, 7)), joint="curve"))


def open_ring(d, rng):  # a ring that does not close, of the digit's own ink
    paper = write(plain(248, 320, 320), pen(d, 110), 105, 105, BLACK)
    ring = _curve(rng, 160, 160, 100, 105, rng.uniform(0.9, 0.96))
    return drawn(paper, lambda on: on.line(ring, fill=BLACK, width=5, joint="curve"))


def box_by_hand(d, rng):  # four strokes that overshoot
    paper = write(plain(247, 320, 360), pen(d, 120), 100, 120, BLUE)

    def draw(on):
        low, high = 65, 255
        for a, b in (
            ((low, low), (high, low)),
            ((high, low), (high, high)),
            ((high, high), (low, high)),
            ((low, high), (low, low)),
        ):
            jitter = rng.integers(-9, 10, 4)
            (x, y), (u, v) = a, b
            on.line((x + 20 + jitter[0], y + jitter[1], u + 20 + jitter[2], v + jitter[3]), fill=BLUE, width=4)

    return drawn(paper, draw)


def struck_neighbour(d, rng):  # a word of loops beside it, with a line through
    t = np.linspace(0, 9, 90)
    word = list(zip(30 + 16 * t + 9 * np.cos(4 * t), 150 + 28 * np.sin(4 * t), strict=True))

    def draw(on):
        on.line(word, fill=BLACK, width=4)
        on.line((20, 160 + int(rng.integers(-12, 6)), 195, 146), fill=BLACK, width=5)

    return write(drawn(plain(244, 280, 420), draw), pen(d, 130), 80, 250, BLACK)


def crossed_neighbour(d, rng):  # a blot of ink and a thick X, above the digit
    def draw(on):
        on.line((60, 30, 150, 120), fill=BLUE, width=8)
        on.line((60, 120, 150, 30), fill=BLUE, width=8)
        on.line(
            [(40, 75), (80, 40), (70, 110), (110, 40), (100, 110), (140, 40), (130, 112), (170, 60)], fill=BLUE, width=7
        )

    return write(drawn(plain(240, 360, 300), draw), pen(d, 150), 170, 60 + rng.integers(0, 60), BLUE)


def lamp(d, rng):  # a cone of light, dark all around
    y, x = np.mgrid[0:320, 0:420]
    at = rng.integers(90, 230), rng.integers(120, 300)
    glow = 0.3 + 0.75 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * 130.0**2))
    picture = write(
        plain((232, 224, 205), 320, 420), pen(d, 150), rng.integers(20, 150), rng.integers(30, 240), (45, 45, 60)
    )
    return picture * glow[..., None]


def one_dark_corner(d, rng):
    y, x = np.mgrid[0:1:300j, 0:1:300j]
    dark = np.clip(
        1.15 - 0.75 * (y if rng.random() < 0.5 else 1 - y) * (x if rng.random() < 0.5 else 1 - x) * 1.6, 0.25, 1
    )
    return write(plain(238), pen(d, 160), *rng.integers(15, 125, 2), (50, 55, 80)) * dark[..., None]


def blinds(d, rng):  # stripes of sun and shadow
    picture = write(plain((240, 236, 225)), pen(d, 170), 65, 65, (40, 40, 60))
    y, x = np.mgrid[0:300, 0:300]
    stripe = 1 / (1 + np.exp(-12 * np.sin((y + 0.25 * x) / rng.uniform(11, 18))))
    return picture * (0.72 + 0.28 * stripe)[..., None]


def phone_shadow(d, rng):  # the hard shadow of what took the image, over a part of the digit
    picture = write(plain((228, 222, 212), 320, 320), pen(d, 160), 80, 80, (40, 40, 50))
    top, left = rng.integers(120, 240, 2)
    shade = np.ones((320, 320))
    shade[top:, left : left + 150] = 0.62
    soft = Image.fromarray((shade * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    return picture * (np.asarray(soft, float) / 255)[..., None]


def millimetre(d, rng):  # orange, every fifth line stronger
    paper = lines(plain((253, 250, 244), 330, 330), 8, (248, 218, 190), 1, 3, across=True)
    return write(lines(paper, 40, (236, 160, 110), 2, 3, across=True), pen(d, 150), 90, 90, BLUE)


def calendar(d, rng):  # a table from edge to edge, the digit in one of its cells, some cells grey
    paper = plain(250, 340, 440)
    paper[:85] = (215, 222, 235)
    paper = lines(lines(paper, 85, (90, 95, 105), 2, 0), 110, (90, 95, 105), 2, 0, down=False, across=True)
    row, column = rng.integers(1, 4), rng.integers(4)
    return write(paper, pen(d, 64), 12 + 85 * row, 24 + 110 * column, RED)


def underlined_twice(d, rng):
    def draw(on):
        y = 236 + int(rng.integers(0, 12))
        on.line((80, y, 225, y - 5), fill=GREEN, width=4)
        on.line((85, y + 14, 220, y + 11), fill=GREEN, width=4)

    return write(drawn(plain(246, 320, 300), draw), pen(d, 150), 70, 75, GREEN)


def wavy_underline(d, rng):
    x = np.arange(60, 250)
    wave = list(zip(x, 245 + 5 * np.sin(x / 7), strict=True))
    paper = drawn(plain((248, 246, 238), 320, 310), lambda on: on.line(wave, fill=(200, 40, 45), width=4))
    return write(paper, pen(d, 145), 75, 80, BLACK)


def speech_bubble(d, rng):
    def draw(on):
        on.ellipse((40, 30, 300, 240), outline=BLACK, width=5, fill=(255, 255, 255))
        on.line([(110, 228), (80, 300), (160, 238)], fill=BLACK, width=5)

    return write(drawn(plain((225, 235, 245), 330, 340), draw), pen(d, 110), 80, 115, BLACK)


def moved_out(d, rng):  # 28x28, so far out of the middle that it touches the edge or nearly does
    rows, columns = np.flatnonzero(d.max(1) > 60), np.flatnonzero(d.max(0) > 60)
    shift = [-rows[0], 27 - rows[-1]][rng.integers(2)], [-columns[0], 27 - columns[-1]][rng.integers(2)]
    picture = (
        np.roll(d, (shift[0], shift[1] // 2), (0, 1))
        if rng.random() < 0.5
        else np.roll(d, (shift[0] // 2, shift[1]), (0, 1))
    )
    picture = np.repeat(picture[..., None].astype(float), 3, 2)
    return picture if rng.random() < 0.5 else 255 - picture


def twelve_boxes(d, rng):  # for an account number
    def boxes(on):
        for k in range(12):
            on.rectangle((20 + 44 * k, 50, 64 + 44 * k, 110), outline=(120, 60, 60), width=2)

    return write(drawn(plain((252, 246, 240), 160, 570), boxes), pen(d, 38), 61, 23 + 44 * rng.integers(12), BLACK)


def legal_paper(d, rng):  # blue lines, a red margin on the left, all askew
    paper = lines(plain((250, 246, 205), 440, 440), 30, (140, 175, 205), 2, 10)
    paper[:, 120:123] = (225, 110, 105)
    image = Image.fromarray(write(paper, pen(d, 140), 150, 160, BLACK).astype(np.uint8))
    picture = np.asarray(image.rotate(rng.uniform(-6, 6), Image.Resampling.BICUBIC), float)[60:380, 60:380]
    return light(picture.copy(), 1.0, 0.7)


FOURTH = (
    college_block, teacher_ring, open_ring, box_by_hand, struck_neighbour, crossed_neighbour, lamp, one_dark_corner,
    blinds, phone_shadow, millimetre, calendar, underlined_twice, wavy_underline, speech_bubble, moved_out,
    twelve_boxes, legal_paper,
)  # fmt: skip
