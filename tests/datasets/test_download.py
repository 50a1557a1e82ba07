"""Downloads from a server on this machine that can be told to misbehave."""

import contextlib
import errno
import hashlib
import re
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets.download import download
from tinyvit.errors import UserError

BODY = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
MAX_BYTES = 1_000_000


class Handler(BaseHTTPRequestHandler):
    """`/<behaviour>` serves BODY in that way; the server notes behaviour and Range of every request."""

    def log_message(self, *_args) -> None:
        pass

    def head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def trickle(self, answer: bytes) -> None:
        """Send an answer byte by byte, each of them before the client's patience ends."""
        with contextlib.suppress(OSError):
            for byte in answer:
                if self.server.released.wait(0.05):
                    return
                self.wfile.write(bytes([byte]))

    def do_GET(self) -> None:
        behaviour = self.path.strip("/")
        asked = self.headers.get("Range")
        self.server.requests.append((behaviour, asked))
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        rest = BODY[start:]
        content_range = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        if behaviour == "404":
            self.head(404, Content_Length="0")
        elif behaviour == "silent":
            self.server.released.wait(10)
        elif behaviour == "slow-headers":
            self.trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + b"x: y\r\n" * 80)
        elif behaviour == "continues":
            self.trickle(b"HTTP/1.1 100 Continue\r\n\r\n" * 20)
        elif behaviour == "garbage":
            self.wfile.write(b"this is \x1b[31mnot HTTP" + b"\a " + b"x" * 60_000 + b"\r\n\r\n")
        elif behaviour == "ignores-range":
            self.head(200, Content_Length=str(len(BODY)))
            self.wfile.write(BODY)
        elif behaviour == "wrong":
            self.head(200, Content_Length="5")
            self.wfile.write(b"wrong")
        elif behaviour == "endless":
            self.head(200)
            try:
                while True:
                    self.server.sent += self.wfile.write(bytes(65536))
            except OSError:
                self.server.hung_up.set()
        elif behaviour == "announces-much":
            self.head(200, Content_Length=str(10**15))
        elif behaviour == "shifted-range":
            self.head(206, Content_Range=f"bytes 7-{len(BODY) - 1}/{len(BODY)}", Content_Length="5")
            self.wfile.write(b"wrong")
        elif start >= len(BODY):
            self.head(416, Content_Range=f"bytes */{len(BODY)}", Content_Length="0")
        else:
            ranged = {"Content_Range": content_range} if asked else {}
            self.head(206 if asked else 200, Content_Length=str(len(rest)), **ranged)
            self.wfile.write(rest[:100_000] if behaviour == "cuts" else rest)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str | None]] = []
        self.released = threading.Event()
        self.hung_up = threading.Event()
        self.sent = 0

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{behaviour}"


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def destination(tmp_path) -> Path:
    return tmp_path / "new folder" / "file.gz"


def fetch(server: Server, destination: Path, *behaviours: str, timeout: float = 5.0) -> Path:
    urls = [server.url(behaviour) for behaviour in behaviours]
    return download(urls, destination, sha256=SHA256, max_bytes=MAX_BYTES, timeout=timeout)


def part_of(destination: Path) -> Path:
    return destination.with_name(destination.name + ".part")


def begin(destination: Path, content: bytes) -> None:
    """Leave `content` behind as an interrupted download would."""
    destination.parent.mkdir(parents=True)
    part_of(destination).write_bytes(content)


def assert_complete(destination: Path) -> None:
    assert destination.read_bytes() == BODY
    assert [path.name for path in destination.parent.iterdir()] == [destination.name]


def refusal(server: Server, destination: Path, *behaviours: str, timeout: float = 5.0) -> str:
    """The sentence that ends a download none of the mirrors could deliver."""
    with pytest.raises(UserError) as caught:
        fetch(server, destination, *behaviours, timeout=timeout)
    sentence = str(caught.value)
    assert str(destination) in sentence
    assert "--data-dir" not in sentence  # bench and doctor have none
    assert "TINYVIT_DATA" in sentence
    assert sentence.isprintable()
    for behaviour in behaviours:
        assert server.url(behaviour) in sentence
    assert not destination.exists()
    return sentence


def test_a_file_arrives(server, destination):
    assert fetch(server, destination, "good") == destination
    assert_complete(destination)
    assert server.requests == [("good", None)]


def test_after_a_cut_connection_the_next_run_goes_on(server, destination):
    assert "cut after 100000 of 300000 bytes" in refusal(server, destination, "cuts")
    assert part_of(destination).read_bytes() == BODY[:100_000]
    fetch(server, destination, "good")
    assert_complete(destination)
    assert server.requests == [("cuts", None), ("good", "bytes=100000-")]


def test_a_cut_connection_is_taken_up_by_the_next_mirror(server, destination):
    fetch(server, destination, "cuts", "cuts", "cuts")
    assert_complete(destination)
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", "bytes=200000-"]


def test_a_server_that_ignores_the_range_sends_all_of_it(server, destination):
    begin(destination, BODY[:1000])
    fetch(server, destination, "ignores-range")
    assert_complete(destination)
    assert server.requests == [("ignores-range", "bytes=1000-")]


def test_a_server_that_sends_another_range_is_left(server, destination):
    begin(destination, BODY[:1000])
    assert "another part" in refusal(server, destination, "shifted-range")
    assert part_of(destination).read_bytes() == BODY[:1000]


