"""What is chosen stays in view: selectors below the bar, a bar that names what the section shows, numbers at the maps."""

import functools

import numpy as np
import pytest

from tests.page.conftest import settled
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.page import open_studio
from tinyvit.pretrained import save_model_folder

pytestmark = [pytest.mark.slow, pytest.mark.process]
WIDTHS = [360, 1240]
BOXES = """() => Object.fromEntries([["bar", "#bar"], ["choosers", "#choosers"]].map(([name, what]) => {
  const { top, bottom } = document.querySelector(what).getBoundingClientRect();
  return [name, { top, bottom }];
}))"""
FOCUSED = """() => {
  const node = document.activeElement, { top, bottom } = node.getBoundingClientRect();
  const bar = document.querySelector(node.closest("#choosers") ? "#bar" : "#choosers").getBoundingClientRect();
  return { here: !!node.closest("#backward"), covered: Math.min(bar.bottom, bottom) - Math.max(bar.top, top), below: top - innerHeight };
}"""


@pytest.fixture
def opened(visit, page):
    """Opens the page of the shipped model, where scrolling takes no time."""
    return functools.partial(visit, page, reduced_motion="reduce")


def scrolled(tab, selector):
    tab.locator(selector).first.evaluate("node => node.scrollIntoView({ block: 'start' })")
    tab.wait_for_timeout(200)


@pytest.mark.parametrize("width", WIDTHS)
def test_selectors_stay_below_the_bar(opened, width):
    tab = opened(width=width, height=740)
    for step in (2, 5, 8):
        scrolled(tab, f"#steps .step:nth-child({step})")
        boxes = tab.evaluate(BOXES)
        assert boxes["bar"]["top"] == 0
        assert boxes["choosers"]["top"] == pytest.approx(boxes["bar"]["bottom"], abs=1.5)
        assert boxes["choosers"]["bottom"] < 740 / 4
        title = tab.locator(f"#steps .step:nth-child({step}) h3").bounding_box()
        assert title["y"] >= boxes["choosers"]["bottom"]
    scrolled(tab, "#what-if")
    assert (
        tab.evaluate(BOXES)["choosers"]["bottom"] <= tab.evaluate(BOXES)["bar"]["bottom"] + 1
    )  # gone with its section


def test_long_names_take_no_more_room(visit, open_page, tmp_path):
    config = ViTConfig(img_size=16, patch_size=8, num_classes=3, embed_dim=8, depth=1, num_heads=1)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    names = [f"a class with a name that is as long as those of ImageNet, {k}" for k in range(3)]
    save_model_folder(tmp_path, config, model.parameters(), class_names=names)
    tab = visit(open_page(open_studio(tmp_path)), width=360, height=740)
    assert tab.locator("#choosers").bounding_box()["height"] < 80
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    height = tab.locator("#bar").bounding_box()["height"]
    assert height < 90
    tab.evaluate("import('/texts.js').then(({ chooseLanguage }) => chooseLanguage('zh'))")
    settled(tab, lambda: tab.get_by_role("switch").first.click())
    assert tab.locator("#bar").bounding_box()["height"] == height  # with one button more


def test_on_a_low_screen_they_do_not_stay(opened):
    tab = opened(width=640, height=360)
    scrolled(tab, "#steps .step:nth-child(5)")
    assert tab.evaluate(BOXES)["choosers"]["bottom"] < 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_what_has_the_focus_is_not_covered(opened, width, key):
    tab = opened(width=width, height=740)
    tab.focus("#choosers select" if key == "Tab" else "#adversarial input")
    seen = 0
    for _ in range(40):
        tab.keyboard.press(key)
        tab.wait_for_timeout(30)
        focused = tab.evaluate(FOCUSED)
        if not focused["here"]:
            break
        seen += 1
        assert focused["covered"] <= 1
        assert focused["below"] < 0
    assert seen >= 29


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bar_names_what_the_section_shows(opened, width):
    tab = opened(width=width)
    height = tab.locator("#bar").bounding_box()["height"]

    def at(section, words):
        scrolled(tab, f"#{section}")
        tab.wait_for_selector(f"#links a[aria-current][href='#{section}']")
        assert tab.locator("#links a[aria-current]").count() == 1
        assert words in tab.inner_text("#now")
        assert tab.locator("#bar").bounding_box()["height"] == height

    at("tokens", "asking: the class token, block 4, head 1")
    at("backward", "asking: the class token, block 4, head 1")
    tab.click("#heads .cell >> nth=10")
    tab.wait_for_selector("#reading:has-text('Block 2, mean of its heads')")
    at("tokens", "block 2, mean of the heads")
    at("backward", "block 2, head 1")
    assert [tab.input_value(f"#choosers select >> nth={n}") for n in (1, 2)] == ["1", "0"]
    at("tokens", "block 2, mean of the heads")
    tab.select_option("#choosers select >> nth=2", index=3)
    tab.wait_for_selector("#steps .sentence:has-text('Block 2, head 4')")
    at("backward", "block 2, head 4")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_on_a_phone_the_bar_is_not_cut(opened, language):
    tab = opened(width=360, locale=language)
    height = tab.locator("#bar").bounding_box()["height"]
    for head in (1, 4):
        settled(tab, lambda head=head: tab.click(f".toggles button >> nth={head}"))
    assert tab.inner_text("#all-on").endswith("2 ✕")
    parts = tab.locator("#now span, #all-on").evaluate_all(
        "all => all.map(node => node.scrollWidth - node.clientWidth)"
    )
    assert parts == [0, 0, 0]
    assert tab.locator("#bar").bounding_box()["height"] == height


