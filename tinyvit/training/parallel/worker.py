"""The worker process: reads commands from its standard input, one JSON line each, and writes one answer to each.

    {"config": ..., "layout": ..., ...}      first: what there is to do, and where the shared arrays are; no answer
    {"step": 17}                             this part's gradients of step 17 -> {"loss": its share}
    {"answer": "parameters" or "average"}    this part's rows of the dev split -> {}

It ends when its input closes, that is with the process that started it, whatever becomes of that one.
"""

import json
import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np

from ...backend import keep_freed_memory, one_matrix_thread
from ...config.tasks import task_config
from .memory import SharedArrays
from .team import build_worker


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not get between the answers
    keep_freed_memory()
    commands = sys.stdin.buffer
    job = json.loads(commands.readline())
    threading.Thread(target=_end_with, args=(job["parent"],), daemon=True).start()
    memory = SharedArrays(job["layout"], job["handle"])
    memory.close_handle()
    work = None
    with one_matrix_thread(), np.errstate(all="ignore"):
        while line := commands.readline():
            try:
                config = job["config"]
                work = work or build_worker(task_config(config["task"]).from_dict(config), memory, job)
                answer: dict[str, Any] = work(json.loads(line))
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()


def _end_with(parent: int) -> None:
    """End when the process that started this one has, though a fork of it may keep the pipe open."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, ValueError):  # the other end is gone: no process is left to tell
        os._exit(1)
