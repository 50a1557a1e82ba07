"""A lock has one holder, ends with it however it ends, and does not outlive it in a fork."""

import os
import signal
import subprocess
import sys

import pytest

from tinyvit.storage import locks
from tinyvit.storage.locks import FileLock

pytestmark = pytest.mark.skipif(locks.flock is None, reason="this system has no such locks")

HOLDS = (
    "import sys; from tinyvit.storage.locks import FileLock; lock = FileLock(sys.argv[1]); print('held', flush=True)\n"
)


@pytest.fixture(params=["file", "folder", "read-only"])
def path(request, tmp_path):
    path = tmp_path / "thing"
    if request.param == "folder":
        path.mkdir()
    else:
        path.write_text("x")
        path.chmod(0o400 if request.param == "read-only" else 0o600)
    return path


def test_there_is_one_holder(path):
    with FileLock(path):
        for _ in range(2):
            with pytest.raises(BlockingIOError):
                FileLock(path)
    with FileLock(path) as lock:
        assert lock.is_of(path)
    lock.close()  # twice does no harm
    FileLock(path).close()


def test_what_is_locked_is_the_thing_and_not_its_name(path):
    moved = path.with_name("moved")
    with FileLock(path) as lock:
        path.rename(moved)
        assert lock.is_of(moved)
        assert not lock.is_of(path)
        path.mkdir()
        assert not lock.is_of(path)
        FileLock(path).close()
        with pytest.raises(BlockingIOError):
            FileLock(moved)


def held_by_a_process(path, then):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS + then, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    with pytest.raises(BlockingIOError):
        FileLock(path)
    return process


def ended(process):
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=30)


@pytest.mark.process
def test_a_killed_process_holds_nothing(path):
    process = held_by_a_process(path, "sys.stdin.read()")
    process.kill()
    ended(process)
    assert process.returncode == -signal.SIGKILL
    FileLock(path).close()


FORKS = """
import os
sys.stdin.readline()
if os.fork():
    os.kill(os.getpid(), 9)
print('forked', flush=True)
sys.stdin.read()
"""


@pytest.mark.process
def test_a_fork_that_lives_on_holds_nothing(path):
    process = held_by_a_process(path, FORKS)
    process.stdin.write("go\n")
    process.stdin.flush()
    process.wait(timeout=30)
    assert process.stdout.readline() == "forked\n"  # it lives until its input closes
    FileLock(path).close()
    ended(process)


@pytest.mark.process
def test_waiting_ends_when_the_holder_does(path):
    process = held_by_a_process(path, "sys.stdin.readline()")
    process.stdin.write("go\n")
    process.stdin.flush()
    FileLock(path, wait=True).close()
    ended(process)


@pytest.mark.parametrize("number", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_where_there_are_no_locks_everybody_gets_one(path, monkeypatch, number):
    import errno

    def fails(handle, how):
        raise OSError(getattr(errno, number), "not here")

    monkeypatch.setattr(locks, "flock", fails)
    with FileLock(path), FileLock(path):
        pass
    monkeypatch.setattr(locks, "flock", None)
    with FileLock(path) as lock:
        assert lock.is_of(path)


def test_no_handle_stays_open(path):
    before = (
        len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else pytest.skip("counts what /proc shows")
    )
    with FileLock(path), pytest.raises(BlockingIOError):
        FileLock(path)
    with pytest.raises(FileNotFoundError):
        FileLock(path / "nowhere" if path.is_dir() else path.with_name("nowhere"))
    assert len(os.listdir("/proc/self/fd")) == before
