"""From a picture of your own, of any size and colour, to what a model trained on MNIST or its kind expects."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    from PIL import Image

INK_BOX = 20  # pixels: MNIST's makers fitted each digit into 20x20 before they centred it in 28x28
FAINT = 0.2  # of the strongest ink; less is paper, shadow or noise


def read_image(path: str | Path) -> "Image.Image":
    """The picture in a file: turned upright by its EXIF data, the first frame if it moves, transparency over white.

    Raises:
        UserError: the file is missing, is no picture, is damaged, or would unpack to an enormous picture.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file)
                image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path} unpacks to more pixels than is safe ({error}): shrink it first") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not a picture that can be read: give a PNG or JPEG file") from error
    except FileNotFoundError as error:
        raise UserError(f"{path} was not found: check the file's name") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder: give picture files") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise UserError(f"{path} is damaged or cannot be read ({error}): use another copy") from error
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image).convert("RGB")
    return image


def prepare_digit(image: "Image.Image", *, size: tuple[int, int] = (28, 28)) -> tuple[np.ndarray, str]:
    """A picture as MNIST shows its digits: light ink on black, fitted into 20x20, centred by mass in 28x28.

    Returns uint8 (1, H, W), and what was done in plain words.

    Raises:
        UserError: the picture shows nothing.
    """
    grey = _grey(image)
    paper = _background(grey)
    if grey.shape == size and paper < 0.1:
        return _to_uint8(grey)[None], "taken as it is: light on a dark background, and of the right size"
    ink = np.abs(grey - paper)
    strongest = float(ink.max())
    if strongest < 0.05:
        raise UserError("the picture shows nothing but its background: draw thicker or with more contrast")
    ink = np.clip((ink / strongest - FAINT) / (1 - FAINT), 0, 1)
    rows, columns = np.flatnonzero(ink.max(axis=1) > FAINT), np.flatnonzero(ink.max(axis=0) > FAINT)
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = size
    box = max(1, round(INK_BOX / 28 * min(size)))
    digit = _fit(digit, box)
    centre_y, centre_x = ((digit * places).sum() / digit.sum() for places in np.indices(digit.shape))
    top = int(np.clip(round((height - 1) / 2 - centre_y), 0, height - digit.shape[0]))
    left = int(np.clip(round((width - 1) / 2 - centre_x), 0, width - digit.shape[1]))
    canvas = np.zeros(size)
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    light = "dark ink on a light background: inverted, " if paper > 0.5 else "light ink on a dark background: "
    return _to_uint8(canvas)[None], f"{light}cropped to the ink and centred by mass, as MNIST is"


def prepare_picture(image: "Image.Image", *, size: tuple[int, int], channels: int) -> tuple[np.ndarray, str]:
    """A picture fitted into the model's size without stretching, on a dark background as in Fashion-MNIST.

    Returns uint8 (channels, H, W), and what was done in plain words.

    Raises:
        UserError: the model takes neither 1 nor 3 channels.
    """
    if channels not in (1, 3):
        raise UserError(f"pictures have 1 or 3 channels, but the model takes {channels}: they cannot be shown to it")
    grey = _grey(image)
    inverted = _background(grey) > 0.5
    planes = [grey] if channels == 1 else list(np.moveaxis(np.asarray(image.convert("RGB")) / 255, -1, 0))
    canvas = np.zeros((channels, *size))
    for plane, target in zip(planes, canvas, strict=True):
        fitted = _fit(1 - plane if inverted else plane, *size)
        top, left = ((whole - part) // 2 for whole, part in zip(size, fitted.shape, strict=True))
        target[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    done = "fitted into the model's size" + (" and inverted, since its background is light" if inverted else "")
    return _to_uint8(canvas), done


def _grey(image: "Image.Image") -> np.ndarray:
    """Brightness (H, W), float64 in 0..1."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more: convert("L") would cut them off
        values = np.asarray(image, np.float64)
        whole = 65535.0 if values.max() > 255 else 255.0
        return np.clip(values / whole, 0, 1)
    return np.asarray(image.convert("L"), np.float64) / 255


def _background(grey: np.ndarray) -> float:
    """The brightness of the paper: the median along the border."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return float(np.median(border))


def _fit(plane: np.ndarray, height: int, width: int | None = None) -> np.ndarray:
    """`plane` (h, w) resized to fit into (height, width), keeping its proportions, with smoothing when it shrinks."""
    from PIL import Image

    width = width or height
    factor = min(height / plane.shape[0], width / plane.shape[1])
    shape = tuple(max(1, round(side * factor)) for side in plane.shape)
    fitted = Image.fromarray(plane.astype(np.float32)).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.clip(np.asarray(fitted, np.float64), 0, 1)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 255).astype(np.uint8)
