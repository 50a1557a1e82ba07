"""A page of the shipped model, served to the tests."""

import http.client
import json
import shutil
import threading
from pathlib import Path

import pytest
from safetensors.numpy import load

from tinyvit.page import PageServer, open_studio

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
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


def settled(tab, action):
    """Do something that asks for a new answer, and wait until it is drawn."""
    before = tab.get_attribute("body", "data-drawn")
    action()
    tab.wait_for_selector(f'body[data-drawn]:not([data-drawn="{before}"])')


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


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET.split(), "--no-first-run"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Opens a page anew; whatever its console complains of, or asks of other hosts, fails the test at its end."""
    contexts, complaints = [], []

    def visits(page, width=1240, height=900, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda asked: complaints.append(asked.url) if page.own not in asked.url else None)
        tab.goto(f"http://{page.own}/")
        tab.wait_for_selector("body[data-drawn]")
        return tab

    yield visits
    for context in contexts:
        context.close()
    assert complaints == []
