import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.plots import plot_mistakes, plot_worst_sets, save_figure

DIGITS = [str(k) for k in range(10)]


def predictions(wrong):
    """Probabilities for images whose true class is 4; `wrong` maps an image to its confidence in class 9."""
    probs = np.zeros((8, 10), dtype=np.float32)
    probs[:, 4] = 1.0
    for index, confidence in wrong.items():
        probs[index, 9], probs[index, 4] = confidence, 1.0 - confidence
    return np.full(8, 4), probs


def test_the_most_confident_mistake_comes_first(tmp_path):
    images = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 5, 5), dtype=np.uint8)
    labels, probs = predictions({1: 0.61, 5: 0.98, 6: 0.75})
    figure = plot_mistakes(images, labels, probs, DIGITS)
    assert [axes.get_title() for axes in figure.axes] == [
        "true 4 → 9 (98 %)",
        "true 4 → 9 (75 %)",
        "true 4 → 9 (61 %)",
    ]
    shown = [axes.images[0].get_array()[0, 0] * 255 for axes in figure.axes]
    np.testing.assert_allclose(shown, [5, 6, 1])
    assert "All 3 mistakes among 8 images" in figure.get_suptitle()
    save_figure(figure, tmp_path / "mistakes.png")


def test_no_more_than_the_grid_holds(tmp_path):
    labels, probs = predictions({k: 0.6 + 0.04 * k for k in range(8)})
    images = np.random.default_rng(0).normal(size=(8, 3, 6, 4)).astype(np.float32)
    names = [f"class ${k}$ with a long name" for k in range(10)]
    figure = plot_mistakes(images, labels, probs, names, rows=1, columns=2)
    assert len(figure.axes) == 2
    assert "The 2 worst of 8 mistakes" in figure.get_suptitle()
    save_figure(figure, tmp_path / "mistakes.png")


def test_none_at_all(tmp_path):
    labels, probs = predictions({})
    figure = plot_mistakes(np.zeros((8, 1, 5, 5)), labels, probs, DIGITS)
    assert [text.get_text() for text in figure.texts] == ["No mistakes among 8 images"]
    save_figure(figure, tmp_path / "mistakes.png")


def test_numbers_that_do_not_fit():
    labels, probs = predictions({1: 0.9})
    with pytest.raises(UserError, match="7 images, 8 labels"):
        plot_mistakes(np.zeros((7, 1, 5, 5)), labels, probs, DIGITS)
    with pytest.raises(UserError, match="9 class names"):
        plot_mistakes(np.zeros((8, 1, 5, 5)), labels, probs, DIGITS[:9])


class OnDisk:
    """Stands for images that are read when they are asked for; keeps what was."""

    shape = (8, 3, 224, 224)

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 8

    def __getitem__(self, row):
        self.asked.append(int(row))
        return np.full((3, 224, 224), 30 * row, np.uint8)


@pytest.mark.parametrize("num_classes", [10, 1000])
def test_only_what_is_drawn_is_read(tmp_path, num_classes):
    labels, probs = predictions({1: 0.61, 5: 0.98, 6: 0.75})
    probs = np.concatenate([probs, np.zeros((8, num_classes - 10), np.float32)], axis=1)
    images = OnDisk()
    figure = plot_mistakes(images, labels, probs, [f"{k} has a long, long name" for k in range(num_classes)], 1, 2)
    assert images.asked == [5, 6]
    assert figure.axes[0].get_title() == "true 4 has a long, l…\n→ 9 has a long, l…\n(98 %)"
    save_figure(figure, tmp_path / "mistakes.png")


def test_of_several_classes_the_most_surprising_comes_first(tmp_path):
    labels = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0]], bool)
    probs = np.array([[0.9, 0.2, 0.45], [0.3, 0.6, 0.99], [0.8, 0.7, 0.1], [0.1, 0.39, 0.2]])
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 5, 5), dtype=np.uint8)
    figure = plot_worst_sets(images, labels, probs, 0.4, ["sea", "sun", "$boat$"])
    assert [axes.get_title() for axes in figure.axes] == [
        "missed: nothing\nadded: sun (60 %), $boat$ (99 %)",
        "missed: sun (39 %)\nadded: nothing",
    ]
    shown = [axes.images[0].get_array()[0, 0, 0] * 255 for axes in figure.axes]
    np.testing.assert_allclose(shown, [1, 3])
    assert "All 2 mistakes among 4 images" in figure.get_suptitle()
    save_figure(figure, tmp_path / "mistakes.png")
    assert "No mistakes" in plot_worst_sets(images[:1], labels[:1], probs[:1], 0.4, list("abc")).texts[0].get_text()
