"""Pictures as people take them of digits they wrote, made from MNIST's test digits; run me for a table of how many are read.

`python tests/images/scenes.py 100` shows 100 digits of each kind to data/mnist-vit. The kinds in `TUNED` were looked
at while the code was written; those in `HELD_OUT` were written first and measured last, with digits of another seed.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Picture = np.ndarray  # float (H, W, 3), 0..255
WHITE, BLACK, BLUE, RED, GREEN = (250, 250, 250), (25, 25, 30), (30, 45, 150), (190, 40, 40), (30, 110, 50)


def plain(colour, height=300, width=300) -> Picture:
    return np.full((height, width, 3), colour, dtype=float)


def pen(digit: np.ndarray, side: int, weight: float = 0.5, soft: float = 0.2) -> np.ndarray:
    """How much ink is where, 0..1 (side, side). MNIST's strokes are thinner for a weight above 0.5, thicker below."""
    grey = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC), float) / 255
    return np.clip((grey - weight) / soft + 0.5, 0, 1)


def thinned(digit: np.ndarray, side: int, width: float) -> np.ndarray:
    """The digit drawn with a fine pen, `width` of its side wide: its middle line (Zhang & Suen 1984), made that thick."""
    big = np.asarray(Image.fromarray(digit).resize((112, 112), Image.Resampling.BICUBIC)) > 110
    lines = np.pad(big, 1).astype(int)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            n = [
                np.roll(lines, s, (0, 1))
                for s in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            around, turns = sum(n), sum((n[k] == 0) & (n[(k + 1) % 8] == 1) for k in range(8))
            a, b = (n[0] * n[2] * n[4], n[2] * n[4] * n[6]) if first else (n[0] * n[2] * n[6], n[0] * n[4] * n[6])
            gone = (lines == 1) & (around >= 2) & (around <= 6) & (turns == 1) & (a == 0) & (b == 0)
            lines[gone] = 0
            changed |= bool(gone.any())
    scale = max(1, round(side / 112 + 0.49))
    points = Image.fromarray((lines[1:-1] * 255).astype(np.uint8)).resize(
        (112 * scale, 112 * scale), Image.Resampling.NEAREST
    )
    smooth = points.filter(ImageFilter.GaussianBlur(scale)).resize((side, side), Image.Resampling.BICUBIC)
    centre = np.asarray(smooth, float)
    wide = Image.fromarray(((centre > 0.35 * centre.max()) * 255).astype(np.uint8))
    size = max(1, round(width * side / 2) * 2 - 1)
    return np.asarray(wide.filter(ImageFilter.MaxFilter(size)).filter(ImageFilter.GaussianBlur(0.7)), float) / 255


def write(paper: Picture, ink: np.ndarray, y: float, x: float, colour=BLACK) -> Picture:
    """Lay ink (h, w) on the paper, its top left corner at (y, x)."""
    y, x = int(y), int(x)
    part = paper[y : y + ink.shape[0], x : x + ink.shape[1]]
    alpha = ink[: part.shape[0], : part.shape[1], None]
    part[:] = part * (1 - alpha) + np.array(colour, float) * alpha
    return paper


def lines(paper: Picture, every: int, colour, thick=2, first=20, down=True, across=False, tilt=0.0) -> Picture:
    """Rules over the whole picture, `tilt` pixels lower at the right edge than at the left."""
    height, width = paper.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    if down:
        paper[(y - first - tilt * x / width) % every < thick] = colour
    if across:
        paper[(x - first + tilt * y / height) % every < thick] = colour
    return paper


def drawn(paper: Picture, draw: Callable[[ImageDraw.ImageDraw], object]) -> Picture:
    image = Image.fromarray(paper.clip(0, 255).astype(np.uint8))
    draw(ImageDraw.Draw(image))
    return np.asarray(image, float).copy()


def light(picture: Picture, left: float, right: float) -> Picture:
    return picture * np.linspace(left, right, picture.shape[1])[None, :, None]


def disc(picture: Picture, y: float, x: float, radius: float, colour) -> Picture:
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    picture[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = colour
    return picture


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


# --- held out: not looked at while the code was written


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


def page(digits, labels, rng) -> tuple[Image.Image, list[list[int]]]:
    """Many digits in four lines, on one of the papers, and what stands on each line."""
    kind, side = rng.integers(6), int(rng.integers(60, 100))
    height, width = 5 * side + 120, 8 * side + 160
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
    return photographed(paper, rng), [list(labels[row]) for row in rows]


TUNED = (
    on_table, note, framed, cell, field, ruled_dark, ruled_black, ruled_light, squared, squared_dark, margin, finger,
    coloured, red_on_green, shadow, hand_shadow, tight, tight_light, thick, thin, thin_small, faint, corner,
    large_photo, chalk, small, exactly_28,
)  # fmt: skip
HELD_OUT = (
    window, comb, dotted, tilted_notebook, two_thumbs, blurred, glare, crumpled, kraft, underlined, hard_shadow,
    spiral, strip, screenshot,
)  # fmt: skip


def photographed(picture: Picture, rng: np.random.Generator, noise: float = 2.0) -> Image.Image:
    noisy = picture + (rng.normal(0, noise, picture.shape) if min(picture.shape[:2]) > 28 else 0)
    return Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


def test_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` of MNIST's test digits, uint8 (count, 28, 28), and what they are."""
    from tinyvit.datasets import load_dataset

    test = load_dataset("mnist").test
    chosen = np.random.default_rng(seed).choice(len(test), count, replace=False)
    return test.images[chosen, 0], test.labels[chosen]


def measure(kinds, count: int, seed: int) -> None:
    """Print, for each kind of scene, how many digits are read right, alone in the picture, and how many marked unsure."""
    from tinyvit.errors import UserError
    from tinyvit.images.own_image import digits_in
    from tinyvit.training import load_classifier
    from tinyvit.training.pages import DigitReader

    reader = DigitReader(*load_classifier(Path(__file__).parents[2] / "data" / "mnist-vit"))
    digits, labels = test_digits(count, seed)
    for kind in kinds:
        rng = np.random.default_rng(seed)
        right = unsure = none = several = 0
        for digit, label in zip(digits, labels, strict=True):
            picture = photographed(kind(digit, rng), rng)
            try:
                page = reader.read(digits_in(picture).digits)
            except UserError:
                none += 1
                continue
            largest = int(np.argmax([digit.box[2] - digit.box[0] for digit in page.digits]))
            right += int(page.guesses[largest] == label)
            unsure += int(page.is_unsure[largest])
            several += len(page.digits) > 1
        name = kind.__name__.replace("_", " ")
        print(
            f"| {name} | {100 * right / count:.1f} % | {100 * unsure / count:.0f} % | {none} | {several} |", flush=True
        )


def measure_pages(count: int, seed: int) -> None:
    """Print how many of the digits of pages of 20 are read in their place, and how many pages have all 20."""
    from tinyvit.images.own_image import digits_in
    from tinyvit.training import load_classifier
    from tinyvit.training.pages import DigitReader

    reader = DigitReader(*load_classifier(Path(__file__).parents[2] / "data" / "mnist-vit"))
    right = whole = 0
    for number in range(count):
        picture, rows = page(*test_digits(20, seed + number), np.random.default_rng(seed + number))
        seen = reader.read(digits_in(picture).digits)
        lines = [
            [g for g, d in zip(seen.guesses, seen.digits, strict=True) if d.line == line] for line in range(len(rows))
        ]
        right += sum(a == b for row, line in zip(rows, lines, strict=True) for a, b in zip(row, line, strict=False))
        whole += len(seen.digits) == 20
    print(f"pages of 20: {100 * right / (20 * count):.1f} % in their place; on {whole} of {count} pages 20 were found")


if __name__ == "__main__":
    import sys

    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print("| scene | right | unsure | no digit seen | more than one |\n|---|---|---|---|---|")
    measure(TUNED, number, seed=1)
    print("| *held out* | | | | |")
    measure(HELD_OUT, number, seed=2)
    measure_pages(max(1, number // 5), seed=100)
