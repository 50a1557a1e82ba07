"""Sheets of made images: each in its place, classes in rows, grey and colour."""

import numpy as np
import pytest

from tinyvit.plots import plot_denoising, plot_samples, save_figure
from tinyvit.plots.samples import tiled


@pytest.mark.parametrize("chans", [1, 3])
def test_images_stand_in_their_places(chans, rng):
    rows = [rng.integers(0, 255, (n, chans, 4, 6), dtype=np.uint8) for n in (3, 1)]
    sheet = tiled(rows)
    assert sheet.shape == (9, 20, 3)
    np.testing.assert_array_equal(sheet[:4, 7:13], np.broadcast_to(rows[0][1].transpose(1, 2, 0), (4, 6, 3)))
    np.testing.assert_array_equal(sheet[5:, :6], np.broadcast_to(rows[1][0].transpose(1, 2, 0), (4, 6, 3)))
    assert (sheet[4] == 255).all()  # between them
    assert (sheet[5:, 6:] == 255).all()  # a short row


@pytest.mark.parametrize("chans", [1, 3])
def test_classes_have_a_row_each_with_its_name(chans, rng, tmp_path):
    images = rng.integers(0, 255, (7, chans, 4, 6), dtype=np.uint8)
    figure = plot_samples(images, np.array([2, 0, 2, 2, 0, 2, 2]), ["nought", "one", "$x^"], title="Samples")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["nought", "$x^"]
    assert figure.axes[0].images[0].get_array().shape == (9, 5 * 7 - 1, 3)
    save_figure(figure, tmp_path / "samples.png")


def test_the_way_runs_from_left_to_right(rng, tmp_path):
    ways = rng.integers(0, 255, (2, 3, 1, 4, 4), dtype=np.uint8)
    figure = plot_denoising(ways, [1.0, 0.5, 0.0], ["7", "a long name that is cut"], title="Denoising")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["t = 1.00", "t = 0.50", "t = 0.00"]
    assert figure.axes[0].get_yticklabels()[1].get_text().endswith("…")
    save_figure(figure, tmp_path / "denoising.png")
