"""Open an untrusted image file: nothing in it is run, and whatever is wrong with it is one sentence."""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ..errors import UserError
from .deep_grey import REDUCED, UNSIGNED, WHITE_IS_ZERO, WHITE_LEVEL, is_deep
from .heif import is_heif, learn_heif
from .patience import PatientFile

# Formats that are nothing but pixels; HEIF is another. Pillow reads more, some by running a program (EPS: Ghostscript).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")

PHOTOMETRIC = 262  # the tag of a TIFF that says whether 0 is white or black

_FILTERS = threading.Lock()


class Glance(NamedTuple):
    """Facts about an image file, and a small image of it."""

    image: Image.Image  # upright; a JPEG is grey and an eighth of its size
    size: tuple[int, int]  # height and width of the whole image, upright
    mode: str  # as it is stored


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """The first frame of an image file, upright as its EXIF data says, read to its end, in the mode it is stored in.

    Many threads may do so at once.

    Raises:
        UserError: the file is missing, not an image, damaged, or unreasonably large.
    """
    with _opened(path) as image:
        return _upright(image)


def glance_at(path: str | os.PathLike[str]) -> Glance:
    """Facts about an image file for a fraction of the time that `open_image` takes.

    A JPEG is decoded at an eighth of its size (a common one in a quarter of the time, a progressive one in two thirds).
    No damage goes unnoticed, as all of its bytes have to be read even so. Other formats are decoded as they are.

    Raises:
        UserError: as `open_image` does.
    """
    with _opened(path) as image:
        (width, height), mode = image.size, image.mode
        image.draft("L", (1, 1))
        image.load()
        on_its_side = _orientation(image) in (5, 6, 7, 8)
        return Glance(_upright(image), (width, height) if on_its_side else (height, width), mode)


def left_out(path: str | os.PathLike[str]) -> str:
    """Note on the pictures behind the first in an image file; empty where there are none that can be read.

    A camera's preview, or its second view (MPO), is none of them.
    """
    try:
        with _opened(path) as image:
            has_more = getattr(image, "is_animated", False) and image.format != "MPO"
    except UserError:
        return ""
    return "the first of several pictures in the file" if has_more else ""


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """The file with its header read; what goes wrong with it in here becomes a `UserError`."""
    if not os.path.exists(path):
        raise UserError(f"there is no file {path}: check the spelling of the path")
    if not os.path.isfile(path):
        raise UserError(f"{path} is not a file but a folder or a device: give the path of one image")
    try:
        # Given a path, Pillow would map some files into memory, and garble grey TIFFs that lie on their side.
        with PatientFile(path) as file:
            formats = (*FORMATS, learn_heif(path)) if is_heif(file.read(12)) else FORMATS
            file.seek(0)
            with _without_warnings():
                image = Image.open(file, formats=formats)
            _remember_depth(image)
            with image:
                yield image
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"{path} has more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels: make it smaller first"
        ) from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: change its permissions") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not an image that can be read: save it as PNG or JPEG") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise UserError(f"{path} is damaged or of an unusual kind ({error}): save it again as PNG or JPEG") from error


def _remember_depth(image: Image.Image) -> None:
    """Keep in `Image.info` what can be known of deep images only before they are decoded, see `deep_grey`."""
    if image.format == "PPM" and image.mode == "I":
        image.info[WHITE_LEVEL] = 2**16 - 1  # Pillow scales the file's own white to it
    layout = str(getattr(image, "tile", ""))  # how the numbers lie in the file, in Pillow's words
    tags = getattr(image, "tag_v2", {})  # of a TIFF
    image.info[WHITE_IS_ZERO] = is_deep(image) and tags.get(PHOTOMETRIC) == 0  # Pillow inverts 8 bits alone
    image.info[UNSIGNED] = "I;32N" in layout
    image.info[REDUCED] = not is_deep(image) and ";16" in layout


def _upright(image: Image.Image) -> Image.Image:
    """The image decoded, turned as its EXIF data says, and independent of its file."""
    image.load()
    _orientation(image)  # read here, Pillow remembers it below and warns of nothing
    ImageOps.exif_transpose(image, in_place=True)
    return image.copy()


def _orientation(image: Image.Image) -> object:
    """Orientation in EXIF of a decoded image, 1 if none; 5 to 8 are on their side. A TIFF has been turned."""
    with _without_warnings():
        return image.getexif().get(ExifTags.Base.Orientation, 1)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow's warnings about headers are dropped, but for that of too many pixels, which is raised.

    The filters of warnings belong to all threads, so one thread at a time changes them: where headers are read, which
    takes little, and not where pixels are decoded, which takes long and warns of nothing.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
