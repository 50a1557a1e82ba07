"""Opening a stranger's picture file: nothing in it is run, and whatever is wrong with it is said in one sentence."""

import os
import warnings

from PIL import Image, ImageOps

from ..errors import UserError

# Formats that are nothing but pixels. Pillow reads others, some by running a program (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")


def open_picture(path: str | os.PathLike[str]) -> Image.Image:
    """The first frame of a picture file, upright as its EXIF data says, read to its end, in the mode it is stored in.

    Raises:
        UserError: the file is missing, not a picture, damaged, or unreasonably large.
    """
    if not os.path.exists(path):
        raise UserError(f"there is no file {path}: check the spelling of the path")
    if not os.path.isfile(path):
        raise UserError(f"{path} is not a file but a folder or a device: give the path of one picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"{path} has more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels: make it smaller first"
        ) from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: change its permissions") from error
    except Image.UnidentifiedImageError as error:
        raise UserError(f"{path} is not a picture that can be read: save it as PNG or JPEG") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise UserError(f"{path} is damaged or of an unusual kind ({error}): save it again as PNG or JPEG") from error
