"""`tinyvit look` opens a page, says where it is, and ends well; what it cannot do is a sentence."""

import http.client
import json
import re
import signal
import socket
import subprocess
import webbrowser

import pytest

from tests.cli.conftest import SCRIPT
from tests.cli.test_look import SHIPPED
from tinyvit.cli import browser


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_page_from_its_first_line_to_its_last(end, tmp_path):
    command = [SCRIPT, "look", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as page:
        line = page.stdout.readline()
        port = int(re.search(r"mnist-vit is at http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)$", line)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/about")
        assert json.loads(connection.getresponse().read())["name"] == "mnist-vit"
        page.send_signal(end)
        out, err = page.communicate(timeout=60)
    assert (page.returncode, out, err) == (0, "the page is closed\n", "")


def test_a_port_that_is_taken(tinyvit):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = tinyvit("look", "--no-browser", "--port", port)
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["-1", "65536", "many", "1e3", ""])
def test_a_port_that_is_none(port, tinyvit):
    done = tinyvit("look", f"--port={port}")
    assert done.returncode == 2
    assert "it must be a port" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere"),
        (["--watch", "nowhere"], "no run folder"),
        (["--watch", SHIPPED], "no run folder"),
    ],
)
def test_what_cannot_be_opened(arguments, sentence, tinyvit):
    done = tinyvit("look", "--no-browser", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_clone_and_no_model(tinyvit, monkeypatch, tmp_path):
    monkeypatch.setattr("tinyvit.evaluation.judge.SHIPPED", tmp_path / "gone")
    done = tinyvit("look", "--no-browser")
    assert done.returncode == 2
    assert "tinyvit look MODEL" in done.stderr


class Fails(webbrowser.GenericBrowser):
    def open(self, *_, **__):
        raise AssertionError("it would take the terminal")


def test_no_browser_here(monkeypatch):
    """None at all, one for the terminal, and one that does not start."""

    def none():
        raise webbrowser.Error("could not locate runnable browser")

    never = webbrowser.BackgroundBrowser("tinyvit-no-such-browser")
    for get in (none, lambda: Fails("lynx"), lambda: never):
        monkeypatch.setattr(webbrowser, "get", get)
        assert not browser.opens("http://127.0.0.1:1/")


def test_a_browser_is_given_the_address(monkeypatch):
    opened = []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url, *_):
            opened.append(url)
            return True

    monkeypatch.setattr(webbrowser, "get", Browser)
    assert browser.opens("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]
