"""`tinyvit predict` with a model of digits: all digits of an image, line by line, and what is not sure to be one."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .guesses import in_words


def refusal(path: Path, page: Any) -> str:
    """Sentence on an image that gets no prediction."""
    return f"{path}: {page.refusal}, or look at the shapes with --explain OUT"


def in_lines(preprocessing: Any, path: Path, page: Any, done: str, top_k: int) -> list[str]:
    """Lines on an image: its rows of digits, each digit with its place; of one digit, the top-k guesses."""
    from ..evaluation.pages import DOUBT

    unsure = page.is_unsure
    if len(page.digits) == 1:
        lines = [f"{path}: {in_words(preprocessing, page.probs[0], top_k)}"]
        return lines + [f"  {DOUBT}"] * bool(unsure[0]) + [f"  {done}"] * bool(done)
    written = page.lines(preprocessing.class_names)
    lines = [f"{path}: {len(page.digits)} digits in the image: {' / '.join(written)}"]
    for digit, probs, is_unsure in zip(page.digits, page.probs, unsure, strict=True):
        top, left, bottom, right = digit.box
        place = f"line {digit.line + 1}, left {left}, top {top}, {right - left} x {bottom - top} pixels"
        lines.append(f"  {place}: {in_words(preprocessing, probs, top_k)}" + f"; {DOUBT}" * bool(is_unsure))
    if unsure.any():
        lines.append(f"  {int(unsure.sum())} of {len(unsure)} are unsure, marked by a question mark")
    return lines + [f"  {done}"] * bool(done)


def names_of(preprocessing: Any, page: Any) -> list[str]:
    """Captions of the digits in a figure."""
    marks = zip(page.guesses, page.is_unsure, strict=True)
    return [preprocessing.class_names[guess] + "?" * bool(unsure) for guess, unsure in marks]


def draw_page(preprocessing: Any, path: Path, page: Any, target: Path) -> None:
    """The image with a box around each digit."""
    from ..plots import plot_page, save_figure

    save_figure(plot_page(_image(path), page.digits, names_of(preprocessing, page), title=path.name), target)


def draw_steps(preprocessing: Any, path: Path, page: Any, steps: dict[str, np.ndarray], target: Path) -> None:
    """Draw how the digits were found, step by step."""
    from ..plots import plot_steps, save_figure

    save_figure(plot_steps(_image(path), steps, page.digits, names_of(preprocessing, page), title=path.name), target)


def forbid_explaining(preprocessing: Any) -> None:
    """`--explain` is for models that look for digits.

    Raises:
        UserError: this model takes images whole.
    """
    if not preprocessing.looks_for_digits:
        raise UserError("--explain shows how digits are found, but this model takes images whole: leave it out")


def _image(path: Path) -> np.ndarray:
    """uint8 (C, H, W), as it was looked at."""
    from ..images.own_image import planes_of, read_image

    return planes_of(read_image(path))
