"""`tinyvit lessons open` starts one JupyterLab with what it needs, and uses it for all lessons."""

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tinyvit.cli import jupyter_lab, main

pytest.importorskip("jupyterlab", reason="needs the extra 'lessons'")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYVIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)


@pytest.fixture
def started(monkeypatch):
    """The command and the token of each JupyterLab that would have been started."""
    found = []

    class Started(subprocess.Popen):
        def __init__(self, command, *, env):
            found.append((command, env["JUPYTER_TOKEN"]))
            super().__init__([sys.executable, "-c", ""])

    monkeypatch.setattr(jupyter_lab.subprocess, "Popen", Started)
    monkeypatch.setattr(jupyter_lab, "_answers", lambda server: True)
    return found


@pytest.fixture
def opened(monkeypatch):
    addresses = []
    monkeypatch.setattr(jupyter_lab, "opens", lambda address: addresses.append(address) or True)
    return addresses


@pytest.fixture
def running(tmp_path):
    """A server that answers as Jupyter does, noted where Jupyter notes its own; returns what is noted."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"kernels": 0}')

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        note = {"pid": os.getpid(), "hostname": "127.0.0.1", "port": server.server_port, "base_url": "/"}
        note |= {"root_dir": "/", "token": jupyter_lab.OURS + "abc"}

        def write(**changes):
            (tmp_path / "runtime").mkdir(exist_ok=True)
            (tmp_path / "runtime" / "jpserver-1.json").write_text(json.dumps(note | changes))
            return note | changes

        yield write
        server.shutdown()


@pytest.mark.parametrize("folder", ["my-lessons", ".a/b c"])
def test_the_root_holds_the_copies_and_the_clone(folder, started, opened):
    assert main(["lessons", "open", "2", "--folder", folder]) == 0
    ((command, token),) = started
    root = next(word.split("=", 1)[1] for word in command if word.startswith("--ServerApp.root_dir="))
    copy = (Path(folder) / "02_linear.ipynb").resolve()
    assert copy.is_relative_to(root)
    assert Path(jupyter_lab.__file__).is_relative_to(root)
    assert token.startswith(jupyter_lab.OURS)
    assert token not in " ".join(command)  # everybody on this machine sees a command
    assert opened[0].endswith(f"02_linear.ipynb?token={token}")


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_and_told(user, allowed, started, opened, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert main(["lessons", "open", "0"]) == 0
    assert ("--allow-root" in started[0][0]) == allowed
    assert ("you are root" in capsys.readouterr().out) == allowed


def test_in_a_container_the_way_out_is_told(started, opened, monkeypatch, capsys):
    monkeypatch.setattr(jupyter_lab, "_in_container", lambda: True)
    main(["lessons", "open", "0"])
    assert "add --host 0.0.0.0" in capsys.readouterr().out
    main(["lessons", "open", "0", "--host", "0.0.0.0", "--port", "0", "--no-browser"])
    assert "--ip=0.0.0.0" in started[1][0]
    assert "http://127.0.0.1:" in (out := capsys.readouterr().out)
    assert "add --host" not in out
    assert len(opened) == 1


def test_a_token_of_ones_own_is_kept(started, opened, monkeypatch):
    monkeypatch.setenv("JUPYTER_TOKEN", "mine")
    main(["lessons", "open", "0"])
    assert started[0][1] == "mine"


def test_a_second_lesson_opens_in_the_same_jupyterlab(running, opened, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(jupyter_lab, "_serve", lambda *_: pytest.fail("a second server"))
    note = running()
    assert main(["lessons", "open", "1"]) == 0
    place = (tmp_path / "my-lessons" / "01_patches.ipynb").resolve()
    assert opened == [f"http://127.0.0.1:{note['port']}/lab/tree{place.as_posix()}?token={note['token']}"]
    assert "runs already" in capsys.readouterr().out
    assert main(["lessons", "open", "1", "--port", str(note["port"]), "--no-browser"]) == 0
    assert len(opened) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "of somebody else"},  # perhaps of an environment without tinyvit
        {"root_dir": str(Path(__file__).parent)},  # which does not show the copies
        {"port": 1},  # which does not answer
        {"pid": 2**22 + 1},  # which has ended
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_servers_are_left_alone(changes, running, monkeypatch):
    served = []
    monkeypatch.setattr(jupyter_lab, "_serve", lambda *given: served.append(given) or 0)
    running(**changes)
    assert main(["lessons", "open", "1"]) == 0
    assert len(served) == 1


def test_a_port_that_is_taken_and_the_next_free_one(monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["lessons", "open", "1", "--port", str(port)]) == 2
        assert f"port {port} cannot be used" in (err := capsys.readouterr().err)
        assert err.count("\n") == 1
        monkeypatch.setattr(jupyter_lab, "PORT", port)
        assert jupyter_lab._free_port("127.0.0.1", None) > port


def test_a_server_that_does_not_start_is_a_sentence(started, monkeypatch, capsys):
    monkeypatch.setattr(jupyter_lab, "_answers", lambda server: False)
    assert main(["lessons", "open", "0"]) == 2
    assert "JupyterLab did not start" in capsys.readouterr().err


def test_without_a_browser_the_address_is_enough(started, monkeypatch, capsys):
    monkeypatch.setattr(jupyter_lab, "opens", lambda address: False)
    assert main(["lessons", "open", "0"]) == 0
    assert "no browser could be opened here" in capsys.readouterr().err
