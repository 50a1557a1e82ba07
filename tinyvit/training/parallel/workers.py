"""Worker processes as the main process sees them: started when first needed, asked, waited for, ended."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..gradients import GradientsLostError
from .handles import above_standard

PACKAGE_FOLDER = Path(__file__).resolve().parents[3]  # the folder that holds `tinyvit`
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB_MAXIMUM")}


class WorkerLostError(GradientsLostError):
    """A worker process has died, got stuck, or met an error."""


class Worker:
    """One worker process: a program of its own that reads commands and writes answers, one JSON line each.

    It is neither forked nor spawned by `multiprocessing`. So it works from notebooks and from scripts without a
    `__main__` guard, on every system. Its bond is the pipe it reads: that closes when this process ends, even by
    kill -9, and then the worker ends too; where a fork of this process keeps the pipe open, the worker still sees that
    it has another parent.

    Args:
        index: how it is called in messages.
        job: what it is told first.
        handle: shared memory it has to inherit.

    Raises:
        WorkerLostError: the system has no more processes or threads.
    """

    def __init__(self, index: int, job: dict[str, Any], handle: int | str):
        self.index = index
        environment = os.environ | ONE_THREAD
        # Run from a checkout, the worker has to run that one too; installed packages it finds by itself.
        if PACKAGE_FOLDER.name not in ("site-packages", "dist-packages"):
            folders = filter(None, [str(PACKAGE_FOLDER), os.environ.get("PYTHONPATH")])
            environment["PYTHONPATH"] = os.pathsep.join(folders)
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            with above_standard():
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "tinyvit.training.parallel.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=None if sys.__stderr__ else subprocess.DEVNULL,  # if closed, 2 may be another file's
                    env=environment,
                    pass_fds=[handle] if isinstance(handle, int) else (),
                    start_new_session=True,  # Ctrl-C is for the main process: it ends its workers in good order
                )
        except OSError as error:
            raise _none_to_be_had(f"process ({error.strerror})") from error
        try:  # a thread, since Windows cannot wait for a pipe with a time limit
            threading.Thread(target=self._listen, daemon=True).start()
        except RuntimeError as error:
            self.process.kill()
            self.process.communicate()
            raise _none_to_be_had("thread to listen to one") from error
        self.ask(job | {"parent": os.getpid()})

    def ask(self, command: dict[str, Any]) -> None:
        """Send a command and go on at once.

        Raises:
            WorkerLostError: the worker has died.
        """
        try:
            self._pipe.write(json.dumps(command).encode() + b"\n")
            self._pipe.flush()
        except OSError as error:
            raise self._lost() from error

    def answer(self, patience: float) -> dict[str, Any]:
        """Wait for the answer to the last command, at most `patience` seconds.

        Raises:
            WorkerLostError: the worker has died, is stuck, or met an error.
        """
        line = self._wait(patience)
        if line is None:
            self.process.kill()
            raise WorkerLostError(
                f"worker {self.index} (process {self.process.pid}) gave no answer for {patience:.0f} seconds "
                "and was ended"
            )
        if not line:
            raise self._lost()
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerLostError(f"worker {self.index} (process {self.process.pid}) failed: {answer['error']}")
        return answer

    def close(self) -> None:
        """Let the worker end: it does as soon as its pipe closes, and is killed if it does not."""
        try:
            self._pipe.close()
            self.process.wait(timeout=2)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    @property
    def _pipe(self) -> Any:
        return self.process.stdin

    def _wait(self, seconds: float) -> bytes | None:
        """The next answer, or None. Waits in short spells, so that hours for which this process slept do not count."""
        spell = min(1.0, seconds)
        for _ in range(round(seconds / spell)):
            try:
                return self._answers.get(timeout=spell)
            except queue.Empty:
                pass
        return None

    def _listen(self) -> None:
        answers: Any = self.process.stdout
        with answers:
            for line in answers:
                self._answers.put(line)
        self._answers.put(b"")

    def _lost(self) -> WorkerLostError:
        try:
            status = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            status = None
        how = f"by signal {-status}" if status is not None and status < 0 else f"with exit status {status}"
        return WorkerLostError(f"worker {self.index} (process {self.process.pid}) ended {how}")


def _none_to_be_had(what: str) -> WorkerLostError:
    return WorkerLostError(
        f"the system has no {what} left for a worker: end other programs or raise its limit (ulimit -u), or start a "
        "new run with --workers 1"
    )
