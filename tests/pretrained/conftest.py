"""A hub on this machine, which answers as huggingface.co does and can be told to misbehave."""

import contextlib
import hashlib
import importlib
import re
import threading
import time
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "c0ffee" * 6 + "1234"


class Handler(BaseHTTPRequestHandler):
    """Small files come at once, with git's checksum; weights from another server, with their SHA-256 on the way there."""

    def log_message(self, *_args):
        pass

    def head(self, status, headers):
        self.send_response(status)
        for name in headers.keys() - self.server.hub.hidden:
            self.send_header(name, str(headers[name]))
        self.end_headers()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        hub = self.server.hub
        if self.path.startswith("/api/"):  # the library looks around, once a day
            self.head(404, {"Content-Length": 0})
            return
        hub.requests.append((self.command, self.path, self.headers.get("Range")))
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
            self.head(404, where | {"X-Error-Code": "EntryNotFound", "Content-Length": 0})
        elif file.endswith(".json"):
            self.send(hub.files[file], where | {"ETag": hub.etag(file)})
        else:
            place = {"Location": hub.redirect or f"{hub.store.url}/{file}", "Content-Length": 0}
            self.head(302, where | place | {"X-Linked-ETag": hub.etag(file), "X-Linked-Size": len(hub.files[file])})

    def send(self, content, headers):
        hub, asked = self.server.hub, self.headers.get("Range")
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and hub.honours_range else 0
        if start >= len(content):
            return self.head(416, {"Content-Length": 0})
        ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        self.head(206 if start else 200, headers | ranged | {"Content-Length": len(content) - start})
        if self.command == "HEAD":
            return None
        sent = content[start:]
        if hub.cut_always and self.server is hub.store:
            sent = b""
        elif hub.cut and hub.cuts and self.server is hub.store:
            sent, hub.cuts = sent[: hub.cut], hub.cuts - 1
        with contextlib.suppress(OSError):  # a client may go away
            self.wfile.write(sent)
        return None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub, host):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.url = hub, f"http://{host}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Hub:
    """What is served, and how: `files` by name, of the model `name`."""

    def __init__(self):
        self.name, self.commit, self.revisions = "owner/a-model", COMMIT, {"main", COMMIT}
        self.files, self.etags, self.refusals, self.headers, self.requests = {}, {}, {}, {}, []
        self.redirect, self.cut, self.honours_range = "", 0, True
        self.cut_always, self.cuts, self.hidden = False, 10**9, set()
        self.front, self.store = Server(self, "127.0.0.1"), Server(self, "localhost")  # hosts of two names

    def etag(self, file):
        content = self.files[file]
        if file in self.etags:
            return self.etags[file]
        if file.endswith(".json"):
            return f'W/"{hashlib.sha1(b"blob %d" % len(content) + bytes(1) + content).hexdigest()}"'
        return f'"{hashlib.sha256(content).hexdigest()}"'

    def asked(self):
        """The files whose bytes were asked for, in order, and from which byte on."""
        return [
            (path.rpartition("/")[2], int(asked.split("=")[1].split("-")[0]) if asked else 0)
            for command, path, asked in self.requests
            if command == "GET"
        ]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Stands where huggingface_hub looks for huggingface.co; that reads its environment once, when it is imported."""
    library = pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    file_download = importlib.import_module("huggingface_hub.file_download")
    http = importlib.import_module("huggingface_hub.utils._http")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path / "cache"))
    for module in (file_download, http):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(**vars(time) | {"sleep": lambda _: None}))
    hub = Hub()

    def settings(endpoint=hub.front.url, *, offline=False):
        for name, value in {
            "ENDPOINT": endpoint,
            "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": offline,
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": True,
        }.items():
            monkeypatch.setattr(library.constants, name, value)

    hub.settings = settings
    settings()
    yield hub
    for server in (hub.front, hub.store):
        server.shutdown()
        server.server_close()
