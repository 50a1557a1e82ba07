import numpy as np
import pytest
from matplotlib.figure import Figure

from tinyvit.errors import UserError
from tinyvit.plots import plot_curves, save_figure


def history(accuracies):
    return [
        {"epoch": k, "train_loss": 2.0 / k, "dev_loss": 1.5 / k, "dev_accuracy": accuracy, "lr": 1e-3}
        for k, accuracy in enumerate(accuracies, 1)
    ]


def annotation(figure):
    return figure.axes[1].texts[0].get_text()


def test_two_panels_with_the_values_given(tmp_path):
    figure = plot_curves(history([0.5, 0.9, 0.8]))
    assert isinstance(figure, Figure)
    losses, accuracy = figure.axes
    np.testing.assert_allclose(losses.lines[0].get_ydata(), [2.0, 1.0, 2.0 / 3.0])
    np.testing.assert_allclose(losses.lines[1].get_ydata(), [1.5, 0.75, 0.5])
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [50.0, 90.0, 80.0])
    assert annotation(figure) == "best: 90.00 % in epoch 2"
    save_figure(figure, tmp_path / "curves.png")


def test_the_end_of_the_training_fills_the_accuracy_panel():
    _, accuracy = plot_curves(history([0.1, 0.8, 0.95, 0.96, 0.97, 0.975, 0.98])).axes
    bottom, top = accuracy.get_ylim()
    assert bottom > 80.0
    assert 98.0 < top < 105.0
    assert max(accuracy.get_yticks()) <= 100.0


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_gaps(tmp_path, missing):
    epochs = history([0.5, 0.6, 0.7, 0.65])
    epochs[2]["dev_accuracy"] = epochs[1]["dev_loss"] = epochs[0]["train_loss"] = missing
    del epochs[3]["dev_loss"]
    figure = plot_curves(epochs)
    assert annotation(figure) == "best: 65.00 % in epoch 4"
    assert np.isnan(figure.axes[0].lines[1].get_ydata()).tolist() == [False, True, False, True]
    save_figure(figure, tmp_path / "curves.png")


@pytest.mark.parametrize(
    "epochs",
    [
        history([0.5]),
        history([1.0, 1.0]),
        history([0.0]),
        history(np.linspace(0.1, 0.9, 300)),
        [{"epoch": 1, "train_loss": float("nan"), "dev_loss": None, "dev_accuracy": None}],
        [{"epoch": 4, "train_loss": 0.0, "dev_loss": float("inf"), "dev_accuracy": 0.3}],
    ],
)
def test_odd_histories_can_be_drawn(tmp_path, epochs):
    figure = plot_curves(epochs)
    assert len(figure.axes) == 2
    save_figure(figure, tmp_path / "curves.png")


def test_no_history():
    with pytest.raises(UserError, match="no epoch"):
        plot_curves([])


def test_of_a_multi_label_run_average_precision_is_drawn():
    epochs = [
        {name.replace("accuracy", "map"): value for name, value in epoch.items()} for epoch in history([0.5, 0.7])
    ]
    figure = plot_curves(epochs)
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), [50.0, 70.0])
    assert figure.axes[1].get_title(loc="left") == "Dev mean average precision"


def test_of_another_task_its_first_measure_is_drawn():
    history = [{"epoch": 1, "train_loss": 0.4, "dev_loss": 0.3, "dev_good_words": 0.1, "lr": 1.0, "dev_other": 0.9}]
    figure = plot_curves([*history, history[0] | {"epoch": 2, "dev_good_words": -0.3}])
    losses, measure = figure.axes
    assert measure.get_title(loc="left") == "Dev good words"
    assert measure.lines[0].get_ydata().tolist() == [10, -30]
    assert losses.get_ylabel() == "loss"


@pytest.mark.parametrize(
    "accuracies", [[0.16, 0.19, 0.2, 0.17, 0.05], [0.9, 0.91, 0.92, 0.3], [0.1, 0.8, 0.82, 0.81, 0.4]]
)
def test_a_run_that_falls_off_is_seen_to_its_end(accuracies):
    history = [
        {"epoch": k, "train_loss": 1.0, "dev_loss": 1.0, "dev_accuracy": accuracy, "lr": 0.1}
        for k, accuracy in enumerate(accuracies, 1)
    ]
    bottom, top = plot_curves(history).axes[1].get_ylim()
    assert bottom < 100 * accuracies[-1] < top


@pytest.mark.parametrize(("more", "loss"), [({}, "cross-entropy (nats)"), ({"dev_map50": 0.4}, "loss")])
def test_the_loss_of_detection_is_no_cross_entropy(more, loss):
    history = [{"epoch": 1, "train_loss": 1.0, "dev_loss": 1.0, "dev_map": 0.3, **more, "lr": 0.1}]
    assert plot_curves(history).axes[0].get_ylabel() == loss
