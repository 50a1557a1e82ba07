import numpy as np
import pytest

from tinyvit.plots import save_figure
from tinyvit.plots.scenes import class_colours, plot_boxes, plot_mask, plot_masks


@pytest.mark.parametrize(("channels", "n"), [(1, 3), (3, 12)])
def test_masks_stand_below_the_images(channels, n, rng, tmp_path):
    images = rng.integers(0, 256, (n, channels, 6, 9), dtype=np.uint8)
    masks, predictions = rng.integers(0, 4, (n, 6, 9)), rng.integers(0, 4, (n, 6, 9))
    masks[0, 0, 0] = 255  # of no class
    figure = plot_masks(images, masks, predictions, ["background", "a $x$", "b", "c"], "a title")
    colours = class_colours(4)
    above, said, true = (figure.axes[8 * row] for row in range(3))
    assert above.images[0].get_array().shape[:2] == (6, 9)
    np.testing.assert_array_equal(said.images[0].get_array(), colours[predictions[0]])
    np.testing.assert_array_equal(true.images[0].get_array()[0, 0], colours[-1])
    np.testing.assert_array_equal(true.images[0].get_array()[1:], colours[masks[0, 1:]])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a $x$", "b", "c"]
    save_figure(figure, tmp_path / "masks.png")


def test_one_image_and_its_mask(rng, tmp_path):
    image, mask = rng.integers(0, 256, (3, 6, 9), dtype=np.uint8), np.full((6, 9), 2)
    mask[0] = 0
    figure = plot_mask(image, mask, ["nothing", "a", "$b$"], "name.png")
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), class_colours(3)[mask])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["nothing", "$b$"]
    save_figure(figure, tmp_path / "mask.png")


@pytest.mark.parametrize("K", [2, 11, 21, 60])
def test_colours_of_neighbours_differ(K):
    colours = class_colours(K)
    assert colours.shape == (K + 1, 3)
    assert not colours[0].any()
    assert (np.abs(np.diff(colours, axis=0)).max(axis=1) > 0.04).all()
    assert len(np.unique(colours[: min(K, 21)], axis=0)) == min(K, 21)


def test_boxes_stand_where_they_are(rng, tmp_path):
    images = rng.integers(0, 256, (2, 1, 20, 30), dtype=np.uint8)
    found = [[((2.0, 3.0, 10.0, 15.0, 1, 0.9), "b 90 %")], []]
    truth = [[((2, 3, 11, 15, 1), "b"), ((15, 1, 20, 5, 0), "$a$")], [((0, 0, 30, 20, 0), "$a$")]]
    figure = plot_boxes(images, found, truth, "a title")
    said, true = figure.axes[0], figure.axes[8]
    (box,) = said.patches
    assert (box.get_xy(), box.get_width(), box.get_height()) == ((1.5, 2.5), 8.0, 12.0)
    assert [text.get_text() for text in said.texts] == ["b 90 %"]
    assert [text.get_text() for text in true.texts] == ["b", "$a$"]
    assert not figure.axes[1].patches
    assert [text.get_position() for text in true.texts] == [(2, 2.2), (15, 1.8)]  # above, and where it can be read
    save_figure(figure, tmp_path / "boxes.png")
