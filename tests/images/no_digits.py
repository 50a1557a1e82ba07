"""Images without a digit, made up: surfaces, drawings, forms, a face, letters; what a reader of digits must not read."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageFont

from tests.images.scenes_drawing import BLACK, BLUE, disc, drawn, light, lines, plain

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


def penned(rng, strokes, paper=244):
    """Strokes, each of points (x, y) in 0..1, drawn by an unsteady hand: of any size, slant and pen."""
    high, wide, slant = rng.uniform(130, 200), rng.uniform(110, 190), rng.uniform(-0.25, 0.15)
    ink, width = (BLACK, BLUE, (150, 40, 40))[rng.integers(3)], int(rng.integers(5, 16))

    def draw(on):
        for stroke in strokes:
            points = np.array(stroke, float) - 0.5 + rng.normal(0, 0.025, (len(stroke), 2))
            x, y = 150 + wide * points[:, 0] - slant * high * points[:, 1], 150 + high * points[:, 1]
            on.line(list(zip(x, y, strict=True)), fill=ink, width=width, joint="curve")
            for end in (0, -1):  # a round pen
                r = width / 2
                on.ellipse((x[end] - r, y[end] - r, x[end] + r, y[end] + r), fill=ink)

    return drawn(plain(paper), draw)


def bow(x, y, across, down, start, end, count=9):
    """Points of a part of an ellipse about (x, y), degrees clockwise from the right."""
    turn = np.radians(np.linspace(start, end, count))
    return [(x + across * np.cos(a), y + down * np.sin(a)) for a in turn]


LETTERS_BY_PEN = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.62), (0.8, 0.62)]],
    "C": [bow(0.55, 0.5, 0.5, 0.5, -45, -315)],
    "D": [[(0.1, 0), (0.1, 1)], [(0.1, 0), *bow(0.1, 0.5, 0.8, 0.5, -70, 70), (0.1, 1)]],
    "E": [[(0.9, 0), (0.1, 0), (0.1, 1), (0.9, 1)], [(0.1, 0.5), (0.7, 0.5)]],
    "F": [[(0.9, 0), (0.1, 0), (0.1, 1)], [(0.1, 0.48), (0.7, 0.48)]],
    "H": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.9, 1)], [(0.1, 0.5), (0.9, 0.5)]],
    "J": [[(0.7, 0), *bow(0.4, 0.75, 0.3, 0.25, 0, 180)]],
    "K": [[(0.1, 0), (0.1, 1)], [(0.9, 0), (0.1, 0.55), (0.9, 1)]],
    "L": [[(0.1, 0), (0.1, 1), (0.9, 1)]],
    "M": [[(0, 1), (0.1, 0), (0.5, 0.6), (0.9, 0), (1, 1)]],
    "N": [[(0.1, 1), (0.1, 0), (0.9, 1), (0.9, 0)]],
    "P": [[(0.1, 1), (0.1, 0), *bow(0.3, 0.27, 0.55, 0.27, -90, 90), (0.1, 0.54)]],
    "R": [[(0.1, 1), (0.1, 0), *bow(0.3, 0.25, 0.5, 0.25, -90, 90), (0.1, 0.5), (0.9, 1)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0.1, 0), *bow(0.5, 0.65, 0.4, 0.35, 180, 0), (0.9, 0)]],
    "V": [[(0, 0), (0.5, 1), (1, 0)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.35), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "Y": [[(0, 0), (0.5, 0.5), (1, 0)], [(0.5, 0.5), (0.5, 1)]],
    "k": [[(0.2, 0), (0.2, 1)], [(0.8, 0.4), (0.2, 0.7), (0.8, 1)]],
    "m": [[(0, 1), (0, 0.4), *bow(0.25, 0.6, 0.22, 0.2, 180, 360), (0.47, 1)], [*bow(0.72, 0.6, 0.22, 0.2, 180, 360), (0.94, 1)]],
    "w": [[(0, 0.3), (0.25, 1), (0.5, 0.4), (0.75, 1), (1, 0.3)]],
}  # fmt: skip


def letter_by_pen(rng):
    return penned(rng, LETTERS_BY_PEN[rng.choice(list(LETTERS_BY_PEN))])


def symbol(rng, symbols):
    face, text = font("DejaVuSans.ttf", int(rng.integers(100, 190))), symbols[rng.integers(len(symbols))]
    return drawn(plain(245), lambda on: on.text((150, 150), text, fill=BLACK, font=face, anchor="mm"))


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


def gradient(rng):
    y, x = np.mgrid[0:300, 0:300] / 300
    a = rng.uniform(0, 6.3)
    slope = x * np.cos(a) + y * np.sin(a) if rng.random() < 0.5 else np.hypot(x - rng.uniform(), y - rng.uniform())
    return plain(rng.integers(40, 180)) + rng.uniform(30, 180) * slope[..., None]


def noise(rng):  # at each scale, from pixels to a quarter of the image
    picture, side = np.zeros((300, 300)), 4
    for _ in range(7):
        part = Image.fromarray(rng.normal(0, 1, (side, side)).astype(np.float32))
        picture += np.asarray(part.resize((300, 300), Image.Resampling.BICUBIC)) * rng.uniform(0.1, 1)
        side *= 2
    return plain(rng.integers(90, 160, 3)) + 25 * picture[..., None]


def bricks(rng):
    high, wide, joint = int(rng.integers(18, 45)), int(rng.integers(50, 100)), int(rng.integers(3, 7))
    wall = plain((200, 195, 185))
    for n, y in enumerate(range(-5, 300, high)):
        for x in range(-wide + n % 2 * wide // 2, 300, wide):
            part = wall[max(0, y) : max(0, y + high - joint), max(0, x) : max(0, x + wide - joint)]
            part[:] = np.array((150, 75, 55)) * rng.uniform(0.8, 1.15)
    return wall + rng.normal(0, 6, (300, 300, 1))


def grass(rng):
    def draw(on):
        for _ in range(int(rng.integers(300, 900))):
            (x, y), bend = rng.integers(-10, 310, 2).tolist(), rng.integers(-15, 15)
            on.line(
                (x, y, x + bend // 3, y - 15, x + bend, y - 35),
                fill=tuple(rng.integers((30, 80, 10), (120, 200, 70)).tolist()),
                width=2,
            )

    return drawn(plain((60, 110, 40)), draw)


def sky(rng):
    picture = light(plain((110, 165, 225)), 1.0, 0.9)
    y, x = np.mgrid[0:300, 0:300]
    for _ in range(int(rng.integers(4, 25))):
        cy, cx, r = rng.uniform(40, 260), rng.uniform(0, 300), rng.uniform(15, 50)
        cloud = np.exp(-(((y - cy) / (0.6 * r)) ** 2 + ((x - cx) / r) ** 2))[..., None]
        picture = picture * (1 - 0.8 * cloud) + 250 * 0.8 * cloud
    return picture


def arrow(rng):
    turn = rng.integers(4)
    strokes = [[(0, 0.5), (1, 0.5)], [(0.65, 0.2), (1, 0.5), (0.65, 0.8)]]
    for _ in range(turn):
        strokes = [[(1 - y, x) for x, y in stroke] for stroke in strokes]
    return penned(rng, strokes)


def plus(rng):
    return penned(rng, [[(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]])


def heart(rng):
    t = np.linspace(0, 6.3, 30)
    x, y = 0.5 + 0.03 * 16 * np.sin(t) ** 3, 0.45 - 0.032 * (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t))
    return penned(rng, [list(zip(x, y, strict=True))])


def table(rng):
    rows, columns = int(rng.integers(2, 8)), int(rng.integers(2, 7))

    def draw(on):
        for k in range(rows + 1):
            on.line((30, 30 + 240 * k // rows, 370, 30 + 240 * k // rows), fill=BLACK, width=2)
        for k in range(columns + 1):
            on.line((30 + 340 * k // columns, 30, 30 + 340 * k // columns, 270), fill=BLACK, width=2)

    return drawn(plain(248, 300, 400), draw)


def circle(rng):
    return penned(rng, [bow(0.5, 0.5, 0.5, 0.5, -90, 290, 24)])


TUNED = (
    blank, gradient, grain, noise, cloth, wood, bricks, grass, sky, face, portrait, landscape, form, table, empty_rules,
    chequered, bars, shape, star, arrow, plus, heart, scribble, word, letter, letter_by_pen,
)  # fmt: skip
LIKE_A_DIGIT = (letter_like_a_digit, circle)  # which cannot be told from digits by their looks
