import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tinyvit.errors import UserError
from tinyvit.plots import plot_curves, save_figure
from tinyvit.plots.figure import new_figure, shortened, show_image

HISTORY = [{"epoch": 1, "train_loss": 1.0, "dev_loss": 0.9, "dev_accuracy": 0.7, "lr": 1e-3}]


@pytest.mark.process
def test_importing_plots_does_not_import_matplotlib():
    code = "import sys, tinyvit.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.process
def test_drawing_never_imports_pyplot(tmp_path):
    code = (
        "import sys, numpy as np, tinyvit.plots as plots\n"
        "figure = plots.plot_confusion(np.eye(3, dtype=int), list('abc'))\n"
        "plots.save_figure(figure, sys.argv[1])\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "figure.png"], check=False).returncode == 0


def test_save_figure_writes_a_png_and_nothing_else(tmp_path):
    path = tmp_path / "figures" / "curves.png"
    save_figure(plot_curves(HISTORY), path)
    save_figure(plot_curves(HISTORY), str(path))  # over the first one
    assert [file.name for file in path.parent.iterdir()] == ["curves.png"]
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == (1200, 456)  # 10 x 3.8 inches, 120 dots per inch


def test_a_figure_that_cannot_be_saved_leaves_the_old_one(tmp_path):
    path = tmp_path / "curves.png"
    path.write_bytes(b"the old one")

    class Full:
        def savefig(self, target, **options):
            target.write(b"half of the new one")
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on device"):
        save_figure(Full(), path)
    assert path.read_bytes() == b"the old one"
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]


def test_save_figure_into_a_file_as_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be made"):
        save_figure(plot_curves(HISTORY), tmp_path / "file" / "curves.png")


@pytest.mark.parametrize(
    ("image", "low", "high"),
    [
        (np.array([[[0, 51]]], dtype=np.uint8), 0.0, 0.2),
        (np.array([[[0.1, 0.6]]], dtype=np.float32), 0.1, 0.6),
        (np.array([[[-2.0, 3.0]]]), 0.0, 1.0),
        (np.array([[[7.0, 7.0]]]), 0.0, 0.0),
        (np.array([[[0, 51]]] * 3, dtype=np.uint8), 0.0, 0.2),
    ],
)
def test_show_image_brings_pixels_to_0_1(image, low, high):
    axes = new_figure(1.0, 1.0).subplots()
    show_image(axes, image)
    shown = np.asarray(axes.images[0].get_array())
    assert shown.min() == pytest.approx(low)
    assert shown.max() == pytest.approx(high)


def test_show_image_refuses_other_shapes():
    with pytest.raises(UserError, match=r"\(28, 28\)"):
        show_image(new_figure(1.0, 1.0).subplots(), np.zeros((28, 28)))


def test_shortened():
    assert shortened("ankle boot", 10) == "ankle boot"
    assert shortened("ankle boots", 10) == "ankle boo…"
    assert shortened("a long file name: boot", 12, tail=6) == "a lon…: boot"
