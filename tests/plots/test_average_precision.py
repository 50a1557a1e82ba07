import numpy as np

from tinyvit.plots import save_figure
from tinyvit.plots.average_precision import plot_average_precision

THRESHOLDS = np.linspace(0.5, 0.95, 10)


def test_each_class_that_occurs_has_a_curve(tmp_path):
    falls = np.linspace(0.9, 0.2, 10)
    precisions = np.stack([falls, np.full(10, np.nan), falls / 2], axis=1)
    figure = plot_average_precision(precisions, THRESHOLDS, ["a $x$", "b", "c"])
    first, second, mean = figure.axes[0].lines
    np.testing.assert_allclose(first.get_xydata(), np.stack([THRESHOLDS, 100 * falls], axis=1))
    np.testing.assert_allclose(second.get_ydata(), 50 * falls)
    np.testing.assert_allclose(mean.get_ydata(), 75 * falls)
    assert "Mean average precision 41.25 %" in figure.get_suptitle()
    save_figure(figure, tmp_path / "curves.png")


def test_of_many_classes_the_best_and_the_worst():
    precisions = np.tile(np.linspace(0.01, 0.8, 80), (10, 1))
    figure = plot_average_precision(precisions, THRESHOLDS, [f"class {k}" for k in range(80)])
    names = [text.get_text().split(":")[0] for text in figure.axes[0].get_legend().get_texts()]
    assert names == [f"class {k}" for k in (79, 78, 77, 76, 75, 4, 3, 2, 1, 0)] + ["mean"]
    assert "the best and the worst of 80 classes" in figure.get_suptitle()


def test_without_a_class_the_axes_are_empty():
    figure = plot_average_precision(np.full((10, 2), np.nan), THRESHOLDS, ["a", "b"])
    assert not figure.axes[0].lines
