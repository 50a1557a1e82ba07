"""What scenes are drawn with: paper, ink from MNIST's digits, lines and light."""

from collections.abc import Callable

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
    """Rules over the whole image, `tilt` pixels lower at the right edge than at the left."""
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
