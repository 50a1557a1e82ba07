"""Scenes with one digit that were looked at while the code was written."""

import numpy as np
from PIL import Image

from tests.images.scenes_drawing import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    disc,
    drawn,
    light,
    lines,
    pen,
    plain,
    thinned,
    write,
)


def on_table(d, rng):
    paper = plain(rng.choice([50, 90, 130]) * np.array([1, 0.8, 0.6]), 300, 360)
    paper[35:270, 60:310] = 240
    return write(paper, pen(d, 150), 75, 110)


def note(d, rng):
    paper = plain((120, 80, 50))
    paper[75:225, 75:225] = (250, 225, 90)
    return write(paper, pen(d, 110), 95, 95, (20, 30, 120))


def framed(d, rng):
    box = rng.integers(8, 25)
    paper = drawn(plain(255), lambda on: on.rectangle((box, box, 299 - box, 299 - box), outline=(0, 0, 0), width=3))
    return write(paper, pen(d, 200), 50, 50)


def cell(d, rng):
    paper = plain(255)
    paper[:2] = paper[-2:] = 0
    paper[:, :2] = paper[:, -2:] = 0
    return write(paper, pen(d, 200), 50, 50)


def field(d, rng):
    paper = drawn(
        plain((240, 240, 235), 200, 400),
        lambda on: [
            on.rectangle((20 + 90 * k, 50, 110 + 90 * k, 150), outline=(60, 60, 60), width=2) for k in range(4)
        ],
    )
    return write(paper, pen(d, 80), 60, 25 + 90 * rng.integers(4), BLUE)


def ruled_dark(d, rng):
    return write(lines(plain(245), 40, (90, 90, 110)), pen(d, 280), 10, 10, (20, 20, 40))


def ruled_black(d, rng):
    return write(lines(plain(245), 60, (20, 20, 20), 3, tilt=4), pen(d, 150), 60, 90, (40, 40, 60))


def ruled_light(d, rng):
    return write(lines(plain((248, 248, 240)), 30, (170, 190, 225)), pen(d, 120), 80, 90, BLUE)


def squared(d, rng):
    return write(lines(plain(245), 24, (165, 180, 215), 2, 5, across=True), pen(d, 160), 70, 70, BLUE)


def squared_dark(d, rng):
    return write(lines(plain(245), 40, (110, 110, 120), 2, 5, across=True), pen(d, 180), 60, 60, BLACK)


def margin(d, rng):
    paper = plain(245)
    paper[:, 40:43] = (220, 60, 60)
    return write(paper, pen(d, 200), 50, 80, (30, 30, 60))


def finger(d, rng):
    return disc(write(plain(228), pen(d, 180), 60, 60), 312, 288, 72, (190, 130, 110))


def coloured(d, rng):
    ink = [BLUE, RED, GREEN, (200, 90, 170), (220, 120, 30)][rng.integers(5)]
    paper = [WHITE, (250, 235, 150), (200, 225, 245), (225, 240, 215)][rng.integers(4)]
    return write(plain(paper), pen(d, 180), 50, 70, ink)


def red_on_green(d, rng):
    return write(plain((60, 130, 60)), pen(d, 180), 60, 60, (200, 72, 50))  # the same grey


def shadow(d, rng):
    return light(write(plain(240), pen(d, 180), 60, 60, (50, 50, 60)), 1.0, 0.35)


def hand_shadow(d, rng):
    y, x = np.mgrid[0:300, 0:300]
    edge = 1 / (1 + np.exp(-(x + 0.6 * y - rng.integers(200, 280)) / 12))
    return write(plain(240), pen(d, 180), 60, 60, (40, 40, 50)) * (1 - 0.5 * edge[..., None])


def tight(d, rng):
    ink = pen(d, 200)
    rows, columns = np.flatnonzero(ink.max(1) > 0.5), np.flatnonzero(ink.max(0) > 0.5)
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return write(plain(245, *ink.shape), ink, 0, 0, BLUE)


def tight_light(d, rng):
    return 255 - tight(d, rng)


def thick(d, rng):
    return write(plain(245), pen(d, 220, 0.2), 40, 40)


def thin(d, rng):
    return write(plain(245), thinned(d, 200, 0.02), 50, 50, BLUE)


def thin_small(d, rng):
    return write(plain(245, 480, 640), thinned(d, 100, 0.03), 100, 400, BLUE)


def faint(d, rng):
    return write(plain(235), pen(d, 180), 60, 60, (205, 205, 208))


def corner(d, rng):
    return write(plain(240, 400, 400), pen(d, 90), *rng.choice([5, 305], 2))


def large_photo(d, rng):
    return light(write(plain((190, 185, 170), 1500, 2000), pen(d, 420), 500, 900, (50, 50, 70)), 0.6, 1.1)


def chalk(d, rng):
    return write(plain((45, 70, 55)), pen(d, 180), 60, 60, (230, 230, 225))


def small(d, rng):
    size = int(rng.integers(20, 60))
    at = rng.integers(0, size // 3, 2)
    picture = write(plain(0, size, size), pen(d, 2 * size // 3, soft=0.6), *at, (255, 255, 255))
    return picture if rng.random() < 0.5 else 255 - picture


def exactly_28(d, rng):
    changes = [
        lambda: np.pad(np.asarray(Image.fromarray(d).resize((14, 14), Image.Resampling.BOX)), ((0, 14), (14, 0))),
        lambda: np.pad(np.asarray(Image.fromarray(d).resize((14, 14), Image.Resampling.BOX)), 7),
        lambda: np.roll(d, (-4, -4), (0, 1)),
        lambda: 50 + d * 0.8,
        lambda: d * 0.2,
        lambda: np.asarray(Image.fromarray(d).resize((20, 20), Image.Resampling.BOX).resize((28, 28))),
    ]
    picture = np.array(changes[rng.integers(len(changes))]().astype(float))
    return np.repeat((picture if rng.random() < 0.5 else 255 - picture)[..., None], 3, 2)


TUNED = (
    on_table, note, framed, cell, field, ruled_dark, ruled_black, ruled_light, squared, squared_dark, margin, finger,
    coloured, red_on_green, shadow, hand_shadow, tight, tight_light, thick, thin, thin_small, faint, corner,
    large_photo, chalk, small, exactly_28,
)  # fmt: skip
