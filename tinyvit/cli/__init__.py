"""The command line: `tinyvit VERB`, one file per verb."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from ..errors import UserError, printable
from . import (
    bench,
    convert,
    data,
    doctor,
    evaluate,
    export,
    finetune,
    gradcheck,
    info,
    lessons,
    look,
    plot,
    predict,
    sample,
    train,
    tune,
)
from .output import complain, flush_output, lost, mute, prepare_streams
from .stopping import stopped_by_kills

VERBS = {
    "train": train,
    "finetune": finetune,
    "tune": tune,
    "eval": evaluate,
    "predict": predict,
    "sample": sample,
    "plot": plot,
    "look": look,
    "data": data,
    "convert": convert,
    "export": export,
    "gradcheck": gradcheck,
    "bench": bench,
    "lessons": lessons,
    "info": info,
    "doctor": doctor,
}
STOPPED = 130  # the exit status shells give to what Ctrl-C stopped


class Parser(argparse.ArgumentParser):
    """Complains in one sentence, where argparse would print all flags first."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, printable(f"{self.prog}: {message}; see {self.prog} --help") + "\n")


def build_parser(verb: str | None = None) -> argparse.ArgumentParser:
    """All verbs and their flags; if it is known which `verb` is meant, that one's alone."""
    from .. import __version__

    parser = Parser(
        prog="tinyvit", description="A Vision Transformer with every forward and backward pass written by hand."
    )
    # Until a verb sets its own; `saves`: what it prints is also in files.
    parser.set_defaults(run=lambda options: parser.print_help(), saves=False)
    parser.add_argument("--version", action="version", version=f"tinyvit {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for module in [VERBS[verb]] if verb in VERBS else VERBS.values():
        module.add_parser(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 well, 1 a check failed, 2 a mistake the user can mend, 130 stopped by Ctrl-C."""
    try:
        prepare_streams()
        arguments = sys.argv[1:] if arguments is None else arguments
        options = build_parser(arguments[0] if arguments else None).parse_args(arguments)
        with stopped_by_kills(), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of numbers that overflow: the answers say so
            status = options.run(options) or 0
        flush_output()
        return status or (2 if lost and not options.saves else 0)
    except SystemExit:  # of argparse, which has printed help
        flush_output()
        raise
    except UserError as error:
        return _complain(str(error), 2)
    except KeyboardInterrupt as interrupt:
        return _complain(str(interrupt) or "stopped", STOPPED)
    except BrokenPipeError:  # the reader of our output went away, as `head` does: no reason to complain
        mute(sys.stdout)
        return 0
    except MemoryError:
        return _complain(
            "there is not enough memory: end other programs, or choose smaller batches, images or a smaller model", 2
        )
    except OSError as error:
        return _complain(f"the system refused ({error}): check the path, its rights and the space on the disk", 2)
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        return _complain("the system has no thread left: end other programs, or raise its limit (ulimit -u)", 2)


def _complain(sentence: str, status: int) -> int:
    flush_output()
    complain(sentence)
    return status
