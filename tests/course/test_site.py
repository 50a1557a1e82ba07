"""The site: links lead somewhere, nothing comes from another host, and a browser shows formulas, figures and a search.

What a browser sees needs the extras `docs` and `browser`, and a Chromium; `TINYVIT_SCREENSHOT=FOLDER` keeps images of it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lessons.site_source.gather import Writer, find_pages
from lessons.site_source.links import broken_links, foreign_requests, links_elsewhere
from lessons.site_source.reference import as_restructured_text
from tests.support.visits import chromium, served, visiting

LESSONS = Path(__file__).parents[2] / "lessons"
NAMES = [path.stem for path in sorted((LESSONS / "solutions").glob("*.ipynb"))]


def build(*arguments):
    command = [sys.executable, str(LESSONS / "build_site.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for name in ("sphinx", "myst_nb", "furo", "mathjax"):
        pytest.importorskip(name, reason="needs the extra 'docs'")
    folder = tmp_path_factory.mktemp("site") / "site"
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture
def visit(browser, address, request):
    folder = os.environ.get("TINYVIT_SCREENSHOT")
    with visiting(browser, address, pictures=folder and f"{folder}/{request.node.name.replace('/', '_')}") as visit:
        yield visit


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_shows_formulas_and_figures(visit, name):
    page = visit(f"lessons/{name}.html", width=360)
    if page.locator(".math").count():
        page.wait_for_selector("mjx-container")
        page.wait_for_function(
            "document.querySelectorAll('.math').length == document.querySelectorAll('.math mjx-container').length"
        )
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    left = [text for text in page.locator("article p, article li").all_inner_texts() if "$" in text]
    assert not left
    figures = page.locator(".cell_output img")
    assert figures.count()
    for figure in figures.all():
        assert len(figure.get_attribute("alt")) >= 20
        assert figure.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "found"),
    [("rollout", "Lesson 13: Look inside"), ("registers", "Glossary"), ("cross_entropy_forward", "tinyvit.ops")],
)
def test_the_search_finds(visit, words, found):
    page = visit("index.html")
    page.locator(".sidebar-search").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_selector("ul.search li a")
    page.get_by_text("finished", exact=False).first.wait_for()
    link = page.locator("ul.search li a", has_text=found).first
    link.click()
    page.wait_for_selector("h1")
    assert found in page.title() or page.get_by_role("heading", name=found).count()


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages_fit(visit, width, scheme):
    for path in (
        "index.html",
        "lessons/glossary.html",
        "api/tinyvit.ops.html",
        "source/ops/softmax.html",
        "look/index.html",
    ):
        page = visit(path, width, scheme)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")[0]
        assert (int(paper) < 128) == (scheme == "dark"), path


@pytest.mark.slow
@pytest.mark.process
def test_from_the_first_page_to_a_line_of_code(visit):
    page = visit("index.html")
    page.locator(".start").get_by_text("Read the code").click()
    page.get_by_role("link", name="ops/softmax.py").first.click()
    assert "def softmax_backward" in page.locator("main").inner_text()
    page.get_by_role("link", name="tinyvit.ops", exact=True).click()
    entry = page.locator("dt[id='tinyvit.ops.softmax_backward']")
    assert "UserError" in page.locator("dt[id='tinyvit.ops.softmax_forward'] + dd").inner_text()
    entry.locator(".viewcode-link").click()
    line = page.evaluate("document.querySelector(':target').textContent")
    assert "takes_gradients" in line or "def softmax_backward" in line


@pytest.mark.slow
@pytest.mark.process
def test_the_live_page_answers(visit):
    page = visit("index.html")
    page.locator(".start").get_by_text("Draw a digit").click()
    page.get_by_text("It says", exact=False).first.wait_for()


@pytest.mark.slow
@pytest.mark.process
def test_a_built_site_is_written_anew_and_nothing_else(site, tmp_path):
    assert not list(broken_links(site))
    assert not list(foreign_requests(site))
    assert all(link.startswith("http") for link in links_elsewhere(site))
    for page in ("index", "lessons/glossary", "lessons/reading_order", "api/tinyvit.layers", "look/index", "search"):
        assert (site / f"{page}.html").is_file()
    for name in ("vit", "optim/adamw", "training/parallel/team"):
        assert (site / "source" / f"{name}.html").is_file()
    assert "__init__.py</code>" in (site / "api" / "tinyvit.layers.html").read_text()
    text = (site / "lessons" / "05_layer_norm.html").read_text()
    assert re.search(r"5\.2, layer_norm_backward(</b>)?: passed", text)  # as it ran


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(
    "text", ["[gone](gone.md)", "[gone](#gone)", "```{eval-rst}\n**open\n```", "![gone](gone.png)"]
)
def test_a_warning_is_an_error(tmp_path, text):
    pytest.importorskip("sphinx", reason="needs the extra 'docs'")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "index.md").write_text(f"# Title\n\n{text}\n")
    code = "import sys; from pathlib import Path; from build_site import run_sphinx; "
    code += f"sys.exit(run_sphinx(Path({str(tmp_path)!r}, 'source'), Path({str(tmp_path)!r}, 'built')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=LESSONS, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "WARNING" in done.stderr


@pytest.mark.process
def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = build(tmp_path)
    assert done.returncode == 2
    assert "choose another folder" in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('<a href="gone.html">x</a>', "gone.html is not there"),
        ('<a href="other.html#gone">x</a>', "other.html#gone has no such anchor"),
        ('<a href="#gone">x</a>', "#gone has no such anchor"),
        ('<a href="../outside.html">x</a>', "outside.html is not there"),
        ('<img alt="" src="gone.png">', "gone.png is not there"),
        ('<script src="gone.js"></script>', "gone.js is not there"),
        ('<script src="https://cdn.example/a.js"></script>', "loads https://cdn.example/a.js"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "loads //fonts.example/a.css"),
        ('<a href="https://example.org">x</a> <a href="other.html#%C3%A9">x</a> <a id="a" href="#a">x</a>', ""),
    ],
)
def test_what_is_wrong_on_a_page_is_found(tmp_path, text, problem):
    (tmp_path / "outside.html").write_text("")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(text)
    (site / "other.html").write_text('<h1 id="é">x</h1>', encoding="utf-8")
    found = [*broken_links(site), *foreign_requests(site)]
    assert len(found) == bool(problem)
    assert problem in "".join(found)


@pytest.mark.parametrize(
    "text", ["a { b: url(https://x.example/y) }", '@import "https://x.example/y";', "a { b: url('//x.example/y') }"]
)
def test_a_style_that_loads_from_elsewhere_is_found(tmp_path, text):
    (tmp_path / "a.css").write_text("b { c: url(fonts/d.woff2) }")
    assert not list(foreign_requests(tmp_path))
    (tmp_path / "a.css").write_text(text)
    assert len(list(foreign_requests(tmp_path))) == 1


@pytest.mark.parametrize(
    ("path", "link", "written"),
    [
        ("README.md", "[x](tinyvit/ops)", "[x](api/tinyvit.ops.md)"),
        ("README.md", "[x](tinyvit/ops/gelu.py)", '<a href="source/ops/gelu.html">x</a>'),
        ("README.md", "[x](tests)", "x"),
        ("README.md", "[x](#results)", "[x](#results)"),
        ("tinyvit/gpu/README.md", "[x](../../README.md#results)", "[x](../../index.md#results)"),
        ("lessons/reading_order.md", "[05](05_layer_norm.ipynb)", "[05](05_layer_norm.ipynb)"),
        ("lessons/solutions/05_layer_norm.ipynb", "[x](../../tinyvit/vit.py)", '<a href="../source/vit.html">x</a>'),
        (
            "lessons/solutions/05_layer_norm.ipynb",
            "[x](04_softmax_and_cross_entropy.ipynb)",
            "[x](04_softmax_and_cross_entropy.ipynb)",
        ),
        ("README.md", "[x](https://example.org/a#b)", "[x](https://example.org/a#b)"),
        ("README.md", "```\n[x](tests)\n```", "```\n[x](tests)\n```"),
    ],
)
def test_links_lead_to_pages(tmp_path, path, link, written):
    root = LESSONS.parent
    assert Writer(root, tmp_path, find_pages(root)).linked(path, link) == written


@pytest.mark.parametrize(
    ("docstring", "wanted"),
    [
        ("x_hat * weight, |x| and `ops`", ["x\\_hat \\* weight, \\|x\\| and ``ops``"]),
        ("Sum:\n\n    y = x\n\nSo.", ["Sum:", "", "", ".. code-block:: text", "", "       y = x", "   ", "", "So."]),
        ("a = 1    b = 2\nthen", ["", ".. code-block:: text", "", "   a = 1    b = 2", "", "then"]),
        (
            "(N,) -> ().\n\nRaises:\n    UserError: `x` is\n        empty.",
            ["(N,) -\\> ().", "", "Raises:", "    UserError: ``x`` is", "        empty."],
        ),
    ],
)
def test_a_docstring_keeps_its_layout(docstring, wanted):
    assert as_restructured_text(docstring.split("\n")) == wanted


@pytest.mark.parametrize("lite", [False, True])
def test_a_lesson_says_how_to_write_it_oneself(tmp_path, lite):
    root, path = LESSONS.parent, "lessons/solutions/05_layer_norm.ipynb"
    text = Writer(root, tmp_path, find_pages(root), lite).linked_notebook(path)
    assert "tinyvit lessons open 5" in text
    assert ("../lite/lab/index.html?path=05_layer_norm.ipynb" in text) == lite
