"""Figures of a search."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.plots import save_figure
from tinyvit.plots.tuning import Point, plot_history, plot_importance, plot_parallel

POINTS = [
    Point(0, 0.5, True, {"lr": 1e-3, "opt": "sgd"}),
    Point(1, 0.3, False, {"lr": 1e-4, "opt": "sgd"}),
    Point(2, 0.4, True, {"lr": 1e-1, "opt": "adamw"}),
    Point(5, 0.9, True, {"lr": 1e-2, "opt": "adamw"}),
]


def test_history_has_every_trial_and_the_best_so_far(tmp_path):
    figure = plot_history(POINTS, "dev accuracy")
    finished, pruned, best = figure.axes[0].lines
    np.testing.assert_allclose(finished.get_xydata(), [[0, 50], [2, 40], [5, 90]])
    np.testing.assert_allclose(pruned.get_xydata(), [[1, 30]])
    np.testing.assert_allclose(best.get_xydata(), [[0, 50], [2, 50], [5, 90]])
    save_figure(figure, tmp_path / "history.png")


def test_every_finished_trial_is_a_line_across_the_options(tmp_path):
    figure = plot_parallel(POINTS, {"lr": True, "opt": ["adamw", "sgd"]}, "dev accuracy")
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_marker() == "o"]
    heights = [line.get_ydata() for line in lines]
    np.testing.assert_allclose(heights, [[1, 0], [0, 1], [0.5, 0]], atol=1e-9)  # the best last
    assert [line.get_linewidth() for line in lines] == [1.2, 1.2, 3]
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"lr", "opt", "0.001", "0.01", "0.1", "adamw", "sgd"} == words
    save_figure(figure, tmp_path / "parallel.png")


def test_importance_has_a_bar_for_each_option(tmp_path):
    figure = plot_importance({"lr": 0.9, "opt": 0.1})
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.1, 0.9]
    save_figure(figure, tmp_path / "importance.png")


@pytest.mark.parametrize("points", [[], POINTS[1:2]])
def test_nothing_finished_is_one_sentence(points):
    for draw in (lambda: plot_history(points, "m"), lambda: plot_parallel(points, {"lr": True}, "m")):
        with pytest.raises(UserError, match="no trial was finished"):
            draw()
    with pytest.raises(UserError, match="too few"):
        plot_importance({})


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5], [0.0, 1.0]])
def test_odd_searches_are_drawn(tmp_path, scores):
    points = [Point(i, score, True, {"lr": 1e-3}) for i, score in enumerate(scores)]
    save_figure(plot_parallel(points, {"lr": True}, "$dev$_m"), tmp_path / "p.png")
    save_figure(plot_history(points, "$dev$_m"), tmp_path / "h.png")
