"""Connections that end when a server is too slow, or never comes to the point; urllib only minds full silence."""

import http.client
import io
import socket
import time
import urllib.request
from typing import Any

LEAST_BYTES = 4096  # that must come within each timeout, or else nobody waits any longer
MOST_HEADER = 2**20  # bytes before the first one of the body


class PacedReader(io.RawIOBase):
    """What a socket delivers, as long as it delivers enough.

    Raises:
        TimeoutError: it is silent for the socket's timeout, or sends less than `LEAST_BYTES` in that time.
        ValueError: there is no end of the header.
    """

    def __init__(self, raw: io.RawIOBase, timeout: float | None):
        self.raw, self.timeout = raw, timeout
        self.in_header, self.header_bytes = True, 0
        self.since, self.received = time.monotonic(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count: int | None = self.raw.readinto(buffer)
        self.received += count or 0
        self.header_bytes += (count or 0) if self.in_header else 0
        if self.header_bytes > MOST_HEADER:
            raise ValueError(f"its answer begins with more than {MOST_HEADER} bytes of headers")
        now = time.monotonic()
        if self.timeout is not None and now - self.since > self.timeout:
            if count and self.received < LEAST_BYTES:
                raise TimeoutError
            self.since, self.received = now, 0
        return count

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self._paced = PacedReader(sock.makefile("rb", buffering=0), sock.gettimeout())
        self.fp = io.BufferedReader(self._paced)

    def begin(self) -> None:
        super().begin()
        self._paced.in_header = False


class _Connection(http.client.HTTPConnection):
    response_class = _Answer


class _SecureConnection(http.client.HTTPSConnection):
    response_class = _Answer


class PacedHTTP(urllib.request.HTTPHandler):
    """For `urllib.request.build_opener`: http that does not wait for ever."""

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class PacedHTTPS(urllib.request.HTTPSHandler):
    """The same for https; certificates are checked as usual."""

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req, context=self._context)  # type: ignore[attr-defined]
