"""The page in a browser: by pointer and by keyboard, in both languages, light and dark, from a phone to a wall."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.page.conftest import settled

pytestmark = [pytest.mark.slow, pytest.mark.process]
DRAWN = "body[data-drawn]"
SECTIONS = ("draw", "tokens", "why", "stream", "backward", "what-if")


@pytest.fixture
def opened(visit, page):
    """Opens the page of the shipped model."""
    return functools.partial(visit, page)


def drawn(tab, points):
    """Draw a stroke through points of the sheet, given as shares of its sides."""
    box = tab.locator("#sheet").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    tab.mouse.move(*places[0])
    tab.mouse.down()
    for place in places[1:]:
        tab.mouse.move(*place, steps=6)
    tab.mouse.up()


def test_it_opens_with_an_answer(opened):
    tab = opened()
    assert tab.title() == "tinyvit: what does it see?"
    assert "It says 3" in tab.inner_text("#says")
    assert [tab.is_visible(f"#{name}") for name in SECTIONS] == [True] * 6
    assert not tab.is_visible("#run")
    assert tab.locator("#heads .cell").count() == 4 * 6
    assert tab.locator("#steps .step").count() == 9


def test_a_drawn_digit_is_answered(opened):
    tab = opened()
    assert tab.inner_text("#done") == ""
    settled(tab, lambda: tab.click("#clear"))
    assert "Nothing is drawn" in tab.inner_text("#done")
    drawn(tab, [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)])
    tab.wait_for_selector("#says:has-text('It says 7')")
    assert "scaled to 20 of 28 pixels" in tab.inner_text("#done")
    settled(tab, lambda: tab.click("#undo"))
    assert "Nothing is drawn" in tab.inner_text("#done")


def test_of_many_strokes_the_last_is_drawn(opened, page):
    tab, flying = opened(), []
    settled(tab, lambda: tab.click("#clear"))
    tab.wait_for_timeout(1000)
    tab.on("request", lambda asked: flying.append(+1) if "/look" in asked.url else None)
    tab.on("requestfinished", lambda asked: flying.append(-1) if "/look" in asked.url else None)
    drawn(tab, [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)])
    drawn(tab, [(0.3, 0.5), (0.75, 0.5)])
    tab.wait_for_timeout(2000)
    assert max(np.cumsum(flying)) <= 2  # one of the strokes, and the adversarial image once the pen rests
    known = "import('/state.js').then(({ state }) => [[...state.pixels], [...state.answer.logits]])"
    pixels, logits = tab.evaluate(known)
    np.testing.assert_allclose(page.arrays("POST", "/look", bytes(pixels))[0]["logits"], logits, atol=1e-5)


def test_all_by_keyboard(opened):
    tab = opened()
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.id") == "sheet":
            break
    assert tab.evaluate("document.activeElement.id") == "sheet"
    tab.keyboard.press("Tab")
    settled(tab, lambda: tab.keyboard.press("Enter"))  # clear
    tab.keyboard.press("Shift+Tab")
    for _ in range(9):
        tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Space")
    for _ in range(18):
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Space")
    tab.wait_for_selector("#says:has-text('It says 1')")
    tab.focus("#focus .map")
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_selector("#reading:has-text('row 4, column 4')")
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_selector("#reading:has-text('Row 4, column 3'), #reading:has-text('row 4, column 3 takes')")
    tab.keyboard.press("c")
    tab.wait_for_selector("#reading:has-text('the class token takes')")
    settled(tab, lambda: tab.keyboard.press("5"))
    assert tab.inner_text("#why .explained") == "explained: 5"
    tab.focus("#steps .strips >> nth=0")
    tab.keyboard.press("Home")
    assert tab.locator("#steps .strips").first.get_attribute("aria-valuetext").startswith("feature 1: q i ")


def test_what_is_pointed_at_is_shown_and_what_is_clicked_stays(opened):
    tab = opened()

    def patch(row, column):
        return (
            box["x"] + (column - 0.5) * box["width"] / 7,
            box["y"] + (row - 0.5) * box["height"] / 7,
        )

    tab.locator("#focus").scroll_into_view_if_needed()
    box = tab.locator("#focus .map").bounding_box()
    tab.mouse.move(*patch(2, 3))
    tab.wait_for_selector("#now:has-text('row 2, column 3')")
    tab.mouse.move(5, 5)
    tab.wait_for_selector("#now:has-text('the class token')")
    tab.mouse.click(*patch(3, 3))
    tab.mouse.move(5, 5)
    tab.wait_for_timeout(300)
    assert "row 3, column 3" in tab.inner_text("#now")


def test_numbers_of_the_backward_are_pythons(opened, page):
    tab = opened()
    number, target = tab.get_attribute("body", "data-drawn"), 3
    query = f"number={number}&target={target}&block=2&head=1&token=0"
    tab.select_option("#choosers select >> nth=1", index=2)
    tab.select_option("#choosers select >> nth=2", index=1)
    tab.select_option("#choosers select >> nth=4", index=17)
    sentence = "#steps .step:nth-child(5) .sentence:has-text('head 2 of block 3')"
    tab.wait_for_selector(f"{sentence}:has-text('row 3, column 3')")
    wanted, _ = page.arrays("GET", f"/backward?{query}")
    cells = tab.locator("tr.chosen > *").all_inner_texts()
    assert cells[0] == "row 3, column 3"
    numbers = [float(cell.replace("−", "-").removesuffix("\u00a0%")) for cell in cells[1:]]
    average = float((wanted["weights"] * wanted["dweights"]).sum())
    right = [
        100 * wanted["weights"][17],
        wanted["dweights"][17],
        wanted["dweights"][17] - average,
        wanted["dscores"][17],
    ]
    np.testing.assert_allclose(numbers, right, rtol=0.06, atol=0.06)
    assert ("raise" if wanted["dweights"][17] > 0 else "lower") in tab.inner_text(sentence)


def test_another_class_is_explained(opened):
    tab = opened()
    settled(tab, lambda: tab.click("#classes .class >> nth=6"))
    assert {*tab.locator(".explained").all_inner_texts()} == {"explained: 6"}
    assert "logit of 6" in tab.inner_text("#parts")
    settled(tab, lambda: tab.click("#classes .class >> nth=6"))  # a second time: what the model answers
    assert {*tab.locator(".explained").all_inner_texts()} == {"explained: 3"}


def test_heads_are_switched_off_and_on(opened):
    tab = opened()
    settled(tab, lambda: tab.get_by_role("switch", name="block 4, head 2").click())
    assert not tab.get_by_role("switch", name="block 4, head 2").is_checked()
    assert tab.inner_text("#all-on") == "Heads off: 1 ✕"
    assert "1 off." in tab.inner_text("#without-said")
    assert tab.locator(".cell[aria-label^='block 4, head 2: switched off, ']").count() == 1
    assert len({*tab.locator(".changes .v").all_inner_texts()}) > 5
    settled(tab, lambda: tab.click("#all-on"))
    assert {*tab.locator(".changes .v").all_inner_texts()} == {"0"}


def test_an_adversarial_step(opened):
    tab = opened()
    tab.locator("#adversarial input").fill("64")
    tab.wait_for_selector("#adversarial .sentence:has-text('another answer')", timeout=10000)
    settled(tab, lambda: tab.click("#adversarial button"))
    assert "It says 3" not in tab.inner_text("#says")


def test_languages(opened):
    tab = opened(locale="zh-CN")
    assert tab.get_attribute("html", "lang") == "zh-CN"
    assert "它说" in tab.inner_text("#says")
    tab.click("#language")
    tab.wait_for_selector("#says:has-text('It says')")
    assert tab.get_attribute("html", "lang") == "en"
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect(tab.locator("main")).not_to_contain_text(re.compile("[\u4e00-\u9fff]"), use_inner_text=True)
    tab.reload()
    tab.wait_for_selector("#says:has-text('It says')")  # as chosen


def test_light_and_dark(opened):
    tab = opened(color_scheme="dark")
    assert tab.get_attribute("html", "data-theme") == "dark"
    tab.click("#theme")
    assert tab.get_attribute("html", "data-theme") == "light"
    tab.reload()
    tab.wait_for_selector(DRAWN)
    assert tab.get_attribute("html", "data-theme") == "light"


def test_nothing_jumps(opened):
    tab = opened()
    tab.wait_for_timeout(800)

    def tops():
        return [tab.locator(f"#{name}").bounding_box()["y"] for name in SECTIONS]

    before = tops()
    for index in (4, 9, 12):
        settled(tab, lambda index=index: tab.click(f"#examples button >> nth={index}"))
        assert tops() == before


@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_it_fits(opened, width):
    tab = opened(width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def axe():
    node = shutil.which("node")
    command = [node or "", "-p", "require.resolve('axe-core/axe.min.js')"]
    found = node and subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if not found or found.returncode:
        pytest.skip("axe-core is not installed: npm install axe-core")
    return found.stdout.strip()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, axe, width, scheme):
    tab = opened(width=width, color_scheme=scheme, bypass_csp=True)
    settled(tab, lambda: tab.get_by_role("switch").first.click())
    tab.wait_for_timeout(800)
    tab.add_script_tag(path=axe)
    violations = tab.evaluate("axe.run().then(found => found.violations)")
    assert [(v["id"], [node["target"] for node in v["nodes"]]) for v in violations] == []
