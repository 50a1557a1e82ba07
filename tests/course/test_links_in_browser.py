"""Links of a learner's copy, clicked in the JupyterLab that `tinyvit lessons open` starts; see `test_browser.py`."""

import os
import re
import signal
import subprocess
import sys
from urllib.parse import unquote

import pytest

for name in ("nbformat", "jupyterlab", "playwright.sync_api"):
    pytest.importorskip(name, reason="needs the extra 'lessons', and playwright")

from tests.course.test_browser import page as page  # noqa: E402
from tests.course.test_browser import pytestmark  # noqa: E402, F401


@pytest.fixture(params=["my-lessons", ".mine/a b"])
def opened(request, tmp_path):
    """The address of lesson 0, opened by the verb, from a folder that is not the clone."""
    words = ["-m", "tinyvit", "lessons", "open", "0", "--no-browser", "--port", "0", "--folder", request.param]
    environment = os.environ | {"TINYVIT_HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        [sys.executable, *words], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE
    ) as process:
        for line in process.stdout:
            if found := re.search(r"is in JupyterLab at (http://127\.0\.0\.1:\d+/\S+)$", line):
                break
        yield found[1]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0].endswith("JupyterLab is closed\n")


@pytest.mark.process
def test_links_lead_to_files_and_to_the_learners_next_lesson(opened, page):
    page.goto(opened, timeout=120_000)
    page.wait_for_selector(".jp-MarkdownOutput h1 >> visible=true", timeout=120_000)
    for words, path in (("tinyvit", "tinyvit/__init__.py"), ("lesson 1", "01_patches.ipynb")):
        link = page.get_by_role("link", name=words, exact=True).last
        link.dispatch_event(
            "click", timeout=60_000
        )  # cells out of sight are hidden, and come and go while they are laid out
        page.wait_for_function("path => decodeURI(location.pathname).endsWith(path)", arg=path, timeout=60_000)
        assert page.locator(".jp-Dialog").count() == 0
        if path == "01_patches.ipynb":
            assert unquote(page.url).split("/")[-2] == unquote(opened).split("/")[-2]
        page.goto(opened, timeout=120_000)
        page.wait_for_selector(".jp-MarkdownOutput h1 >> visible=true", timeout=120_000)
