"""One request: who may ask, what is refused, and in which words.

The page is for the person at this machine, so a request is answered only if it comes from the page itself: the Host is
the server's own (a foreign page could point its own name at this address: DNS rebinding), and Origin and Sec-Fetch-Site
name no other place (a foreign page could make this machine compute). No CORS header is ever sent. Files come from a
fixed table. A request has a limit of size and of time, and whatever is wrong with it is one sentence in JSON.
"""

import json
import socket
import time
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from ..errors import UserError, one_line
from .files import TYPES
from .query import Query

MAX_BODY = 32 * 2**20  # bytes: of an image file
MAX_CHUNK = 2**16
PATIENCE = 10.0  # seconds for a body to arrive
IDLE = 60.0  # seconds that a connection may wait for its next request
LINGER = 1.0  # seconds for what was sent to a request that was refused
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Refused(Exception):
    """The request is refused, with a status and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str):
        super().__init__(sentence)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Answers from `self.server`, a `PageServer`."""

    protocol_version = "HTTP/1.1"  # the connection stays open between strokes
    disable_nagle_algorithm = True  # else the head and the body of an answer wait for each other: 40 ms
    wbufsize = -1
    timeout = IDLE
    server_version, sys_version = "tinyvit", ""
    server: Any

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            self._check_origin()
            body = self._body() if self.command == "POST" else b""
            self._route(body)
        except Refused as refusal:
            self._refuse(refusal.status, str(refusal))
        except UserError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except MemoryError:
            self._refuse(HTTPStatus.BAD_REQUEST, "there is not enough memory for that: take a smaller image or model")
        except (ConnectionError, TimeoutError):  # the reader has gone
            self.close_connection = True
        except Exception as error:
            self.server.tell(error)
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"this failed ({type(error).__name__}): reload the page")

    def _route(self, body: bytes) -> None:
        asked, _, query = self.path.partition("?")
        page, name = self.server, asked.removeprefix("/")
        if self.command == "GET" and asked in page.files:
            path = page.files[asked]
            self._send(path.read_bytes(), TYPES[path.suffix])
        elif self.command == "GET" and name == "about":
            self._send(json.dumps(page.about()).encode(), "application/json")
        elif self.command == "GET" and name == "events":
            self._stream(page.events())
        else:
            answer = page.route(f"{self.command} {name}")
            if answer is None:
                raise Refused(HTTPStatus.NOT_FOUND, "there is no such page: open the address that tinyvit look printed")
            self._send(answer(Query(query), body).to_bytes())

    def _check_origin(self) -> None:
        """Only a page that came from here may ask; a link elsewhere may lead to the page itself."""
        hosts = [host.lower() for host in self.headers.get_all("Host", [])]
        if len(hosts) != 1 or hosts[0] not in self.server.hosts:
            raise Refused(HTTPStatus.FORBIDDEN, "this page answers by its own address alone: open the one printed")
        origin = self.headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{host}" for host in self.server.hosts}:
            raise Refused(HTTPStatus.FORBIDDEN, "other pages may not ask: open the address that tinyvit look printed")
        navigates = self.path == "/" and self.headers.get("Sec-Fetch-Mode") == "navigate"
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not navigates:
            raise Refused(HTTPStatus.FORBIDDEN, "other pages may not ask: open the address that tinyvit look printed")

    def _body(self) -> bytes:
        given = self.headers.get("Content-Length", "")
        if not (given.isascii() and given.isdecimal() and len(given) < 12):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "the length of what is sent must be said first: Content-Length")
        if int(given) > MAX_BODY:
            sentence = f"at most {MAX_BODY >> 20} MiB are read, got {int(given):,} bytes: make the image smaller first"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        parts, left, end = [], int(given), time.monotonic() + PATIENCE
        try:
            while left:
                self.connection.settimeout(max(0.01, end - time.monotonic()))
                part = self.rfile.read1(min(left, MAX_CHUNK))
                if not part:
                    raise Refused(HTTPStatus.BAD_REQUEST, "less was sent than its Content-Length says: send it again")
                parts.append(part)
                left -= len(part)
        except TimeoutError:
            sentence = f"it took more than {PATIENCE:.0f} seconds to arrive: send it again"
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, sentence) from None
        finally:
            self.connection.settimeout(IDLE)
        return b"".join(parts)

    def _send(self, body: bytes, kind: str = "application/octet-stream", status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | HEADERS).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _stream(self, events: Iterable[dict[str, Any] | None] | None) -> None:
        """Server-sent events; None is a comment that shows that the line still stands."""
        if events is None:
            raise Refused(HTTPStatus.NOT_FOUND, "no run is watched: start with tinyvit look --watch RUN")
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        for name, value in ({"Content-Type": "text/event-stream", "Connection": "close"} | HEADERS).items():
            self.send_header(name, value)
        self.end_headers()
        for event in events:
            self.wfile.write(b": still here\n\n" if event is None else b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.flush()

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Refuse in a sentence, and close. What was sent is thrown away for a moment: a connection that is closed
        before it was read is reset, and the sentence would be lost.
        """
        self.close_connection = True
        try:
            self._send(json.dumps({"error": sentence}).encode(), "application/json", status)
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER)
            end = time.monotonic() + LINGER
            while self.connection.recv(MAX_CHUNK) and time.monotonic() < end:
                pass
        except OSError:
            return

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request, or a method other than GET and POST."""
        sentence = f"that is no request of the page ({one_line(message or HTTPStatus(code).phrase, 80)}): reload it"
        self._refuse(HTTPStatus(code), sentence)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a page that asks with every stroke is not worth a line each."""
