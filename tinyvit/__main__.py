"""`tinyvit`, and `python -m tinyvit`: before there is a command line to stop, Ctrl-C just ends the process."""

import os
import signal
import sys


def main() -> int:
    """Run one command; the exit status is that of `cli.main`.

    NumPy's compiled parts answer a KeyboardInterrupt in the middle of their import with other errors, or with a crash.
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored, as in `nohup tinyvit &`
    if ours:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    from .cli import main as command_line

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
