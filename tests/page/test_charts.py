"""The page's charts: rows of one kind are drawn to one scale, and a feature that is marked is marked in all of them."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.process]
HEIGHTS = """async () => {
  const { Strips } = await import("/charts.js"), parent = document.createElement("div");
  const strips = new Strips(parent, { label: "scoreChart", cursor: { at: 1, held: false }, moved() {} });
  const row = (value, plain) => ({ name: "rowV", values: Float32Array.of(value, 0), plain });
  strips.draw([row(8, true), row(2, true), row(-0.1), row(-0.05)]);
  return strips.canvases.map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(canvas.width / 4, 0, 1, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value).length;
  });
}"""


def test_rows_of_one_kind_have_one_scale(visit, page):
    heights = visit(page).evaluate(HEIGHTS)
    assert heights == pytest.approx([90, 90 / 4, 45, 45 / 2], abs=2)  # those below 0 have half of the room


def test_a_marked_feature_is_marked_everywhere(visit, page):
    tab = visit(page)
    sliders = tab.locator("#steps .strips")
    marked = "nodes => nodes.map(node => Number(node.getAttribute('aria-valuenow')))"
    first = sliders.evaluate_all(marked)
    assert len({*first[:7]}) == len({*first[7:]}) == 1  # of a head's features, and of a token's
    sliders.nth(3).press("End")
    assert sliders.evaluate_all(marked) == [16] * 7 + first[7:]
    sliders.last.press("Home")
    assert sliders.evaluate_all(marked) == [16] * 7 + [1] * (len(first) - 7)
    assert "Feature 16 of the query" in tab.inner_text("#steps")
    assert "Feature 1: directly" in tab.inner_text("#steps")
