import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.plots import PrecisionRecall, plot_precision_recall, save_figure


def of_class(name, support, area=0.75):
    return PrecisionRecall(name, support, area, np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3]), (0.5, 0.5))


def test_the_area_under_the_steps_is_the_average_precision(tmp_path):
    curve = of_class("a $name$", 2)
    figure = plot_precision_recall([curve], 0.4)
    line, dot = figure.axes[0].lines
    x, y = line.get_xydata().T / 100
    assert line.get_drawstyle() == "steps-pre"  # so between two points it is at the height of the right one
    assert np.sum(np.diff(x) * y[1:]) == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)
    np.testing.assert_allclose(dot.get_xydata(), [[50, 50]])
    assert "mean average precision 75.00 %\ndots: what has a probability of 0.4 or more" in figure.get_suptitle()
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a $name$: 75.0 %"]
    save_figure(figure, tmp_path / "curves.png")


def test_of_many_classes_those_with_the_most_images_are_drawn():
    figure = plot_precision_recall([of_class(f"class {k}", k, 0.1 * (k % 10)) for k in range(1, 31)], 0.5)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert [text.split(":")[0] for text in texts] == [f"class {k}" for k in range(30, 22, -1)]
    assert "mean average precision 45.00 %" in figure.get_suptitle()  # of all
    assert "the 8 of 30 classes with the most images" in figure.get_suptitle()


def test_without_a_class_there_is_nothing_to_draw():
    with pytest.raises(UserError, match="no class with an image"):
        plot_precision_recall([], 0.5)
