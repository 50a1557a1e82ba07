"""JupyterLab shows a lesson as it is meant: run in a real browser, with its outputs, formulas and figures.

Needs `python -m pip install playwright` and a Chromium. `TINYVIT_SCREENSHOT=FOLDER` keeps an image of what was seen.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupyterlab", reason="needs the extra 'lessons'")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")]

LESSONS = Path(__file__).parents[2] / "lessons"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab over a folder with the lessons."""
    tmp_path = tmp_path_factory.mktemp("lab")
    shutil.copytree(LESSONS, tmp_path / "lessons", ignore=shutil.ignore_patterns("src", "build.py"))
    settings = tmp_path / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    tracker = {"windowingMode": "none"}  # else only the cells in sight exist
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps(tracker))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token=", "--ip=127.0.0.1"]
    options += [f"--notebook-dir={tmp_path / 'lessons'}", f"--LabApp.user_settings_dir={tmp_path / 'settings'}"]
    options += ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    environment = os.environ | {"TINYVIT_HOME": str(tmp_path / "home")}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=environment, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urlopen(f"{address}/api")
                break
            except URLError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture
def page():
    with playwright.sync_playwright() as chrome:
        browser = chrome.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser.new_page(viewport={"width": 1280, "height": 1000})
        browser.close()


def open_notebook(page, lab, name):
    """Show a notebook, and wait until all of its cells are there; returns its code cells."""
    code = [cell for cell in nbformat.read(LESSONS / name, 4).cells if cell.cell_type == "code"]
    page.goto(f"{lab}/lab/tree/{name}?reset", timeout=60_000)
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    playwright.expect(cells).to_have_count(len(code), timeout=60_000)
    return cells


def run_all(page, cells):
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    prompt = cells.last.locator(".jp-InputPrompt")
    playwright.expect(prompt).to_have_text(re.compile(rf"\[{cells.count()}\]:"), timeout=90_000)


def formulas_are_set(page, name):
    text = "\n".join(cell.source for cell in nbformat.read(LESSONS / name, 4).cells if cell.cell_type == "markdown")
    page.wait_for_timeout(1000)
    assert (page.locator(".jp-MarkdownOutput mjx-container").count() > 0) == ("$" in text)
    assert page.locator("mjx-merror, merror, [data-mjx-error]").count() == 0
    left = [line for line in page.locator(".jp-MarkdownOutput").all_inner_texts() if "$" in line]
    assert not left, left


@pytest.mark.process
@pytest.mark.parametrize("name", [path.stem for path in sorted(LESSONS.glob("*.ipynb"))])
def test_formulas_and_figures_are_shown(lab, page, name):
    open_notebook(page, lab, f"solutions/{name}.ipynb")
    formulas_are_set(page, f"solutions/{name}.ipynb")
    assert page.locator(".jp-OutputArea-output img").count() >= 1


@pytest.mark.process
@pytest.mark.parametrize("folder", ["", "solutions/"], ids=["stubs", "solved"])
def test_a_lesson_runs_in_jupyterlab(lab, page, folder):
    run_all(page, open_notebook(page, lab, f"{folder}05_layer_norm.ipynb"))
    text = "\n".join(page.locator(".jp-OutputArea-output").all_inner_texts())
    assert ("5.2, layer_norm_backward: passed" if folder else "nothing written yet") in text
    assert "Traceback" not in text
    assert page.locator(".jp-OutputArea-output img").count() >= 2
    if pictures := os.environ.get("TINYVIT_SCREENSHOT"):
        for index, place in enumerate(page.locator(".jp-Notebook .jp-Cell").all()[::6]):
            place.scroll_into_view_if_needed()
            page.screenshot(path=f"{pictures}/{folder.strip('/') or 'stubs'}_{index}.png")


@pytest.mark.process
@pytest.mark.parametrize("name", ["00_start_here", "07_attention"])
def test_a_picture_follows_the_hand(lab, page, name):
    run_all(page, open_notebook(page, lab, f"{name}.ipynb"))
    canvas, picture = page.locator(".jp-OutputArea canvas"), page.locator(".jp-OutputArea img[src^='blob:']")
    picture.scroll_into_view_if_needed()
    hands = [lambda: drag(page, canvas, (0.3, 0.5), (0.7, 0.5))]
    if name == "07_attention":
        hands = [
            lambda: page.get_by_label("temperature").fill("2.5"),
            lambda: drag(page, picture, (0.2, 0.8), (0.3, 0.6)),
            lambda: page.keyboard.press("ArrowLeft"),
        ]
    for number, move in enumerate(hands):
        before = picture.get_attribute("src")
        move()
        page.wait_for_function("src => !document.querySelector(`img[src='${src}']`)", arg=before, timeout=60_000)
        assert not page.locator(".jp-OutputArea [role=status]").inner_text()
        if pictures := os.environ.get("TINYVIT_SCREENSHOT"):
            page.wait_for_timeout(500)
            page.screenshot(path=f"{pictures}/{name}_hand_{number}.png")
    if name == "00_start_here":
        canvas.locator("..").get_by_role("button", name="clear").click()
        playwright.expect(page.locator(".jp-OutputArea [role=status]")).to_contain_text("no digit can be seen")


def drag(page, element, start, end):
    """Press at one place, in parts of the element's width and height, and let go at another."""
    box = element.bounding_box()
    places = [(box["x"] + right * box["width"], box["y"] + down * box["height"]) for right, down in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()
