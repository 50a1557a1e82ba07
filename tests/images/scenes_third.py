"""A third set of scenes with one digit: pads, boards, rings, strikes, shadows, and images of all sizes."""

import io

import numpy as np
from PIL import Image

from tests.images.scenes_drawing import BLACK, BLUE, drawn, light, lines, pen, plain, write


def whiteboard(d, rng):  # a marker, a window's reflection, smears of what was wiped off
    paper = light(plain((225, 230, 232), 360, 480), 1.0, 0.85)
    for _ in range(6):
        y, x = rng.integers(0, 330), rng.integers(0, 420)
        paper[y : y + 12, x : x + 60] -= 8
    picture = write(
        paper, pen(d, 190), 80, 120 + rng.integers(0, 80), [BLUE, (20, 120, 60), (200, 30, 40)][rng.integers(3)]
    )
    y, x = np.mgrid[0:360, 0:480]
    window = 1 / (1 + np.exp(-(60 - np.maximum(abs(y - 110), abs(x - 400) - 20)) / 8))
    return picture + 60 * window[..., None]


def green_board(d, rng):  # chalk with gaps, wiped clouds
    clouds = Image.fromarray(rng.normal(0, 1, (5, 6)).astype(np.float32)).resize((360, 300), Image.Resampling.BICUBIC)
    paper = plain((50, 85, 65), 300, 360) + 9 * np.asarray(clouds)[..., None]
    grain = np.clip(rng.normal(0.8, 0.25, (170, 170)), 0.2, 1)
    return write(paper, pen(d, 170) * grain, 60, 60 + rng.integers(0, 100), (225, 228, 220))


def legal_pad(d, rng):
    paper = lines(plain((252, 240, 150), 400, 320), 32, (120, 165, 205), 2, 60)
    paper[:, 50:52] = paper[:, 56:58] = (215, 90, 90)
    paper[:34] = (150, 40, 40)
    return write(paper, pen(d, 150), 110 + rng.integers(0, 60), 110, BLUE)


def receipt(d, rng):  # a white slip on a desk, brighter on one side, torn below
    paper = plain((95, 75, 60), 420, 260)
    slip = light(plain((250, 248, 244), 360, 150), 1.0, 0.72)
    edge = 350 - 4 * (np.arange(150) // 5 % 2)
    slip = np.where((np.arange(360)[:, None] < edge)[..., None], slip, paper[:360, :150])
    paper[20:380, 55:205] = slip
    return write(paper, pen(d, 90), 150 + rng.integers(-40, 40), 85, (60, 60, 75))


def lattice(d, rng):  # small squares, light blue, not quite upright
    side, tilt = int(rng.integers(14, 22)), rng.uniform(-5, 5)
    return write(
        lines(plain(250, 360, 360), side, (190, 215, 240), 1, 7, across=True, tilt=tilt), pen(d, 130), 110, 115, BLACK
    )


def circled(d, rng):
    def circle(on):
        on.ellipse((45, 45, 262, 255), outline=(30, 45, 150), width=6)

    return write(drawn(plain(244), circle), pen(d, 130), 85, 88, BLUE)


def crossed_out(d, rng):  # what stood beside it is scribbled over
    paper = plain(246, 260, 460)
    points = [(30 + 6 * k, (70, 190)[k % 2] + int(rng.integers(-12, 12))) for k in range(22)]
    paper = drawn(paper, lambda on: on.line(points, fill=(30, 45, 150), width=6))
    return write(paper, pen(d, 150), 55, 270, BLUE)


def jpeg(d, rng):
    picture = write(plain((232, 228, 220), 150, 150), pen(d, 100), 25, 25, (40, 45, 70)) + rng.normal(
        0, 3, (150, 150, 1)
    )
    file = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=20)
    return np.asarray(Image.open(file), float).copy()


def vignette(d, rng):
    y, x = np.mgrid[-1:1:300j, -1:1:400j]
    return write(plain(235, 300, 400), pen(d, 140), rng.integers(20, 140), rng.integers(40, 220)) * (
        1 - 0.42 * (x**2 + y**2)[..., None]
    ).clip(0.15, 1)


def letterboxed(d, rng):  # a screenshot of a photo, black above and below
    paper = plain(0, 640, 360)
    paper[150:490] = light(plain((225, 220, 208), 340, 360), 1.0, 0.8)
    return write(paper, pen(d, 180), 230, 90, (45, 45, 60))


def phone_screen(d, rng):  # bars with icons above and below
    paper = plain(252, 600, 340)
    paper[:30] = (60, 60, 66)
    paper[550:] = (235, 235, 240)
    for x in (60, 150, 240):
        paper[562:586, x : x + 40] = (90, 140, 230)
    return write(paper, pen(d, 220), 180, 60, BLACK)


def seven_boxes(d, rng):
    def boxes(on):
        for k in range(7):
            on.rectangle((20 + 60 * k, 40, 68 + 60 * k, 100), outline=(70, 70, 75), width=2)

    return write(drawn(plain(248, 140, 460), boxes), pen(d, 46), 47, 21 + 60 * rng.integers(7), BLUE)


def panorama(d, rng):
    paper = light(plain((205, 200, 190), 180, 1500), 0.8, 1.1)
    return write(paper, pen(d, 150), 15, rng.integers(30, 1300), (40, 40, 60))


def twelve(d, rng):  # 12 x 12 pixels
    small = np.asarray(Image.fromarray(d[4:24, 4:24]).resize((10, 10), Image.Resampling.BOX), float)
    picture = np.repeat(np.pad(small, 1)[..., None], 3, 2)
    return picture if rng.random() < 0.5 else 255 - picture


def thousand(d, rng):  # a mouse drawing, 1000 x 1000
    side = int(rng.integers(300, 900))
    return write(plain(255, 1000, 1000), pen(d, side), *rng.integers(20, 980 - side, 2), (0, 0, 0))


def light_on_dark(d, rng):  # of any size
    side = int(rng.integers(40, 700))
    ink = pen(d, int(side * rng.uniform(0.4, 0.8)))
    at = rng.integers(0, side - len(ink), 2)
    return write(plain(rng.integers(0, 60), side, side), ink, *at, np.array([1, 1, 1]) * rng.integers(150, 256))


def torn_note(d, rng):  # yellow paper askew, on wood
    grain = np.sin(np.arange(340) / 3 + rng.normal(0, 0.4, 340).cumsum() / 4)
    wood = plain((150, 110, 70), 340, 340) + 10 * grain[:, None, None]
    note = Image.fromarray(write(plain((250, 232, 110), 190, 190), pen(d, 120), 35, 35, BLUE).astype(np.uint8))
    note = note.convert("RGBA").rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True)
    picture = Image.fromarray(wood.astype(np.uint8))
    picture.paste(note, (45, 40), note)
    return np.asarray(picture, float).copy()


def strip_of_tape(d, rng):  # light tape across a dark box
    paper = plain((120, 88, 58), 300, 400)
    paper[80:220] = (214, 196, 160)
    return write(paper, pen(d, 110), 95, 60 + rng.integers(0, 220), BLACK)


THIRD = (
    whiteboard, green_board, legal_pad, receipt, lattice, circled, crossed_out, jpeg, vignette, letterboxed,
    phone_screen, seven_boxes, panorama, twelve, thousand, light_on_dark, torn_note, strip_of_tape,
)  # fmt: skip
