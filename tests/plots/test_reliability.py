import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.plots import plot_reliability, save_figure

COUNTS, CONFIDENCE, ACCURACY = np.array([0, 30, 0, 70]), np.array([0, 0.4, 0, 0.9]), np.array([0, 0.5, 0, 0.8])


def test_full_bins_are_points_and_empty_ones_are_not(tmp_path):
    figure = plot_reliability(COUNTS, CONFIDENCE, ACCURACY, 0.1)
    points, bars = figure.axes
    (dots,) = [line for line in points.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots.get_xydata(), [[40, 50], [90, 80]])
    stems = [segment.tolist() for segment in points.collections[0].get_segments()]
    np.testing.assert_allclose(stems, [[[40, 40], [40, 50]], [[90, 90], [90, 80]]])  # from the diagonal to the point
    np.testing.assert_allclose([bar.get_height() for bar in bars.patches], [0, 30, 0, 70])
    np.testing.assert_allclose([bar.get_center()[0] for bar in bars.patches], [12.5, 37.5, 62.5, 87.5])
    assert "100 images, expected error 10.00 %" in figure.get_suptitle()
    save_figure(figure, tmp_path / "reliability.png")


@pytest.mark.parametrize(("counts", "length"), [(COUNTS, 3), (np.zeros(4, int), 4)])
def test_what_cannot_be_drawn(counts, length):
    with pytest.raises(UserError, match="reliability diagram needs"):
        plot_reliability(counts, CONFIDENCE[:length], ACCURACY, 0.0)
