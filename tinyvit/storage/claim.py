"""Claim on a run's folder while the run is at work in it: exclusive, and noticed when the folder moves."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from .files import CONFIG, HEAD, WEIGHTS, current_folder
from .folders import is_there
from .locks import FileLock


class Claim(contextlib.ExitStack):
    """From here to `close` no other process works on the run in `folder`. What is left of one that was killed is none.

    Raises:
        UserError: another process is at work there.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder
        with contextlib.ExitStack() as locks:
            try:
                self._lock = locks.enter_context(FileLock(folder))
                locks.enter_context(FileLock(folder / CONFIG))  # network disks lock no folders
            except BlockingIOError as error:
                raise UserError(
                    f"another process is at work on the run in {folder}, so nothing was touched: wait until it has "
                    "ended, or stop it first"
                ) from error
            except OSError as error:
                raise UserError(f"the run in {folder} cannot be opened ({error.strerror}): check its rights") from error
            self.push(locks.pop_all())

    def check(self, verb: str) -> None:
        """Check that the folder is still where it was; `verb` made it.

        Raises:
            UserError: it was moved, deleted or replaced, so nothing may be written there.
        """
        if not (self._lock.is_of(self.folder) and (self.folder / CONFIG).exists()):
            raise UserError(
                f"{self.folder} was moved or deleted while the run was at work, so it stopped: where the folder is "
                f"now, its last checkpoint is whole, and tinyvit {verb} --resume goes on from there"
            )


def check_best(folder: Path, epochs: Sequence[object]) -> None:
    """Check that the run in `folder`, which has finished `epochs`, can end with a test of the best of them.

    Raises:
        UserError: that one's weights are gone.
    """
    best = folder / "best"
    if epochs and not (is_there(best) and any((current_folder(best) / name).is_file() for name in (WEIGHTS, HEAD))):
        raise UserError(
            f"{best}, which held the weights of the best epoch, is gone, and the run cannot end without it: put it "
            "back and go on, or start anew with --overwrite or in another --output"
        )
