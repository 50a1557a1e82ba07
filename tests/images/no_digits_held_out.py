"""Images without a digit that nothing was tuned on: things, patterns, symbols and writing of other kinds."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.images.no_digits import font, penned, symbol
from tests.images.scenes_drawing import BLACK, BLUE, disc, drawn, light, lines, plain


def soft(picture, blur=1.5):
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), float)


def keyboard(rng):
    side, keys = int(rng.integers(36, 56)), "QWERTYUIOPASDFGHJKLZXCVBNM"
    face = font("DejaVuSans.ttf", side // 3)

    def draw(on):
        for n, key in enumerate(keys[: int(rng.integers(12, 26))]):
            y, x = 20 + n // 6 * side, 15 + n % 6 * side + n // 6 * side // 4
            on.rounded_rectangle((x, y, x + side - 6, y + side - 6), 6, fill=(55, 55, 60), outline=(90, 90, 95))
            on.text((x + side // 3, y + side // 3), key, fill=(230, 230, 230), font=face, anchor="mm")

    return drawn(plain((30, 30, 32), 300, 400), draw)


def qr_code(rng):
    modules = int(rng.choice([21, 25, 29]))
    code = rng.random((modules, modules)) < 0.5
    for y, x in ((0, 0), (0, modules - 7), (modules - 7, 0)):
        code[max(0, y - 1) : y + 8, max(0, x - 1) : x + 8] = False
        code[y : y + 7, x : x + 7] = True
        code[y + 1 : y + 6, x + 1 : x + 6] = False
        code[y + 2 : y + 5, x + 2 : x + 5] = True
    side = 240 // modules
    paper = plain(250)
    paper[30 : 30 + side * modules, 30 : 30 + side * modules][code.repeat(side, 0).repeat(side, 1)] = 15
    return paper


def leopard(rng):
    picture = plain((205, 160, 95))
    image = Image.fromarray(picture.astype(np.uint8))
    on, step = ImageDraw.Draw(image), int(rng.integers(35, 60))
    for y in range(0, 320, step):
        for x in range(0, 320, step):
            cy, cx = np.array((y, x)) + rng.integers(-step // 4, step // 4 + 1, 2)
            r = rng.uniform(0.25, 0.4) * step
            for start in rng.uniform(0, 360, 3):
                on.arc((cx - r, cy - r, cx + r, cy + r), start, start + rng.uniform(50, 110), (50, 35, 25), int(r / 2))
    return soft(np.asarray(image, float))


def musical_staff(rng):
    every = int(rng.integers(9, 16))

    def draw(on):
        for staff in range(2):
            top = 40 + 130 * staff
            for k in range(5):
                on.line((15, top + every * k, 385, top + every * k), fill=BLACK, width=2)
            for x in np.arange(60, 370, 36):
                y = top + every * rng.uniform(0, 4)
                on.ellipse((x - every * 0.65, y - every / 2, x + every * 0.65, y + every / 2), fill=BLACK)
                on.line((x + every * 0.6, y, x + every * 0.6, y - 3.2 * every), fill=BLACK, width=2)

    return drawn(plain(248, 300, 400), draw)


def cup(rng):
    wide, tall, ink = int(rng.integers(80, 120)), int(rng.integers(90, 140)), int(rng.integers(5, 12))

    def draw(on):
        left, top = 70, 80
        on.line(
            (left, top, left + 10, top + tall, left + wide - 10, top + tall, left + wide, top),
            fill=BLACK,
            width=ink,
            joint="curve",
        )
        on.ellipse((left, top - 16, left + wide, top + 16), outline=BLACK, width=ink)
        on.arc((left + wide - 25, top + 20, left + wide + 45, top + tall - 20), 270, 90, fill=BLACK, width=ink)

    return drawn(plain(244), draw)


def tick(rng):
    return penned(rng, [[(0.05, 0.55), (0.35, 0.95), (0.95, 0.05)]])


def cross(rng):
    return penned(rng, [[(0.05, 0.05), (0.95, 0.95)], [(0.95, 0.05), (0.05, 0.95)]])


def square(rng):
    return penned(rng, [[(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95), (0.05, 0.05)]])


def house(rng):
    return penned(
        rng,
        [
            [(0.1, 1), (0.1, 0.4), (0.5, 0), (0.9, 0.4), (0.9, 1), (0.1, 1)],
            [(0.4, 1), (0.4, 0.65), (0.6, 0.65), (0.6, 1)],
        ],
    )


def stick_figure(rng):
    turn = np.linspace(0, 6.3, 12)
    head = [(0.5 + 0.15 * np.cos(a), 0.16 + 0.15 * np.sin(a)) for a in turn]
    return penned(
        rng, [head, [(0.5, 0.3), (0.5, 0.65)], [(0.15, 0.45), (0.85, 0.45)], [(0.2, 1), (0.5, 0.65), (0.8, 1)]]
    )


def drawn_face(rng):
    turn = np.linspace(0, 6.3, 24)
    around = [(0.5 + 0.48 * np.cos(a), 0.5 + 0.48 * np.sin(a)) for a in turn]
    eyes = [[(x, 0.33), (x, 0.42)] for x in (0.33, 0.67)]
    return penned(rng, [around, *eyes, [(0.25, 0.62), (0.4, 0.75), (0.6, 0.75), (0.75, 0.62)]])


def signature(rng):
    x = np.linspace(0, 1, 60)
    y = 0.5 + sum(rng.uniform(0.05, 0.25) * np.sin(x * rng.uniform(10, 50) + rng.uniform(0, 6)) for _ in range(3))
    loops = x + 0.06 * np.sin(x * rng.uniform(30, 60))
    points = [(40 + 320 * a, 30 + 120 * b) for a, b in zip(loops, y, strict=True)]
    return drawn(
        plain(247, 180, 400), lambda on: on.line(points, fill=BLUE, width=int(rng.integers(2, 6)), joint="curve")
    )


def stripes(rng):
    x, y = np.meshgrid(np.arange(300), np.arange(300))
    a, width = rng.uniform(0, np.pi), rng.uniform(8, 40)
    wave = np.sin((x * np.cos(a) + y * np.sin(a)) * np.pi / width) > rng.uniform(-0.5, 0.5)
    return np.where(wave[..., None], rng.integers(120, 255, 3), rng.integers(0, 130, 3)).astype(float)


def dots(rng):
    picture, step = plain(rng.integers(150, 255, 3)), int(rng.integers(25, 80))
    colour, r = rng.integers(0, 140, 3), rng.uniform(0.15, 0.4) * step
    for n, y in enumerate(range(step // 2, 300, step)):
        for x in range(step // 2 + n % 2 * step // 2, 300, step):
            picture = disc(picture, y, x, r, colour)
    return picture


def leaves(rng):
    image = Image.fromarray(plain((60, 90, 45)).astype(np.uint8))
    on = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(40, 90))):
        (y, x), a, r = rng.uniform(0, 300, 2), rng.uniform(0, 6.3), rng.uniform(18, 45)
        green = (int(rng.integers(40, 130)), int(rng.integers(90, 190)), int(rng.integers(20, 80)))
        along, across = np.array((np.cos(a), np.sin(a))), np.array((-np.sin(a), np.cos(a)))
        t = np.linspace(0, np.pi, 9)
        rim = [(x, y) + r * (np.cos(s) * along + 0.35 * np.sin(s) * across) for s in t]
        rim += [(x, y) + r * (-np.cos(s) * along - 0.35 * np.sin(s) * across) for s in t]
        on.polygon([tuple(p) for p in rim], fill=green)
        on.line([tuple((x, y) - r * along), tuple((x, y) + r * along)], fill=tuple(c // 2 for c in green), width=2)
    return soft(np.asarray(image, float), 1.0)


def chess_board(rng):  # as it lies on a table
    side = int(rng.integers(25, 34))
    board = plain((90, 70, 50), 300, 300)
    y, x = np.mgrid[0 : 8 * side, 0 : 8 * side] // side
    board[20 : 20 + 8 * side, 20 : 20 + 8 * side] = np.where(((x + y) % 2)[..., None], (60, 40, 30), (225, 205, 170))
    tilt = rng.uniform(-0.2, 0.2)
    image = Image.fromarray(board.astype(np.uint8))
    return np.asarray(
        image.transform(image.size, Image.Transform.PERSPECTIVE, (1, tilt, 0, 0, 1.1, 0, 0, 0.0006, 1)), float
    )


def sign(rng):
    return symbol(rng, "&@?%€#§*+=<>!~$£¥©®{}[]")


def other_script(rng):
    return symbol(rng, "ЖДЯШЮФЫЦЩЭΨΩΔΣΠΞΛאבגשעдяжшюфψωξπ")


def pictogram(rng):
    return symbol(rng, "☀☂☎♥♣♠♞♫⚓✈✂✿★☺⚙⌂")


def written_word(rng):
    from tests.images.no_digits import LETTERS_BY_PEN

    paper = plain(246, 140, 420)
    for n, key in enumerate(rng.choice(list(LETTERS_BY_PEN), 5)):
        one = penned(rng, LETTERS_BY_PEN[key], paper=246)[40:260, 40:260]
        small = Image.fromarray(one.astype(np.uint8)).resize((80, 80), Image.Resampling.BICUBIC)
        paper[30:110, 10 + 80 * n : 90 + 80 * n] = np.asarray(small, float)
    return paper


def crack(rng):
    walk = np.cumsum(rng.normal(0, 8, 60))
    points = [(150 + w, 5 * n) for n, w in enumerate(walk)]
    wall = plain(rng.integers(150, 220)) + rng.normal(0, 6, (300, 300, 1))
    return drawn(wall, lambda on: on.line(points, fill=(70, 65, 60), width=int(rng.integers(2, 7))))


def snail(rng):
    t = np.linspace(0, rng.uniform(14, 22), 120)
    r = 110 * t / t.max()
    points = [(150 + b * np.cos(a), 150 + b * np.sin(a)) for a, b in zip(t, r, strict=True)]
    return drawn(plain(240), lambda on: on.line(points, fill=BLACK, width=int(rng.integers(4, 9))))


def streets(rng):
    def draw(on):
        for _ in range(int(rng.integers(6, 14))):
            ends = [tuple(point) for point in rng.integers(-20, 320, (3, 2)).tolist()]
            on.line(ends, fill=(255, 255, 255), width=int(rng.integers(4, 14)), joint="curve")

    return drawn(plain((225, 220, 205)) - 25, draw)


def branches(rng):
    def grow(on, x, y, angle, length):
        if length < 12:
            return
        end = x + length * np.cos(angle), y - length * np.sin(angle)
        on.line((x, y, *end), fill=(60, 45, 35), width=max(1, int(length / 8)))
        for turn in (-rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7)):
            grow(on, *end, angle + turn, length * rng.uniform(0.65, 0.8))

    return drawn(light(plain((205, 215, 230)), 0.9, 1.0), lambda on: grow(on, 150, 290, np.pi / 2, 80))


def fence(rng):
    step = int(rng.integers(20, 40))
    return soft(
        lines(
            lines(plain((120, 160, 110)), step * 4, (70, 60, 50), 8),
            step,
            (90, 75, 60),
            step // 3,
            down=False,
            across=True,
        ),
        1,
    )


def net(rng):
    step, ink = int(rng.integers(24, 50)), int(rng.integers(2, 6))
    x, y = np.meshgrid(np.arange(300), np.arange(300))
    wire = ((x + y) % step < ink) | ((x - y) % step < ink)
    return np.where(wire[..., None], (70, 70, 75), (190, 200, 190)).astype(float)


def coffee_rings(rng):
    picture = plain((240, 236, 225))
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.integers(70, 230, 2)
        rows, columns = np.mgrid[0:300, 0:300]
        r = np.hypot(rows - y, columns - x)
        picture -= 60 * np.exp(-((r - 60) ** 2) / 18)[..., None]
    return picture


HELD_OUT = (
    keyboard, qr_code, leopard, musical_staff, cup, tick, cross, square, house, stick_figure, drawn_face, signature,
    stripes, dots, leaves, chess_board, sign, other_script, pictogram, written_word, crack, snail, streets, branches,
    fence, net, coffee_rings,
)  # fmt: skip
