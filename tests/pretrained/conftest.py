"""A hub on this machine, which answers as huggingface.co does and can be told to misbehave."""

import contextlib
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "c0ffee" * 6 + "1234"


class Handler(BaseHTTPRequestHandler):
    """Small files come at once, with git's checksum; weights from another server, with their SHA-256 on the way there."""

    def log_message(self, *_args):
        pass

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def do_GET(self):
        hub, asked = self.server.hub, self.headers.get("Range")
        hub.requests.append((self.path, asked))
        if self.server is hub.store:
            self.send(hub.files[self.path.rpartition("/")[2]], {"ETag": f'"{"0" * 64}"'})  # not of the content
            return
        _, owner, name, _, revision, file = self.path.split("/")
        where = {"X-Repo-Commit": hub.commit, **hub.headers}
        if file in hub.refusals:
            status, code = hub.refusals[file]
            self.head(status, {"X-Error-Code": code, "Content-Length": 0})
        elif f"{owner}/{name}" != hub.name:
            self.head(401, {"X-Error-Code": "RepoNotFound", "Content-Length": 0})
        elif revision not in hub.revisions:
            self.head(404, {"X-Error-Code": "RevisionNotFound", "Content-Length": 0})
        elif file not in hub.files:
            self.head(404, {"X-Error-Code": "EntryNotFound", "Content-Length": 0})
        elif file.endswith(".json"):
            self.send(hub.files[file], where | {"ETag": hub.etag(file)})
        else:
            place = {"Location": hub.redirect or f"{hub.store.url}/{file}", "Content-Length": 0}
            self.head(302, where | place | {"X-Linked-ETag": hub.etag(file)})

    def send(self, content, headers):
        hub, asked = self.server.hub, self.headers.get("Range")
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and hub.honours_range else 0
        if start >= len(content):
            return self.head(416, {"Content-Length": 0})
        ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        self.head(206 if start else 200, headers | ranged | {"Content-Length": len(content) - start})
        with contextlib.suppress(OSError):  # a client may go away
            self.wfile.write(content[start : start + hub.cut] if hub.cut else content[start:])
        return None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.url = hub, f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Hub:
    """What is served, and how: `files` by name, of the model `name`."""

    def __init__(self):
        self.name, self.commit, self.revisions = "owner/a-model", COMMIT, {"main", COMMIT}
        self.files, self.etags, self.refusals, self.headers, self.requests = {}, {}, {}, {}, []
        self.redirect, self.cut, self.honours_range = "", 0, True
        self.front, self.store = Server(self), Server(self)

    def etag(self, file):
        content = self.files[file]
        if file in self.etags:
            return self.etags[file]
        if file.endswith(".json"):
            return f'W/"{hashlib.sha1(b"blob %d" % len(content) + bytes(1) + content).hexdigest()}"'
        return f'"{hashlib.sha256(content).hexdigest()}"'

    def asked(self):
        """The files that were asked for, in order, and from which byte on."""
        return [
            (path.rpartition("/")[2], int(asked[6:-1]) if asked else 0)
            for path, asked in self.requests
            if "resolve" in path
        ]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path / "cache"))
    hub = Hub()
    monkeypatch.setenv("HF_ENDPOINT", hub.front.url + "/")
    yield hub
    for server in (hub.front, hub.store):
        server.shutdown()
        server.server_close()
