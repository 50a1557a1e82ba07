"""The server of the page: on this machine alone, by the standard library."""

import contextlib
import os
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import ThreadingHTTPServer
from typing import Any

import numpy as np

from ..errors import UserError, one_line
from .answer import Answer
from .files import page_files
from .handler import Handler
from .query import Query
from .studio import Studio
from .watch import Watch

HOST = "127.0.0.1"  # there is no option for another: from elsewhere, an SSH tunnel leads here
PORT = 8017  # where no other is asked for and this one is free


class PageServer(ThreadingHTTPServer):
    """The page of one model, and of a run that is watched.

    Args:
        port: None: 8017, or any that is free where that is taken.
        note: is told of what no request should lead to.

    Raises:
        UserError: the port is taken, or may not be used.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"  # on Windows it would let two servers share a port

    def __init__(
        self,
        studio: Studio,
        *,
        watch: Watch | None = None,
        port: int | None = None,
        note: Callable[[str], None] = print,
    ):
        self.studio, self.watch, self.note, self.files = studio, watch, note, page_files()
        self._computing, self._reading = threading.Lock(), threading.Lock()
        try:
            super().__init__((HOST, PORT if port is None else port), Handler)
        except (OSError, OverflowError) as error:
            if port is not None:
                raise UserError(
                    f"port {port} cannot be used ({getattr(error, 'strerror', None) or error}): choose another --port, "
                    "or leave it out"
                ) from error
            super().__init__((HOST, 0), Handler)
        self.hosts = frozenset({f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"})

    @property
    def address(self) -> str:
        """Address to open in a browser."""
        return f"http://{HOST}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name, as `HTTPServer` does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def about(self) -> dict[str, Any]:
        """Facts about the model, and whether a run is watched."""
        return self.studio.about() | {"watching": self.watch is not None}

    def route(self, name: str) -> Callable[[Query, bytes], Answer] | None:
        """Function that answers "METHOD name"; None: there is none. One at a time computes, and one reads files."""
        routes = self.studio.routes | (self.watch.routes if self.watch else {})
        if name not in routes:
            return None
        lock = self._reading if name in self.studio.reading else self._computing

        def answer(query: Query, body: bytes) -> Answer:
            with lock, np.errstate(all="ignore"):  # of numbers that overflow the answer tells
                return routes[name](query, body)

        return answer

    def events(self) -> Iterable[dict[str, Any] | None] | None:
        """Events of the run that is watched; None where none is."""
        return self.watch.events() if self.watch else None

    def warm_up(self) -> None:
        """Read what is needed later."""
        with contextlib.suppress(UserError):  # who needs it is told then
            self.studio.warm_up()

    def tell(self, error: BaseException) -> None:
        """Tell in one sentence what no request should lead to; the page goes on."""
        self.note(f"a request failed ({type(error).__name__}: {one_line(error)}), and the page goes on: reload it")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """As `tell`, of a connection; that its other end has gone is no news."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.tell(error)
