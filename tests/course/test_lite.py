"""The lessons in a browser: Pyodide's files are the official ones or refused, and a lesson runs with nothing installed.

To run in a browser needs the extras `lite` and `browser`, a Chromium, and a folder of Pyodide 0.27.7 that the environment
variable TINYVIT_PYODIDE names.
"""

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from lessons.site_source import lite
from lessons.site_source.browser_notebook import NOT_RUN, browser_notebook
from tests.support.visits import chromium, served, visiting
from tinyvit.course import check, watch
from tinyvit.course.exercise import EXERCISES

LESSONS = Path(__file__).parents[2] / "lessons"
NOTEBOOKS = sorted([*LESSONS.glob("*.ipynb"), *LESSONS.glob("solutions/*.ipynb")])
PYODIDE = os.environ.get("TINYVIT_PYODIDE")


@pytest.fixture
def pyodide(tmp_path, monkeypatch):
    """A small folder that is in order: its runtime, its lock file, and three packages of which two are needed."""
    lock = {"packages": {}}
    for name, depends in (("numpy", ["Open_Blas"]), ("open-blas", []), ("scipy", ["numpy"])):
        (tmp_path / f"{name}.whl").write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        lock["packages"][name] = {"file_name": f"{name}.whl", "sha256": digest, "depends": depends}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps(lock))
    (tmp_path / "pyodide.mjs").write_text("runtime")
    monkeypatch.setattr(lite, "PACKAGES", ("numpy",))
    files = ("pyodide-lock.json", "pyodide.mjs")
    official = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in files}
    monkeypatch.setattr(lite, "PYODIDE", official)
    return tmp_path


def test_a_folder_in_order_is_taken(pyodide):
    assert not list(lite.wrong_files(pyodide))
    assert [package["file_name"] for package in lite.packages(pyodide)] == ["numpy.whl", "open-blas.whl"]
    (pyodide / "scipy.whl").unlink()  # no lesson needs it
    assert not list(lite.wrong_files(pyodide))


@pytest.mark.parametrize("name", ["pyodide-lock.json", "pyodide.mjs", "numpy.whl", "open-blas.whl"])
@pytest.mark.parametrize("change", ["gone", "one byte", "empty"])
def test_what_is_not_the_official_file_is_refused(pyodide, name, change):
    path = pyodide / name
    content = path.read_bytes()
    path.unlink() if change == "gone" else path.write_bytes(content + b" " if change == "one byte" else b"")
    (problem,) = lite.wrong_files(pyodide)
    assert str(path) in problem
    assert ("is not there" if change == "gone" else "is not the official file") in problem


def test_a_lock_file_of_ones_own_vouches_for_nothing(pyodide):
    lock = json.loads((pyodide / "pyodide-lock.json").read_text())
    (pyodide / "numpy.whl").write_bytes(b"other")
    lock["packages"]["numpy"]["sha256"] = hashlib.sha256(b"other").hexdigest()
    (pyodide / "pyodide-lock.json").write_text(json.dumps(lock))
    assert "pyodide-lock.json is not the official file" in "".join(lite.wrong_files(pyodide))


