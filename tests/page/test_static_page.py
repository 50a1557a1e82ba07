"""The page without Python in a browser: opened from disk and from a server, it answers as Python does, and it learns."""

import functools
import http.server
import json
import threading

import numpy as np
import pytest

from tests.page.conftest import SHIPPED
from tinyvit import VisionTransformer, load_dataset
from tinyvit.datasets import normalize
from tinyvit.page import open_studio
from tinyvit.page.static import write_static

pytestmark = [pytest.mark.slow, pytest.mark.process]
MINUTE = 60_000


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def addresses(browser, tmp_path_factory):
    """The page from disk, and from a server that knows nothing of it."""
    folder = tmp_path_factory.mktemp("static") / "page"
    write_static(open_studio(SHIPPED), folder)
    handler = functools.partial(Silent, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "from disk": (folder / "index.html").as_uri(),
            "from a server": f"http://127.0.0.1:{server.server_port}/",
        }
        server.shutdown()


@pytest.fixture
def opened(browser, addresses):
    """Opens the page; whatever its console complains of, or asks of other places, fails the test at its end."""
    tabs, complaints = [], []

    def opens(where):
        tabs.append(tab := browser.new_page(viewport={"width": 1240, "height": 900}, accept_downloads=True))
        own = (addresses[where].removesuffix("index.html"), "blob:", "data:")
        tab.set_default_timeout(MINUTE)
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda asked: None if asked.url.startswith(own) else complaints.append(asked.url))
        tab.on("requestfailed", lambda asked: complaints.append(asked.url))
        tab.goto(addresses[where])
        tab.wait_for_selector("body[data-drawn]")
        return tab

    yield opens
    for tab in tabs:
        tab.close()
    assert complaints == []


@pytest.mark.parametrize("where", ["from disk", "from a server"])
def test_it_answers_wherever_it_is_opened(opened, where):
    tab = opened(where)
    assert tab.inner_text("#engine").startswith("your browser")
    assert tab.locator(".model-picture svg").count() == 3
    assert tab.get_attribute(".model-picture", "aria-label").endswith("Marked: block 4, head 1.")
    assert tab.locator(".cell .peak:has-text('%')").count() == 4 * 5  # not of "alike"
    assert tab.locator(".legend").count() == 5
    examples = tab.locator("#examples button")
    assert examples.count() == 14
    for index, digit in ((3, "3"), (9, "9")):
        before = tab.get_attribute("body", "data-drawn")
        examples.nth(index).click()
        tab.wait_for_selector(f'body[data-drawn]:not([data-drawn="{before}"])')
        assert tab.inner_text("#says").startswith(f"It says {digit}")
    assert tab.locator("#trouble").is_hidden()


@pytest.mark.parametrize("where", ["from disk", "from a server"])
def test_it_learns_and_what_it_learned_is_shown_and_saved(opened, where, tmp_path):
    tab = opened(where)
    begin, anew, show, save, _ = tab.locator("#learning-body button").all()
    assert all(button.is_disabled() for button in (anew, show, save))
    begin.click()
    tab.wait_for_selector("#learning-body .line.first")  # the curve of its losses
    assert tab.locator("#learning-body .digits canvas").count() == 6
    begin.click()  # pause
    tab.wait_for_selector('#learning-body button:has-text("Go on")')
    loaded = []
    tab.on("download", lambda download: loaded.append(download))
    save.click()
    while len(loaded) < 3:
        tab.wait_for_timeout(200)
    for download in loaded:
        download.save_as(tmp_path / "learned" / download.suggested_filename)
    model = VisionTransformer.from_pretrained(tmp_path / "learned")
    assert json.loads((tmp_path / "learned" / "config.json").read_text())["depth"] == model.config.depth == 3
    test = load_dataset("mnist").test
    right = model.predict(normalize(test.images[:500], 0.1307, 0.3081)).argmax(axis=1) == test.labels[:500]
    assert np.isfinite(model.head.weight).all()
    assert 0 <= right.mean() <= 1
    with tab.expect_navigation():  # the page opens anew
        show.click()
    tab.wait_for_selector("body[data-drawn]")
    assert "learned in this page" in tab.inner_text("#model")
    assert "3 blocks" in tab.inner_text("#model")
    with tab.expect_navigation():
        tab.get_by_role("button", name="Back to the first model").click()
    tab.wait_for_selector("body[data-drawn]")
    assert "mnist-vit" in tab.inner_text("#model")
