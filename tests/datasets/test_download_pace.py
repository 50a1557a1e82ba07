"""Servers that keep a client waiting: each is given up after the longest silence, and if its body comes too slowly."""

import hashlib
import itertools
import socket
import threading
import time

import pytest

from tinyvit import UserError
from tinyvit.datasets import download

TIMEOUT = 0.25  # seconds
HEADER = b"HTTP/1.1 200 OK\r\n"
SLOW = 0.02  # seconds between two pieces


@pytest.fixture
def server(monkeypatch):
    """Serves, once, the pieces that it is given, one by one; returns its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve(pieces):
        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for piece in itertools.takewhile(lambda _: not done.is_set(), pieces):
                    try:
                        connection.sendall(piece)
                    except OSError:  # the client has gone
                        return

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/file"

    yield serve
    done.set()
    listener.close()


def slowly(pieces):
    for piece in pieces:
        time.sleep(SLOW)
        yield piece


def fetch(url, destination, content=b""):
    sha256 = hashlib.sha256(content).hexdigest()
    return download.download([url], destination, sha256=sha256, max_bytes=10**6, timeout=TIMEOUT).read_bytes()


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((piece for piece in [HEADER] if not time.sleep(2 * TIMEOUT)), "less than"),
        (slowly(itertools.chain([HEADER + b"Content-Length: 1000\r\n\r\n"], itertools.repeat(b"a"))), "less than"),
        (slowly(itertools.chain([HEADER + b"\r\n"], itertools.repeat(b"aa"))), "less than"),
        (
            slowly(itertools.chain([HEADER + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\na\r\n"))),
            "less than",
        ),
        (itertools.chain([HEADER + b"\r\n"], itertools.repeat(b"a" * 65536)), "more than the 1000000 bytes"),
    ],
    ids=["silence", "body", "body without a length", "chunks", "endless"],
)
def test_a_server_that_never_comes_to_an_end_is_given_up(server, tmp_path, pieces, reason):
    with pytest.raises(UserError, match=reason):
        fetch(server(pieces), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_slow_connection_that_delivers_is_waited_for(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MIN_BYTES", 2)
    pieces = [HEADER + b"Content-Length: 40\r\n\r\n", *[b"ab"] * 20]
    assert fetch(server(slowly(pieces)), tmp_path / "file", b"ab" * 20) == b"ab" * 20
