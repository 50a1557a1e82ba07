import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tinyvit.errors import UserError
from tinyvit.looking import attention_rollout
from tinyvit.plots import plot_attention, plot_overlay, save_figure


def random_attention(batch, heads, tokens, blocks=3, seed=0):
    weights = np.random.default_rng(seed).random((blocks, batch, heads, tokens, tokens)).astype(np.float32)
    return list(weights / weights.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(
    ("shape", "heads", "grid", "num_prefix"),
    [((1, 28, 28), 4, (4, 4), 1), ((3, 32, 48), 8, (4, 6), 5), ((1, 8, 8), 1, (1, 1), 1)],
)
def test_one_map_for_each_head(tmp_path, shape, heads, grid, num_prefix):
    attention = random_attention(2, heads, num_prefix + grid[0] * grid[1])
    images = np.random.default_rng(1).normal(size=(2, *shape))
    figure = plot_attention(images, attention, grid=grid, num_prefix=num_prefix, titles=["true $4$", "b"])
    assert len(figure.axes) == 2 * (heads + 1)
    second_image_last_head = figure.axes[-1].images[-1].get_array()
    np.testing.assert_array_equal(second_image_last_head, attention[-1][1, -1, 0, num_prefix:].reshape(grid))
    save_figure(figure, tmp_path / "attention.png")


def test_overlay_shows_the_last_block_and_the_rollout(tmp_path):
    attention = random_attention(1, 3, 2 + 4 * 6)
    image = np.random.default_rng(1).integers(0, 256, (3, 32, 48)).astype(np.uint8)
    figure = plot_overlay(image, attention, grid=(4, 6), num_prefix=2, title="cat (98 %)")
    assert len(figure.axes) == 3
    assert "cat (98 %)" in figure.get_suptitle()
    last, rollout = (axes.images[-1].get_array() for axes in figure.axes[1:])
    np.testing.assert_allclose(last, attention[-1].mean(axis=1)[0, 0, 2:].reshape(4, 6))
    np.testing.assert_allclose(rollout, attention_rollout(attention)[0, 0, 2:].reshape(4, 6))
    save_figure(figure, tmp_path / "overlay.png")


def drawn_texts(figure):
    """The headline and the titles of all panels, with the boxes (left, right) they take, as shares of the width."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [
        text for text in [*figure.texts, figure._suptitle, *(axes.title for axes in figure.axes)] if text.get_text()
    ]
    return [
        (text.get_text(), text.get_window_extent(renderer).get_points()[:, 0] / figure.bbox.width) for text in texts
    ]


@pytest.mark.parametrize("heads", [1, 2, 3, 8])
def test_nothing_is_cut_off_however_few_the_heads(heads):
    titles = ["ankle boot, high, with laces", "7"]
    figure = plot_attention(np.zeros((2, 1, 28, 28)), random_attention(2, heads, 17), grid=(4, 4), titles=titles)
    for text, (left, right) in drawn_texts(figure):
        assert 0 <= left <= right <= 1, text


@pytest.mark.parametrize("name", ["a" * 300, "my holiday image " * 20, "\udcff"])
def test_a_long_file_name_leaves_room_for_the_prediction(name):
    title = f"{name}.png: Ankle boot (99.3 %)"
    figure = plot_overlay(np.zeros((1, 28, 28)), random_attention(1, 2, 17), grid=(4, 4), title=title)
    texts = drawn_texts(figure)
    assert texts[0][0].split("\n")[0].endswith(".png: Ankle boot (99.3 %)")
    for text, (left, right) in texts:
        assert 0 <= left <= right <= 1, text


@pytest.mark.parametrize(("grid", "num_prefix"), [((4, 5), 1), ((4, 4), 2), ((4, 4), 0)])
def test_a_grid_that_does_not_fit(grid, num_prefix):
    with pytest.raises(UserError, match="does not fit"):
        plot_attention(np.zeros((1, 1, 8, 8)), random_attention(1, 2, 17), grid=grid, num_prefix=num_prefix)
