"""A second set of scenes with one digit: papers, light, hands and boxes of other kinds than the first."""

import numpy as np
from PIL import Image, ImageFilter

from tests.images.scenes_drawing import BLUE, GREEN, disc, drawn, lines, pen, plain, write


def window(d, rng):  # a rounded box
    paper = drawn(
        plain((235, 230, 220), 260, 340),
        lambda on: on.rounded_rectangle((60, 40, 280, 220), 40, fill=(255, 255, 255), outline=(90, 60, 40), width=4),
    )
    return write(paper, pen(d, 130), 65, 105, BLUE)


def comb(d, rng):  # |_|_|_|
    def draw(on):
        on.line((10, 150, 350, 150), fill=(40, 40, 40), width=3)
        for k in range(5):
            on.line((10 + 85 * k, 115, 10 + 85 * k, 150), fill=(40, 40, 40), width=3)

    return write(drawn(plain(250, 200, 360), draw), pen(d, 76), 68, 15 + 85 * rng.integers(4))


def dotted(d, rng):
    paper = plain(248)
    for y in range(10, 300, 20):
        for x in range(10, 300, 20):
            paper[y : y + 3, x : x + 3] = (150, 150, 160)
    return write(paper, pen(d, 170), 60, 70, BLUE)


def tilted_notebook(d, rng):
    angle = rng.uniform(-6, 6)
    paper = write(lines(plain((246, 246, 238), 420, 420), 34, (120, 140, 190)), pen(d, 200), 100, 110, BLUE)
    image = Image.fromarray(paper.astype(np.uint8)).rotate(angle, Image.Resampling.BICUBIC)
    return np.asarray(image, float)[60:360, 60:360].copy()


def two_thumbs(d, rng):
    picture = write(plain((222, 218, 210)), pen(d, 150), 70, 75)
    return disc(disc(picture, 150, -25, 60, (205, 150, 125)), 160, 325, 65, (195, 140, 115))


def blurred(d, rng):
    picture = write(plain((215, 210, 200)), pen(d, 140), 80, 80, (60, 60, 70))
    return np.asarray(Image.fromarray(picture.astype(np.uint8)).filter(ImageFilter.GaussianBlur(5)), float)


def glare(d, rng):
    y, x = np.mgrid[0:300, 0:300]
    spot = 90 * np.exp(-((y - rng.integers(300)) ** 2 + (x - rng.integers(300)) ** 2) / (2 * 60**2))
    return write(plain(160), pen(d, 170), 65, 65, (35, 60, 130)) + spot[..., None]


def crumpled(d, rng):
    folds = np.asarray(
        Image.fromarray(rng.normal(0, 1, (9, 9)).astype(np.float32)).resize((300, 300), Image.Resampling.BICUBIC)
    )
    return (write(plain(225), pen(d, 180), 60, 60, (30, 30, 60)) + 14 * folds[..., None]) + rng.normal(
        0, 5, (300, 300, 1)
    )


def kraft(d, rng):
    paper = plain((165, 125, 85)) + rng.normal(0, 8, (300, 300, 1))
    return write(paper, pen(d, 160), 70, 70, (245, 245, 240))


def underlined(d, rng):
    paper = drawn(plain(245), lambda on: on.line((70, 240, 230, 236), fill=BLUE, width=5))
    return write(paper, pen(d, 150), 60, 75, BLUE)


def hard_shadow(d, rng):
    picture = write(plain(235), pen(d, 160), 70, 70, (40, 40, 50))
    y, x = np.mgrid[0:300, 0:300]
    picture[x + y < rng.integers(200, 420)] *= 0.6
    return picture


def spiral(d, rng):
    paper = lines(plain((250, 250, 245), 300, 320), 36, (190, 205, 230), 2, 10)
    for y in range(15, 300, 30):
        paper = disc(paper, y, 22, 8, (70, 70, 75))
    return write(paper, pen(d, 170), 60, 100, BLUE)


def strip(d, rng):
    return write(plain((240, 238, 230), 90, 900), pen(d, 80), 5, rng.integers(0, 820), GREEN)


def screenshot(d, rng):  # a drawing program: a bar above, a frame, light on dark
    paper = plain(30, 400, 500)
    paper[:36] = (200, 200, 205)
    paper[:, :3] = paper[:, -3:] = paper[-3:] = (120, 120, 130)
    return write(paper, pen(d, 240), 90, 130, (90, 220, 250))


SECOND = (
    window, comb, dotted, tilted_notebook, two_thumbs, blurred, glare, crumpled, kraft, underlined, hard_shadow,
    spiral, strip, screenshot,
)  # fmt: skip
