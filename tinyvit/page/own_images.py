"""An image file that was dropped, pasted or chosen: prepared, or refused, as by `tinyvit predict`."""

import numpy as np

from ..errors import UserError
from ..evaluation.pages import DOUBT, DigitReader
from ..evaluation.preprocessing import Preprocessing
from ..images.digits import Found
from .temporary import as_file


class OwnImages:
    """Image files as a classifier takes them.

    Args:
        reader: of a model of digits, which knows what is hardly one.
    """

    def __init__(self, preprocessing: Preprocessing, reader: DigitReader):
        self.preprocessing, self.reader = preprocessing, reader

    def read(self, content: bytes) -> tuple[np.ndarray, str]:
        """The bytes of an image file -> uint8 (C, H, W), and what was done to it in plain words.

        Raises:
            UserError: it is no image that can be read, or nothing is to be seen in it.
        """
        with as_file(content) as path:
            prepared = self.preprocessing.prepare(path)
        doubt = self._doubt(prepared.found) if prepared.found else ""
        return prepared.image, "; ".join(filter(None, (doubt, prepared.done)))

    def _doubt(self, found: Found) -> str:
        """Why the largest shape may be no digit; empty where it surely is one.

        Raises:
            UserError: hardly one of all shapes is.
        """
        page = self.reader.read(found.digits)
        if page.shows_no_digit:
            raise UserError(page.refusal)
        largest = max(range(len(page.digits)), key=lambda n: page.digits[n].box[2] - page.digits[n].box[0])
        return DOUBT if page.is_unsure[largest] else ""
