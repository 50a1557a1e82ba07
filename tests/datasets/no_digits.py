"""Pictures without a digit, made up: surfaces, drawings, forms, a face, letters; what a reader of digits must not read."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageFont
from scenes import BLACK, BLUE, disc, drawn, light, lines, plain

FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif-Italic.ttf",
    "cmr10.ttf",
    "STIXGeneralItalic.ttf",
)
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZabcdefhikmnprtuvwxyz"
LIKE_DIGITS = "IOSBlosqgjZz"  # as I and 1, O and 0, S and 5, B and 8


def font(name: str, size: int):
    from matplotlib import get_data_path

    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


def letter(rng, letters=LETTERS):
    face, text = font(FONTS[rng.integers(len(FONTS))], 150), letters[rng.integers(len(letters))]
    return drawn(plain(245), lambda on: on.text((150, 150), text, fill=BLUE, font=face, anchor="mm"))


def letter_like_a_digit(rng):
    return letter(rng, LIKE_DIGITS)


def word(rng):
    face, text = font(FONTS[rng.integers(len(FONTS))], 60), "".join(rng.choice(list(LETTERS), 6))
    return drawn(plain(245, 120, 400), lambda on: on.text((200, 60), text, fill=BLACK, font=face, anchor="mm"))


def blank(rng):
    return light(plain(rng.integers(30, 255)), rng.uniform(0.5, 1), rng.uniform(0.5, 1))


def grain(rng):
    return plain(rng.integers(60, 200)) + rng.normal(0, rng.uniform(5, 40), (300, 300, 1))


def cloth(rng):  # smooth random spots
    size = int(rng.integers(4, 40))
    spots = Image.fromarray(rng.normal(0, 1, (size, size)).astype(np.float32)).resize(
        (300, 300), Image.Resampling.BICUBIC
    )
    return plain(130) + 40 * np.asarray(spots)[..., None]


def wood(rng):
    y, x = np.mgrid[0:300, 0:300]
    rings = np.sin((x + 30 * np.sin(y / rng.uniform(40, 90))) / rng.uniform(3, 12)) + 0.3 * rng.normal(0, 1, (300, 300))
    return np.array((150, 110, 70)) + 22 * rings[..., None]


def face(rng):
    def draw(on):
        dx, dy = rng.integers(-10, 10, 2)
        on.ellipse((60, 40, 240, 270), fill=(225, 180, 150))
        for x in (115 + dx, 185 + dx):
            on.ellipse((x - 18, 120 + dy, x + 18, 140 + dy), fill="white")
            on.ellipse((x - 7, 122 + dy, x + 7, 138 + dy), fill=(60, 40, 20))
            on.arc((x - 22, 95 + dy, x + 22, 125 + dy), 200, 340, fill=(80, 50, 30), width=4)
        on.line((150 + dx, 140, 140 + dx, 190, 155 + dx, 192), fill=(180, 130, 100), width=4)
        on.arc((110, 180 + dy, 190, 240 + dy), 20, 160, fill=(170, 50, 50), width=rng.integers(3, 9))
        on.chord((55, 25, 245, 150), 190, 350, fill=(70, 45, 25))

    picture = Image.fromarray(drawn(plain(rng.integers(90, 220)), draw).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(1.5)), float)


def portrait(rng):  # a photograph that comes with Matplotlib, a part of it
    from matplotlib import get_data_path

    photo = Image.open(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB")
    side = int(rng.integers(120, 500))
    x, y = (int(rng.integers(0, length - side + 1)) for length in photo.size)
    return np.asarray(photo.crop((x, y, x + side, y + side)), float)


def form(rng):
    n = int(rng.integers(1, 6))
    return drawn(
        plain(245, 200, 400),
        lambda on: [
            on.rectangle((20 + 360 * k // n, 50, 20 + 360 * (k + 1) // n - 8 * (n % 2), 150), outline=BLACK, width=2)
            for k in range(n)
        ],
    )


def empty_rules(rng):
    return lines(
        plain(245),
        int(rng.integers(15, 60)),
        rng.integers(40, 220, 3),
        int(rng.integers(1, 4)),
        5,
        across=bool(rng.integers(2)),
        tilt=rng.uniform(-5, 5),
    )


def chequered(rng):
    side = int(rng.integers(15, 60))
    y, x = np.mgrid[0:300, 0:300] // side
    return plain(40) + 180.0 * ((x + y) % 2)[..., None]


def shape(rng):
    corners, turn = int(rng.integers(3, 9)), rng.uniform(0, 1)

    def draw(on):
        if corners < 8:
            on.regular_polygon((150, 150, 90), corners, rotation=360 * turn, fill=BLACK)
        else:
            on.ellipse((60, 80, 240, 80 + 60 + 100 * turn), fill=BLACK)

    return drawn(plain(240), draw)


def star(rng):
    turn, points = rng.uniform(0, 6.28), 2 * int(rng.integers(4, 9))
    radii = np.where(np.arange(points) % 2, 40, 110)
    angles = turn + np.arange(points) * 6.2832 / points
    corners = [(150 + r * np.cos(a), 150 + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)]
    return drawn(plain(240), lambda on: on.polygon(corners, outline=BLACK, width=6))


def scribble(rng):
    points = [tuple(point) for point in rng.integers(60, 240, (int(rng.integers(6, 14)), 2)).tolist()]
    return drawn(plain(240), lambda on: on.line(points, fill=BLUE, width=int(rng.integers(3, 12)), joint="curve"))


def bars(rng):  # a bar code
    paper = plain(250, 200, 300)
    for x in np.flatnonzero(rng.random(80) < 0.5):
        paper[40:160, 30 + 3 * x : 33 + 3 * x] = 10
    return paper


def landscape(rng):
    picture = plain((140, 180, 230))
    x = np.arange(300)
    for k in range(3):
        edge = 120 + 50 * k + 30 * np.sin(x / rng.uniform(20, 60) + rng.uniform(0, 6))
        picture[np.arange(300)[:, None] > edge] = rng.integers(40, 160, 3)
    return disc(picture, 50, rng.integers(40, 260), 25, (250, 240, 180))


NO_DIGITS = (
    blank, grain, cloth, wood, face, portrait, form, empty_rules, chequered, shape, star, scribble, bars, landscape,
    word, letter, letter_like_a_digit,
)  # fmt: skip
