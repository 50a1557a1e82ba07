"""Output of the commands: printed safely to closed streams, full disks, and terminals of any encoding."""

import contextlib
import io
import os
import sys
from typing import Any

from ..errors import printable


def prepare_streams() -> None:
    """Make stdout and stderr take every text: a closed one (`2>&-`) swallows it, what an encoding lacks is escaped.

    Files that are opened later do not become the standard input or output of anything.
    """
    lost.clear()
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: object = "", *, end: str = "\n") -> None:
    """Print at once, with control characters of untrusted names escaped.

    When the reader has gone, as `head` does, the terminal was closed, or the disk is full that the output goes to, this
    and all that follows goes nowhere: work goes on.
    """
    text = "\n".join(map(printable, str(text).split("\n")))
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        lose_output(error)


def lose_output(error: OSError) -> None:
    """Send what goes to stdout nowhere from now on, and what is still in its buffer; a full disk is complained of."""
    mute(sys.stdout)
    if not isinstance(error, BrokenPipeError) and not lost:
        lost.append(error)
        complain(f"what is printed can no longer be written ({error.strerror or error}): work goes on without it")


lost: list[OSError] = []  # why output could not be written, since the command began


def flush_output() -> None:
    """Print what waits in a buffer: not when Python ends, which has no sentence for what goes wrong then."""
    try:
        sys.stdout.flush()
    except OSError as error:
        lose_output(error)


def mute(stream: Any) -> None:
    """Send what goes to `stream`, and what is still in its buffer, nowhere from now on."""
    with contextlib.suppress(OSError, ValueError):  # it is no file
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, stream.fileno())
        os.close(handle)


def complain(sentence: str) -> None:
    """Print to stderr what is wrong, even where stderr is closed; a progress bar makes room."""
    try:
        from tqdm.std import tqdm

        with tqdm.external_write_mode():
            print(f"tinyvit: {printable(sentence)}", file=sys.stderr)
    except OSError:
        mute(sys.stderr)
