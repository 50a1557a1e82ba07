"""A file with a limit on reads: decoders read a hostile header byte by byte, for as long as it goes on."""

import io
import os

FREE_READS = 20_000
BYTES_PER_READ = 100  # at least so many, on average, beyond the free ones; decoders ask for thousands


class TooManyPiecesError(Exception):
    """A decoder asked for more pieces of a file than any image needs."""


class PatientFile(io.BufferedReader):
    """A file to read from, in as many pieces as an image of its size can need.

    A PPM's comment, the chunks of a PNG, the segments of a JPEG and the blocks of a GIF are read one by one, in Python,
    and a file can hold millions of them. No real one comes near the limit.

    Raises:
        TooManyPiecesError: in `read`, when it is passed.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(io.FileIO(path))
        self.left = FREE_READS + os.fstat(self.fileno()).st_size // BYTES_PER_READ

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise TooManyPiecesError("it is made of millions of tiny pieces")
        return super().read(size)
