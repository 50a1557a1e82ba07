"""The command line: `tinyvit train | eval | predict | plot | gradcheck | bench | info | doctor`, one file per verb."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import UserError
from . import bench, doctor, evaluate, gradcheck, info, plot, predict, train

VERBS = (train, evaluate, predict, plot, gradcheck, bench, info, doctor)
STOPPED = 130  # the exit status shells give to what Ctrl-C stopped


class Parser(argparse.ArgumentParser):
    """Complains in one sentence, where argparse would print all flags first."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """All verbs and their flags."""
    from .. import __version__

    parser = Parser(
        prog="tinyvit", description="A Vision Transformer with every forward and backward pass written by hand."
    )
    parser.add_argument("--version", action="version", version=f"tinyvit {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for verb in VERBS:
        verb.add_parser(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 well, 1 a check failed, 2 a mistake the user can mend, 130 stopped by Ctrl-C."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 0
    try:
        return options.run(options) or 0
    except UserError as error:
        return _complain(str(error), 2)
    except KeyboardInterrupt as interrupt:
        return _complain(str(interrupt) or "stopped", STOPPED)
    except BrokenPipeError:  # the reader of our output went away, as `head` does: no reason to complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _complain("there is not enough memory: choose a smaller --batch-size or model", 2)
    except OSError as error:
        return _complain(f"the system refused ({error}): check the path, its rights and the space on the disk", 2)


def _complain(sentence: str, status: int) -> int:
    print(f"tinyvit: {sentence}", file=sys.stderr)
    return status