@pytest.mark.process
def test_the_command_refuses_before_it_builds(tmp_path):
    for name in (
        "jupyterlite_core",
        "jupyterlite_pyodide_kernel",
        "jupyter_server",
        "sphinx",
        "myst_nb",
        "furo",
        "mathjax",
    ):
        pytest.importorskip(name, reason="needs the extras 'docs' and 'lite'")
    command = [sys.executable, str(LESSONS / "build_site.py"), str(tmp_path / "site"), "--lite", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pyodide-lock.json is not there" in done.stdout
    assert not (tmp_path / "site").exists()


def test_the_wheel_has_what_lessons_need(tmp_path):
    path = lite.own_wheel(LESSONS.parent, tmp_path)
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        about = next(wheel.read(name).decode() for name in names if name.endswith("METADATA"))
    assert {"tinyvit/vit.py", "tinyvit/course/lessons.json", "data/mnist-vit/model.safetensors"} <= names
    assert "Requires-Dist: numpy\n" in about
    assert "safetensors" not in about  # has no wheel for browsers
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_notebook_says_what_a_browser_cannot_do(path):
    cells, before = json.loads(browser_notebook(path))["cells"], json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[1]["source"] == "%pip install -q tinyvit"
    names, why = NOT_RUN.get(path.name[:2], ("(?!)", ""))
    assert ("shown and not run" in cells[0]["source"]) == bool(why)
    for cell, old in zip(cells[2:], before, strict=True):
        code = "".join(old["source"])
        if old["cell_type"] == "code" and re.search(names, code):
            assert cell["cell_type"] == "markdown"
            assert code in cell["source"]
            assert f"*Not run here, as {why}." in cell["source"]
        elif old["cell_type"] == "code":
            assert cell == old | {"source": code}
    texts = [cell["source"] for cell, old in zip(cells[2:], before, strict=True) if old["cell_type"] == "markdown"]
    for link in re.findall(r"\]\(([^)#\s]+)", "\n".join(texts)):
        assert "://" in link or (link.endswith(".ipynb") and (path.parent / link).exists()), link


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.name[:2] in NOT_RUN], ids=lambda path: path.stem)
def test_what_is_not_run_leaves_nothing_to_ask_for(path):
    """Names that such cells define stand in no cell that is run; what they gave elsewhere is shown."""
    before = json.loads(path.read_text(encoding="utf-8"))["cells"]
    cells = json.loads(browser_notebook(path))["cells"][2:]
    trees = [
        (cell["cell_type"] == "code", ast.parse("".join(old["source"])))
        for cell, old in zip(cells, before, strict=True)
        if old["cell_type"] == "code" and not old["source"][0].startswith("%")
    ]
    assert 1 <= sum(not runs for runs, _ in trees) <= 4
    made, missing = set(), set()
    for runs, tree in trees:
        names = {node for node in ast.walk(tree) if isinstance(node, ast.Name)}
        defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        if runs:
            assert not missing & {node.id for node in names if isinstance(node.ctx, ast.Load)} - defined
            made |= defined
        else:
            missing |= defined - made
        missing -= made
    pictures = "\n".join(cell["source"] for cell in cells).count("](data:image/png;base64,")
    assert pictures == {"12": 2, "15": 0, "16": 2, "18": 2}[path.name[:2]]


def test_without_threads_an_exercise_is_judged_without_a_limit(monkeypatch):
    def no_thread(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(RuntimeError), watch.time_limit():
        pass
    monkeypatch.setattr(sys, "platform", "emscripten")
    with watch.time_limit():
        pass


def test_the_way_to_the_next_lesson_needs_no_terminal(monkeypatch):
    assert check._next(EXERCISES["5.3"]) == "Next: 6.1, gelu_forward, in lesson 6: tinyvit lessons open 6."
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert check._next(EXERCISES["5.3"]) == "Next: 6.1, gelu_forward, in lesson 6."


@pytest.fixture(scope="module")
def lite_site(tmp_path_factory):
    """A site that is JupyterLite alone."""
    for name in ("jupyterlite_core", "jupyterlite_pyodide_kernel", "jupyter_server"):
        pytest.importorskip(name, reason="needs the extra 'lite'")
    if not PYODIDE:
        pytest.skip("needs a folder of Pyodide 0.27.7, named by TINYVIT_PYODIDE")
    assert not list(lite.wrong_files(Path(PYODIDE)))
    folder = tmp_path_factory.mktemp("lite")
    lite.add_lite(LESSONS.parent, Path(PYODIDE), folder / "site", folder / "scratch")
    return folder / "site"


@pytest.mark.slow
@pytest.mark.process
def test_a_lesson_runs_in_the_browser(lite_site):
    with (
        chromium() as browser,
        served(lite_site) as address,
        visiting(browser, address, may_lack="/api/contents/", pictures=os.environ.get("TINYVIT_SCREENSHOT")) as visit,
    ):
        page = visit("lite/lab/index.html?path=05_layer_norm.ipynb")
        page.set_default_timeout(300_000)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.get_by_text("Exercise 5.2, layer_norm_backward: nothing written yet").first.wait_for(state="attached")
        page.locator(".jp-OutputArea-output img").nth(1).wait_for(state="attached")  # those out of sight are hidden
        assert "Traceback" not in "\n".join(page.locator(".jp-OutputArea-output").all_text_contents())
