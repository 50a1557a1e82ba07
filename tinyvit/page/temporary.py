"""An image's bytes as a file for a moment, so that what reads image files reads them, too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import UserError


@contextmanager
def as_file(content: bytes) -> Iterator[Path]:
    """A file called "image" in a folder of its own: no name from outside touches the disk, and none is in an error.

    Raises:
        UserError: what is raised inside, without the file's path.
    """
    with TemporaryDirectory(prefix="tinyvit-") as folder:
        path = Path(folder) / "image"
        path.write_bytes(content)
        try:
            yield path
        except UserError as error:
            raise UserError(str(error).removeprefix(f"{path}: ").replace(str(path), "the file")) from error
