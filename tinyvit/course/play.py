"""Figures that a reader changes by hand in a notebook: sliders, a point to drag, a pad to draw on."""

import base64
import io
import os
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import one_line
from .show import DPI, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 100  # of a slider whose ends are floats
STILL = "TINYVIT_STILL"  # environment variable: show the first picture alone, as a notebook that is only read
HOW = "With anywidget installed, in JupyterLab or VS Code, you can change this picture by hand."


def play(draw: Callable[..., "Figure"], caption: str, **controls: Any) -> None:
    """Display the figure `draw(**values)`, drawn again with each value that the reader chooses.

    Without anywidget, or with the environment variable TINYVIT_STILL, the first figure alone.

    Args:
        draw: values by name -> a figure.
        caption: what the figure shows, for screen readers too.
        controls: by name of the value, (low, high, first value): a slider, of whole numbers if all three are;
            (x, y): a point that is dragged on the first axes, in their units; a Pillow image: a pad, drawn on in black.
    """
    widget = None if os.environ.get(STILL) else _widget(Player(draw, controls), caption)
    if widget is None:
        first = {name: _first(control) for name, control in controls.items()}
        show(draw(**first), f"{caption} {HOW}")
        return
    from IPython.display import display

    display(widget)


class Player:
    """Values of a figure, and the figure of them."""

    def __init__(self, draw: Callable[..., "Figure"], controls: Mapping[str, Any]):
        self.draw = draw
        self.controls = dict(controls)
        self.values = {name: _first(control) for name, control in controls.items()}
        self._to_data: Any = None  # from pixels of the picture to the first axes' units
        self._limits = np.zeros((2, 2))  # lowest and highest (x, y) of the first axes
        self._size = np.ones(2)  # pixels of the picture: width, height

    def specs(self) -> list[dict[str, Any]]:
        """Kind and limits of each control, for the page."""
        return [self._spec(name, control) for name, control in self.controls.items()]

    def change(self, chosen: Mapping[str, Any]) -> None:
        """Take over what the page sends: numbers, a place (right, down) in parts of the picture, or a PNG as text."""
        for name, value in chosen.items():
            control = self.controls[name]
            if not isinstance(control, tuple):
                self.values[name] = _image(value)
            elif len(control) == 2:
                self.values[name] = self._point(value)
            else:
                self.values[name] = type(self.values[name])(value)

    def picture(self) -> bytes:
        """PNG of the figure of the values."""
        import matplotlib.pyplot as plt

        figure = self.draw(**self.values)
        png = io.BytesIO()
        figure.set_dpi(DPI)
        figure.savefig(png, format="png", dpi=DPI)
        ax = figure.axes[0]
        self._to_data = ax.transData.inverted().frozen()
        self._limits = np.sort(np.stack([ax.get_xlim(), ax.get_ylim()], 1), axis=0)
        self._size = figure.get_size_inches() * DPI
        plt.close(figure)
        return png.getvalue()

    def answer(self, chosen: Mapping[str, Any]) -> tuple[str, bytes]:
        """A sentence on what is wrong, if anything is, and a PNG: none then, so that the last one stays."""
        try:
            self.change(chosen)
            return "", self.picture()
        except Exception as error:  # of a learner's function, for this value
            return f"{type(error).__name__}: {one_line(error, 200)}", b""

    def _point(self, place: tuple[float, float]) -> tuple[float, float]:
        right, down = place
        x, y = np.clip(self._to_data.transform((right, 1 - down) * self._size), *self._limits)
        return float(x), float(y)

    def _spec(self, name: str, control: Any) -> dict[str, Any]:
        label = name.replace("_", " ")
        if not isinstance(control, tuple):
            return {"name": name, "label": label, "kind": "pad", "image": _as_text(control)}
        if len(control) == 2:
            return {"name": name, "label": label, "kind": "point"}
        low, high, first = control
        step = 1 if isinstance(first, int) else (high - low) / STEPS
        return {"name": name, "label": label, "kind": "slider", "low": low, "high": high, "step": step, "first": first}


def _first(control: Any) -> Any:
    """The value that a control has at first."""
    return control[2] if isinstance(control, tuple) and len(control) == 3 else control


def _image(text: str) -> Any:
    """A Pillow image of the PNG that a canvas gives as text."""
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))).convert("L")


def _as_text(image: Any) -> str:
    png = io.BytesIO()
    image.save(png, format="png")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


def _widget(player: Player, caption: str) -> Any:
    """The widget of a player; None where anywidget is not installed."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class Widget(anywidget.AnyWidget):
        _esm = resources.files(__package__).joinpath("play.js").read_text(encoding="utf-8")
        caption: Any = traitlets.Unicode().tag(sync=True)
        controls: Any = traitlets.List().tag(sync=True)
        first: Any = traitlets.Bytes().tag(sync=True)

    widget = Widget(caption=caption, controls=player.specs(), first=player.picture())

    def answer(_: Any, chosen: Mapping[str, Any], __: Any) -> None:
        wrong, png = player.answer(chosen)
        widget.send({"wrong": wrong}, [png])

    widget.on_msg(answer)
    return widget