def test_each_map_has_its_largest_number(opened, page):
    tab = opened()
    number = tab.get_attribute("body", "data-drawn")
    arrays, _ = page.arrays("GET", f"/token?number={number}&token=0")
    said, labels = (
        tab.locator(".cell .peak").all_inner_texts(),
        tab.locator(".cell").evaluate_all("cells => cells.map(cell => cell.ariaLabel)"),
    )
    for block in range(4):
        heads, alike = arrays["attention"][block], arrays["similarity"][block + 1]
        wanted = [*(100 * heads[:, 1:].max(axis=1)), 100 * heads.mean(axis=0)[1:].max(), alike[1:].max()]
        row = said[6 * block : 6 * block + 6]
        got = [float(text.replace("−", "-").removesuffix("\u00a0%")) for text in row]
        np.testing.assert_allclose(got, wanted, atol=0.051)
        for text, label in zip(row, labels[6 * block : 6 * block + 6], strict=True):
            assert label.startswith(f"block {block + 1}, ")
            assert text in label
    assert len(set(said)) > 20


@pytest.mark.parametrize("width", WIDTHS)
def test_the_numbers_make_nothing_jump(opened, width):
    tab = opened(width=width)
    parts = tab.locator(".heads .map, .heads .peak, .heads .share, #tokens .scale")
    boxes = """parts => parts.map((part) => {
      const { x, y, width, height } = part.getBoundingClientRect();
      return [x, y + scrollY, width, height].join();
    })"""
    before = parts.evaluate_all(boxes)
    assert len(before) == 3 * 24 + 1
    for index in (0, 1, 8):
        settled(tab, lambda index=index: tab.click(f"#examples button >> nth={index}"))
        assert parts.evaluate_all(boxes) == before


@pytest.mark.parametrize("section", ["why", "backward", "what-if"])
def test_colours_have_a_legend(opened, section):
    tab = opened()
    legends = tab.locator(f"#{section} .legend")
    assert legends.count() == (2 if section == "what-if" else 1)
    for legend in legends.all():
        kinds = legend.locator(".swatch").evaluate_all("all => all.map(node => node.className.split(' ')[1])")
        assert kinds[-2:] == ["for", "against"]
        assert all(legend.locator("span > span").all_inner_texts())


def test_a_step_against_what_is_no_answer(opened):
    tab = opened()
    settled(tab, lambda: tab.click("#classes .class >> nth=0"))
    verdict = "#adversarial .sentence:has-text('The logit of 0 went from')"
    tab.locator("#adversarial input").fill("1")
    tab.wait_for_selector(f"{verdict}:has-text('It was not the answer; the answer stays.')")
    tab.locator("#adversarial input").fill("64")
    tab.wait_for_selector(f"{verdict}:has-text('It was not the answer')")
    settled(tab, lambda: tab.click("#classes .class >> nth=3"))
    tab.locator("#adversarial input").fill("1")
    tab.wait_for_selector("#adversarial .sentence:has-text('of 3 went'):has-text('the answer holds')")


def test_no_line_ends_within_a_number(opened):
    tab = opened(width=360)
    assert "7\u00a0×\u00a07 patches" in tab.inner_text("#model")
    assert "the class token 0.1\u00a0%" in tab.inner_text("#focus button")
    formulas = tab.locator("#steps .formula").all_inner_texts()
    assert "mean(dx̂)\n" not in "".join(formulas)
    assert all("·\u00a0" in text for text in formulas if "·" in text)
    assert any("− x̂" not in text and "−\u00a0x̂\u00a0·\u00a0mean(dx̂\u00a0·\u00a0x̂))" in text for text in formulas)
