"""A page of the shipped model, served to the tests."""

import http.client
import json
import threading
from pathlib import Path

import pytest
from safetensors.numpy import load

from tinyvit.page import PageServer, open_studio

SHIPPED = Path(__file__).parents[2] / "data" / "mnist-vit"


class Asker:
    """Asks a server as the page does; `headers` replace those of a browser, and None leaves one out."""

    def __init__(self, server):
        self.server, self.port = server, server.server_port
        self.own = f"127.0.0.1:{self.port}"

    def __call__(self, method, path, body=None, **headers):
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"Host": self.own, "Sec-Fetch-Site": "same-origin"}
        if body is not None:
            given["Content-Length"] = str(len(body))
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        try:
            if body:
                connection.send(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def arrays(self, method, path, body=None):
        """Arrays and metadata of an answer."""
        status, _, content = self(method, path, body)
        assert status == 200, content
        return load(content), metadata_of(content)

    def sentence(self, method, path, body=None, **headers):
        """Status and sentence of a refusal."""
        status, fields, content = self(method, path, body, **headers)
        assert status >= 400
        assert fields["Content-Type"] == "application/json"
        return status, json.loads(content)["error"]


def metadata_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


def serve(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    return Asker(server)


@pytest.fixture
def open_page():
    """Serves the page of a studio, for the length of a test."""
    servers = []

    def opened(studio, **options):
        servers.append(PageServer(studio, port=0, **options))
        return serve(servers[-1])

    yield opened
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def studio():
    return open_studio(SHIPPED)


@pytest.fixture
def page(studio, open_page):
    return open_page(studio)
