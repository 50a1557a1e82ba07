"""A folder served to a headless Chromium, which says where a page asks another host for something, or fails."""

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def chromium():
    """A browser; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra 'browser'")
    if CHROMIUM is None:
        pytest.skip("needs a Chromium")
    with playwright.sync_playwright() as chrome:
        browser = chrome.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def served(folder):
    """The address of a server of `folder`."""
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@contextmanager
def visiting(browser, address, *, pictures=None, may_lack="\0"):
    """Opens pages. Another host, a file that is not there (but for `may_lack`), a script's error: all fail the test.

    `pictures`, if given, is the beginning of the names of screenshots.
    """
    trouble, pages = [], []

    def visit(path, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        context.on(
            "request", lambda asked: asked.url.startswith((address, "data:", "blob:")) or trouble.append(asked.url)
        )
        context.on(
            "response", lambda got: got.status < 400 or may_lack in got.url or trouble.append(f"{got.status} {got.url}")
        )
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(address + path)
        pages.append(page)
        return page

    yield visit
    for index, page in enumerate(pages):
        if pictures:
            page.screenshot(path=f"{pictures}_{index}.png")
        page.context.close()
    assert not trouble