def test_a_whole_file_under_its_temporary_name_is_taken(server, destination):
    begin(destination, BODY)
    fetch(server, destination, "good")  # answers 416: there is nothing after the end
    assert_complete(destination)
    assert server.requests == [("good", "bytes=300000-")]


@pytest.mark.parametrize("beginning", [b"stale", b"\0" * 300_000, b"\0" * 400_000])
def test_a_beginning_of_something_else_is_thrown_away(server, destination, beginning):
    begin(destination, beginning)
    fetch(server, destination, "good")
    assert_complete(destination)
    assert server.requests == [("good", f"bytes={len(beginning)}-"), ("good", None)]


def test_after_a_wrong_checksum_the_next_mirror_is_tried(server, destination):
    fetch(server, destination, "wrong", "good")
    assert_complete(destination)
    assert server.requests == [("wrong", None), ("good", None)]


def test_wrong_checksums_alone_leave_nothing(server, destination):
    assert "wrong checksum" in refusal(server, destination, "wrong")
    assert not part_of(destination).exists()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("404", "HTTP 404 Not Found"),
        ("garbage", r"\(this is \[31mnot HTTP x{100,200}\)"),
        ("silent", "timed out|sent less than"),
        ("slow-headers", "sent less than 4096 bytes in 0.2 seconds"),
        ("continues", "sent less than 4096 bytes in 0.2 seconds"),
    ],
)
def test_a_failing_mirror_is_named_and_the_next_one_tried(server, destination, behaviour, reason):
    assert re.search(reason, refusal(server, destination, behaviour, timeout=0.2))
    fetch(server, destination, behaviour, "good", timeout=0.2)
    assert_complete(destination)


def test_an_endless_body_is_cut_off(server, destination):
    assert "more than the 1000000 bytes allowed" in refusal(server, destination, "endless")
    assert server.hung_up.wait(10)
    assert server.sent < 15 * MAX_BYTES, "more was read than the system's socket buffers can explain"
    assert not part_of(destination).exists()


def test_an_announced_giant_is_not_begun(server, destination):
    assert f"announces {10**15} bytes" in refusal(server, destination, "announces-much")
    assert not part_of(destination).exists()


def test_without_a_network_every_mirror_is_named(server, destination):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}/a", f"http://127.0.0.1:{port}/b"]
    with pytest.raises(UserError, match=r"/a \(.*\) or .*/b \(.*\): .*TINYVIT_DATA"):
        download(urls, destination, sha256=SHA256, max_bytes=MAX_BYTES)


class FailingFile:
    """A file that takes one chunk and then fails as `error` says."""

    def __init__(self, file, error: BaseException) -> None:
        self.file, self.error, self.chunks = file, error, 0

    def __enter__(self):
        return self

    def __exit__(self, *_args) -> None:
        self.file.close()

    def write(self, chunk: bytes) -> int:
        self.chunks += 1
        if self.chunks > 1:
            raise self.error
        return self.file.write(chunk)


def fail_while_writing(monkeypatch, error: BaseException) -> None:
    real_open = Path.open

    def failing_open(path, mode="r", *args):
        file = real_open(path, mode, *args)
        return FailingFile(file, error) if mode in ("wb", "ab") else file

    monkeypatch.setattr(Path, "open", failing_open)


def test_a_full_disk_is_one_sentence_and_leaves_a_beginning(server, destination, monkeypatch):
    with monkeypatch.context() as patch:
        fail_while_writing(patch, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(UserError, match=r"file\.gz could not be written \(No space left.*free some space"):
            fetch(server, destination, "good", "good")
    assert len(server.requests) == 1, "another mirror does not make the disk larger"
    begun = part_of(destination).read_bytes()
    assert begun == BODY[: len(begun)] != b""
    fetch(server, destination, "good")
    assert_complete(destination)


def test_an_interrupt_goes_through_and_leaves_a_beginning(server, destination, monkeypatch):
    with monkeypatch.context() as patch:
        fail_while_writing(patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            fetch(server, destination, "good")
    begun = part_of(destination).read_bytes()
    assert begun == BODY[: len(begun)] != b""
    fetch(server, destination, "good")
    assert_complete(destination)
    assert server.requests[1] == ("good", f"bytes={len(begun)}-")


def test_a_folder_that_cannot_be_made_is_one_sentence(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"could not be written.*TINYVIT_CACHE"):
        fetch(server, tmp_path / "file" / "mnist" / "train.gz", "good")
    assert server.requests == []


@pytest.mark.parametrize("on_terminal", [True, False])
def test_the_bar_is_drawn_on_a_terminal_only(server, destination, monkeypatch, capsys, on_terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: on_terminal)
    fetch(server, destination, "good")
    assert ("file.gz" in capsys.readouterr().err) == on_terminal


def test_several_processes_that_want_one_file_fetch_it_once(server, destination):
    """Threads stand for processes: a lock tells them apart, too."""
    got, begin = [], threading.Barrier(4)

    def fetch():
        begin.wait()
        got.append(download([server.url("works")], destination, sha256=SHA256, max_bytes=MAX_BYTES))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [destination] * 4
    assert destination.read_bytes() == BODY
    assert len(server.requests) == 1
    assert [path.name for path in destination.parent.iterdir()] == [destination.name]
