"""A process is known again, and not taken for another that has its number."""

import os
import subprocess
import sys

from tinyvit.tuning import processes
from tinyvit.tuning.processes import is_alive, this_process


def test_only_living_processes_live():
    ours = this_process()
    assert not is_alive(ours)  # a trial of this number that this process did not begin is of a dead one
    parent = ours | {"pid": os.getppid()}
    other = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    other.stdout.readline()
    began = processes._began(other.pid)
    there = ours | {"pid": other.pid, "began": began}
    assert is_alive(there)
    if began:  # where the system tells
        assert not is_alive(there | {"began": "1"})
        assert not is_alive(parent | {"began": "1"})
    other.kill()
    other.wait()
    assert not is_alive(there)
    assert is_alive(there | {"host": "elsewhere"})
    assert not is_alive({})
    assert not is_alive({"pid": "7", "host": "elsewhere"})
    assert not is_alive({"pid": -1})
