"""Figures that are changed by hand: what the page sends is drawn, and what goes wrong is said; see also `test_browser`."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from tinyvit.course.play import HOW, Player, _as_text, play

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def seen():
    """The values that a figure was drawn with, one after the other."""
    return []


@pytest.fixture
def draw(seen):
    def drawn(**values):
        seen.append(values)
        figure, ax = plt.subplots(figsize=(5, 4))
        ax.set(xlim=(-4, 6), ylim=(1, 3))
        return figure

    yield drawn
    plt.close("all")


def test_every_control_has_its_first_value(draw, seen):
    pad = Image.new("L", (8, 8), 200)
    player = Player(draw, {"h": (0.0, 2.0, 0.5), "blocks": (1, 12, 4), "at": (0.0, 2.0), "image": pad})
    assert player.picture().startswith(b"\x89PNG")
    assert seen == [{"h": 0.5, "blocks": 4, "at": (0.0, 2.0), "image": pad}]
    kinds = {spec["name"]: (spec["kind"], spec.get("step")) for spec in player.specs()}
    assert kinds == {"h": ("slider", 0.02), "blocks": ("slider", 1), "at": ("point", None), "image": ("pad", None)}


def test_sliders_keep_their_kind_of_number(draw, seen):
    player = Player(draw, {"h": (0.0, 2.0, 0.5), "blocks": (1, 12, 4)})
    assert player.answer({"h": 1, "blocks": 7.0})[0] == ""
    assert seen == [{"h": 1.0, "blocks": 7}]
    assert isinstance(seen[0]["blocks"], int)


@pytest.mark.parametrize(("x", "y"), [(-4, 1), (6, 3), (0.5, 2.25)])
def test_a_place_in_the_picture_is_a_point_of_the_axes(draw, seen, x, y):
    player = Player(draw, {"at": (0.0, 2.0)})
    player.picture()
    figure = draw()
    figure.set_dpi(80)
    right, up = figure.axes[0].transData.transform((x, y)) / figure.bbox.size
    player.answer({"at": [right, 1 - up]})
    np.testing.assert_allclose(seen[-1]["at"], (x, y), atol=1e-9)


@pytest.mark.parametrize(("place", "corner"), [((0, 0), (-4, 3)), ((1, 1), (6, 1)), ((-9, 0.5), (-4, None))])
def test_a_place_outside_of_the_axes_is_at_their_edge(draw, seen, place, corner):
    player = Player(draw, {"at": (0.0, 2.0)})
    player.picture()
    player.answer({"at": place})
    for got, wanted in zip(seen[-1]["at"], corner, strict=True):
        assert wanted is None or got == pytest.approx(wanted)


def test_a_drawing_comes_as_the_canvas_sends_it(draw, seen, rng):
    drawn = Image.fromarray(rng.integers(0, 256, (9, 7), dtype=np.uint8))
    player = Player(draw, {"image": Image.new("L", (7, 9))})
    assert player.answer({"image": _as_text(drawn.convert("RGBA"))})[0] == ""
    np.testing.assert_array_equal(seen[-1]["image"], drawn)


def test_an_error_is_said_and_the_next_value_drawn():
    def draw(h):
        if h > 1:
            raise ValueError(f"no figure\nof {h}")
        return plt.subplots()[0]

    player = Player(draw, {"h": (0.0, 2.0, 0.5)})
    assert player.answer({"h": 2.0}) == ("ValueError: no figure of 2.0", b"")
    wrong, png = player.answer({"h": 0.25})
    assert wrong == ""
    assert Image.open(io.BytesIO(png)).size == (512, 384)
    assert not plt.get_fignums()


@pytest.mark.parametrize("why", ["only read", "no anywidget"])
def test_else_the_first_picture_is_shown(draw, seen, monkeypatch, why):
    shown = []
    monkeypatch.setattr(sys.modules[play.__module__], "show", lambda figure, caption: shown.append(caption))
    if why == "no anywidget":
        monkeypatch.setitem(sys.modules, "anywidget", None)
    else:
        monkeypatch.setenv("TINYVIT_STILL", "1")
    play(draw, "A figure.", h=(0, 3, 1))
    assert shown == [f"A figure. {HOW}"]
    assert seen[-1] == {"h": 1}
