"""Who may not ask, and what is not answered: each a status and one sentence, never a traceback."""

import http.client
import socket

import pytest

from tinyvit import UserError
from tinyvit.page import PageServer, handler


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "localhost.:{port}", ""]
)
def test_a_host_that_is_not_ours(page, host):
    """A foreign name that was made to point here (DNS rebinding), and a request without any."""
    for method, path, body in (("GET", "/about", None), ("GET", "/", None), ("POST", "/look", b"x")):
        status, sentence = page.sentence(method, path, body, Host=host.format(port=page.port))
        assert (status, "own address" in sentence) == (403, True)
    assert page.sentence("GET", "/about", Host=None)[0] in (400, 403)


def test_two_hosts(page):
    """Whoever reads the other one of them would take it for a page of his own."""
    head = f"GET /about HTTP/1.1\r\nHost: {page.own}\r\nHost: evil.example\r\n\r\n"
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_a_host_that_is_ours(page, host):
    assert page("GET", "/about", Host=host.format(port=page.port))[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", ""]
)
def test_an_origin_that_is_not_ours(page, origin):
    status, sentence = page.sentence("POST", "/look", bytes(784), Origin=origin.format(port=page.port))
    assert (status, "other pages" in sentence) == (403, True)


def test_an_origin_that_is_ours(page):
    for host in ("127.0.0.1", "localhost"):
        assert page("POST", "/look", bytes(784), Origin=f"http://{host}:{page.port}")[0] == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_request_from_another_site(page, site):
    for method, path, body in (("GET", "/about", None), ("POST", "/look", bytes(784)), ("GET", "/page.js", None)):
        assert page.sentence(method, path, body, Sec_Fetch_Site=site)[0] == 403
    assert page("GET", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 200  # a link to the page itself
    assert page.sentence("GET", "/about", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 403


def test_no_browser_at_all_may_ask_too(page):
    """A script of the person at this machine sends none of these headers."""
    assert page("GET", "/about", Sec_Fetch_Site=None)[0] == 200


@pytest.mark.parametrize("path", ["/", "/index.html", "/about", "/nothing"])
def test_headers_of_every_answer(page, path):
    _, headers, _ = page("GET", path)
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    for part in ("frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "object-src 'none'"):
        assert part in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py", "/..%2fserver.py", "/%2e%2e/server.py", "//etc/passwd", "/web/index.html", "/server.py", "/.",
        "http://127.0.0.1/about", "http://[/about", "/about#", "/index.html/", "/INDEX.HTML", "/\\index.html", "/index.html%00", "/~", "/look", "/events", "/about/",
    ],
)  # fmt: skip
def test_paths_that_are_none(page, path):
    status, sentence = page.sentence("GET", path)
    assert status == 404
    assert "no such page" in sentence or "no run is watched" in sentence


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "HEAD", "DELETE", "TRACE", "PATCH", "CONNECT", "LOOK"])
def test_methods_that_are_none(page, method):
    status, headers, _ = page(method, "/about")
    assert status == 501
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("length", [None, "-1", "many", "1e3", "+5", "٣", "9" * 13])
def test_a_length_that_is_none(page, length):
    given = None if length is None else length.encode().decode("latin1")
    status, sentence = page.sentence("POST", "/look", b"", Content_Length=given)
    assert (status, "Content-Length" in sentence) == (411, True)


def test_too_much(page):
    status, sentence = page.sentence("POST", "/image", bytes(100), Content_Length=str(handler.MAX_BODY + 1))
    assert (status, "at most 32 MiB" in sentence) == (413, True)


def test_less_than_was_said(page):
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
        connection.sendall(
            f"POST /look HTTP/1.1\r\nHost: {page.own}\r\nContent-Length: 784\r\n\r\n".encode() + bytes(3)
        )
        connection.shutdown(socket.SHUT_WR)
        assert b"less was sent" in connection.makefile("rb").read()


def test_a_body_that_does_not_come(page, monkeypatch):
    monkeypatch.setattr(handler, "PATIENCE", 0.1)
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
        connection.sendall(f"POST /look HTTP/1.1\r\nHost: {page.own}\r\nContent-Length: 784\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"seconds to arrive" in answer


@pytest.mark.parametrize("text", [b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_request(page, text):
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
        connection.sendall(text)
        assert b"no request of the page" in connection.makefile("rb").read()


def test_the_connection_stays_open_between_strokes(page):
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    for _ in range(3):
        connection.request("POST", "/look", bytes(784))
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        assert connection.sock is not None
    connection.close()


def test_a_fault_of_ours_is_told_and_the_page_goes_on(studio, open_page, monkeypatch):
    told = []
    page = open_page(studio, note=told.append)
    monkeypatch.setitem(studio.routes, "GET token", lambda query, body: {}["no such"])
    status, sentence = page.sentence("GET", "/token")
    assert (status, "reload" in sentence) == (500, True)
    assert len(told) == 1
    assert "KeyError" in told[0]
    assert page("GET", "/about")[0] == 200


def test_a_port_that_is_taken(page, studio):
    with pytest.raises(UserError, match=f"port {page.port} cannot be used"):
        PageServer(studio, port=page.port)


def test_only_this_machine_is_listened_to(page):
    assert page.server.server_address[0] == "127.0.0.1"
