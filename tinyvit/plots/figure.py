"""Base of all figures: a blank one, plain axes, images made ready to show, and saving."""

import contextlib
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError, printable
from ..storage.files import disk_errors, replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, FAINT = "#262626", "#767676", "#e4e4e4"
PURPLE, TEAL = "#443983", "#1f8a70"  # two colours from the dark half of viridis


def new_figure(width: float, height: float) -> "Figure":
    """An empty white figure of `width` x `height` inches whose layout keeps texts and axes apart."""
    with _signals_held():
        from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def headline(figure: "Figure", title: str, subtitle: str = "") -> None:
    """A title at the top left of the figure, and below it one smaller line that says what to see."""
    title = title.encode(errors="backslashreplace").decode()  # a file name may hold bytes that are no text
    text = f"{title}\n{subtitle}" if subtitle else title
    figure.suptitle(text, x=0.01, ha="left", fontsize=11, color=INK, parse_math=False)


def quiet_axes(axes: "Axes", title: str, xlabel: str, ylabel: str) -> None:
    """Title, axis labels, a faint horizontal grid, and no box."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(xlabel, color=MUTED)
    axes.set_ylabel(ylabel, color=MUTED)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=MUTED)


def show_image(axes: "Axes", image: np.ndarray) -> None:
    """Draw one image (C, H, W), C = 1 (grey) or 3 (colour), on axes without frame or ticks.

    uint8 runs from 0 to 255. Floats are taken as 0..1 where they fit, and are stretched to it where they do
    not, as after normalisation with a mean and a standard deviation.

    Raises:
        UserError: the image has another shape.
    """
    if image.ndim != 3 or image.shape[0] not in (1, 2, 3, 4):
        raise UserError(f"an image to draw must have the shape (1 to 4, height, width), got {image.shape}")
    if image.dtype == np.uint8:
        pixels = image / 255.0
    else:
        pixels = np.nan_to_num(image.astype(np.float64))
        low, high = pixels.min(), pixels.max()
        if low < 0.0 or high > 1.0:
            pixels = (pixels - low) / (high - low or 1.0)
    axes.set_axis_off()
    if len(pixels) == 2:  # grey and transparency
        pixels = pixels[[0, 0, 0, 1]]
    if len(pixels) == 1:
        axes.imshow(pixels[0], cmap="gray", vmin=0.0, vmax=1.0)
    else:
        axes.imshow(pixels.transpose(1, 2, 0))


def shortened(text: str, length: int, *, tail: int = 0) -> str:
    """`text`, without what steers a terminal, cut to at most `length` characters: an ellipsis is put in the place of
    all that is cut, in front of the last `tail` characters.
    """
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"


def save_figure(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write `figure` as PNG, 120 dots per inch. Folders are made; the file is there whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    path = made_place(path)
    with replacing(path) as file, disk_errors(path), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # it is drawn as a box, which can be seen
        figure.savefig(file, format="png", dpi=120)


def made_place(path: str | os.PathLike[str]) -> Path:
    """`path`, whose folder is made if it is not there.

    Raises:
        UserError: it cannot be made.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder {path.parent} could not be made ({error.strerror or error}): choose another place"
        ) from error
    return path


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C waits until the end: Matplotlib's compiled parts do not survive it in the middle of their import."""
    on_main = threading.current_thread() is threading.main_thread()
    if not on_main or signal.getsignal(signal.SIGINT) is None:  # None: a handler that is not Python's
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if caught:
            signal.raise_signal(signal.SIGINT)
