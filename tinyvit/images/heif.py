"""HEIC images, as phones take them: Pillow reads them by the package pillow-heif, where that is installed."""

import os

from ..errors import UserError

# A HEIF file begins with its length, "ftyp", and what it is: an image or several, coded by HEVC or in a common form.
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so, with 12 bytes or more, is a HEIF file, whatever it is called."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def learn_heif(path: str | os.PathLike[str]) -> str:
    """Make Pillow read HEIF files; returns its name for the format.

    Raises:
        UserError: pillow-heif is not installed; `path` is named as the file that needs it.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise UserError(
            f"{path} is a HEIC image, which needs the package pillow-heif: python -m pip install pillow-heif, or "
            "save it as JPEG"
        ) from error
    register_heif_opener()
    return "HEIF"
