"""Where the commands' words go, also where nobody hears them and where the terminal cannot show them."""

import io
import os
import sys

from ..errors import printable


def prepare_streams() -> None:
    """Make stdout and stderr take every text: a closed one (`2>&-`) swallows it, what an encoding lacks is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: object = "", *, end: str = "\n") -> None:
    """Print at once, with names of strangers in it made harmless, whichever they are.

    When the reader has gone, as `head` does, this and all that follows goes nowhere: work goes on.
    """
    text = "\n".join(map(printable, str(text).split("\n")))
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        mute()


def mute() -> None:
    """Send what goes to stdout nowhere from now on, and what is still in its buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(sentence: str) -> None:
    """Say on stderr what is wrong with one of many, and go on; a progress bar makes room."""
    from tqdm.std import tqdm

    with tqdm.external_write_mode():
        print(f"tinyvit: {printable(sentence)}", file=sys.stderr)
