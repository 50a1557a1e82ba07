"""Workers where standard streams are closed, where nothing can be started, and where a fork holds their pipe."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support import environment
from tinyvit.errors import UserError
from tinyvit.training import train
from tinyvit.training.parallel import SharedArrays, Worker, WorkerLostError
from tinyvit.training.parallel.handles import above_standard

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform == "win32", reason="handles are numbers elsewhere")]

CLOSED = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]

WITHOUT = """
import os
for handle in {closed}:
    os.close(handle)
from tests.support import small_run
from tinyvit.training import TrainConfig, start, train
start.load_dataset = lambda *args, **kwargs: small_run.small_dataset()
config = TrainConfig(model=small_run.SMALL_MODEL, output={output!r}, epochs=1, batch_size=100, workers=2, device="cpu")
train(config)
"""


@pytest.mark.parametrize(
    "closed", [[0], *(pytest.param(closed, marks=pytest.mark.slow) for closed in CLOSED[1:])], ids=str
)
def test_a_script_without_standard_streams_can_train(tmp_path, closed):
    script = WITHOUT.format(closed=closed, output=str(tmp_path / "run"))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, env=environment()
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.txt").is_file()


def without(closed, action):
    """`action()` in a fork where handles are closed; its exit status tells whether it raised nothing."""
    child = os.fork()
    if not child:
        try:
            for handle in closed:
                os.close(handle)
            os._exit(0 if action() else 3)
        except BaseException:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_new_handles_are_no_standard_streams(closed):
    def above():
        with above_standard():
            handles = os.pipe()
        memory = SharedArrays({"a": ((3,), "float32")})
        still_closed = [handle for handle in range(3) if not is_open(handle)]
        return min(*handles, memory.handle) > 2 and still_closed == closed

    assert without(closed, above) == 0


def is_open(handle):
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


def test_no_process_to_be_had_is_a_sentence(small_config, monkeypatch):
    import dataclasses

    def none(*args, **kwargs):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", none)
    with pytest.raises(
        UserError,
        match=r"the system has no process \(Resource temporarily unavailable\) left for a worker: .*--workers 1",
    ):
        train(dataclasses.replace(small_config, workers=2))


def test_no_thread_left_is_a_sentence_and_leaves_no_process(monkeypatch):
    started, popen = [], subprocess.Popen

    def noting(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    def none(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(subprocess, "Popen", noting)
    monkeypatch.setattr(threading.Thread, "start", none)
    memory = SharedArrays({"a": ((3,), "float32")})
    with pytest.raises(WorkerLostError, match="has no thread to listen to one left"):
        Worker(1, {}, memory.handle)
    (process,) = started
    assert process.returncode == -signal.SIGKILL
    memory.close_handle()


FORKED = """
import os, sys, time
from tests.support import small_run
from tinyvit.training import TrainConfig
from tinyvit.training.parallel import Team
from tinyvit.training.state import build_model
config = TrainConfig(model=small_run.SMALL_MODEL, epochs=1, batch_size=100, workers=2, device="cpu")
team = Team(config, small_run.small_dataset(), build_model(config))
team.compute(0)
if os.fork():
    print(*team.processes(), flush=True)
    os.kill(os.getpid(), 9)
sys.stdin.read()
"""


def test_a_worker_ends_with_its_parent_though_a_fork_lives_on():
    process = subprocess.Popen(
        [sys.executable, "-c", FORKED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )
    worker = int(process.stdout.readline())
    assert process.wait(timeout=60) == -signal.SIGKILL
    gone = threading.Event()
    for _ in range(600):
        try:
            state = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            state = "Z"
        if state == "Z":
            break
        gone.wait(0.05)
    assert state == "Z"
    process.stdin.close()  # the fork ends
    process.stdout.close()
