import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.plots import plot_confusion, save_figure
from tinyvit.plots.confusion import most_confused


def test_mistakes_are_coloured_by_their_share_of_the_true_class():
    confusion = np.array([[90, 10, 0], [1, 49, 0], [0, 0, 7]])
    figure = plot_confusion(confusion, ["a", "b", "c"])
    assert len(figure.axes) == 2  # the matrix and its colour bar
    colours = np.ma.filled(figure.axes[0].images[0].get_array(), 0.0)
    np.testing.assert_allclose(colours, [[0, 10, 0], [2, 0, 0], [0, 0, 0]])
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["1", "10", "49", "7", "90"]
    assert "146 of 157 right (92.99 %)" in figure.get_suptitle()


@pytest.mark.parametrize("num_classes", [1, 2, 10, 20, 21, 100])
def test_any_number_of_classes(tmp_path, num_classes):
    confusion = np.random.default_rng(0).integers(0, 9, (num_classes, num_classes))
    figure = plot_confusion(confusion, [f"class ${k}$ with a rather long name" for k in range(num_classes)])
    assert len(figure.axes[0].texts) == (np.count_nonzero(confusion) if num_classes <= 20 else 0)
    assert len(figure.axes[0].get_xticklabels()) <= 50
    save_figure(figure, tmp_path / "confusion.png")


@pytest.mark.parametrize("confusion", [np.diag([5, 7]), np.zeros((2, 2), dtype=np.int64)])
def test_no_mistakes(tmp_path, confusion):
    save_figure(plot_confusion(confusion, ["cat", "dog"]), tmp_path / "confusion.png")


def test_the_matrix_given_is_not_changed():
    confusion = np.full((3, 3), 5)
    plot_confusion(confusion, ["a", "b", "c"])
    assert (confusion == 5).all()


@pytest.mark.parametrize(("shape", "names"), [((2, 2), "abc"), ((2, 3), "ab")])
def test_shapes_that_do_not_fit(shape, names):
    with pytest.raises(UserError, match="one name for each class"):
        plot_confusion(np.zeros(shape, dtype=np.int64), list(names))


def test_the_pairs_confused_most_often_come_first():
    confusion = np.array([[9, 3, 0], [7, 9, 3], [0, 1, 9]])
    assert most_confused(confusion, 3) == [(1, 0, 7), (0, 1, 3), (1, 2, 3)]
    assert most_confused(confusion, 9) == [(1, 0, 7), (0, 1, 3), (1, 2, 3), (2, 1, 1)]
    assert most_confused(np.diag([5, 5]), 9) == []


def test_of_many_classes_pairs_are_drawn(tmp_path):
    confusion = np.diag(np.full(1000, 40))
    confusion[3, 7], confusion[999, 0] = 12, 25
    figure = plot_confusion(confusion, [f"class {k}, by the long name of $it$" for k in range(1000)])
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [25, 12]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "class 999, by the long na… → class 0, by the long name…, 25 of 65",
        "class 3, by the long name… → class 7, by the long name…, 12 of 52",
    ]
    assert "40,000 of 40,037 right" in figure.get_suptitle()
    assert "the 2 pairs of 1,000 classes confused most often" in figure.get_suptitle()
    save_figure(figure, tmp_path / "confusion.png")


def test_no_mistakes_among_many_classes(tmp_path):
    figure = plot_confusion(np.eye(40, dtype=np.int64), [str(k) for k in range(40)])
    assert figure.texts[-1].get_text() == "No mistakes"
    save_figure(figure, tmp_path / "confusion.png")
