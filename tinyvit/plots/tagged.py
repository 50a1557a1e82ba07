"""Sentences with their entities, drawn: each a coloured band over its words, wrong ones with a frame."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .figure import INK, MUTED, headline, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Tagged = tuple[Sequence[str], Sequence[str], Sequence[str]]  # words, their true BIO tags, and those found

COLOURS = ("#c9e4de", "#d9cdea", "#f6dfb8", "#c6def1", "#f2c6de", "#dbdbdb")  # of kinds, light enough to read through
WRONG = "#b3261e"
MAX_WORD = 24  # letters
CHARACTER = 0.078  # inches, of the width of a letter
WIDTH = 10.0  # inches


def plot_tagged(sentences: Sequence[Tagged], notes: Sequence[str] | None = None) -> "Figure":
    """Sentences one below the other: bands are the entities found; a red line below marks words with another tag in
    truth, with that tag.

    Args:
        sentences: words, true tags and found tags of each.
        notes: a word or two in front of each sentence.
    """
    kinds = list(dict.fromkeys(tag[2:] for _, true, found in sentences for tag in (*true, *found) if tag != "O"))
    colours = {kind: COLOURS[index % len(COLOURS)] for index, kind in enumerate(sorted(kinds))}
    figure = new_figure(WIDTH, 0.9 + 0.52 * max(1, len(sentences)))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(len(sentences) + 0.1, -0.9)
    headline(figure, "Entities found", "underlined in red: words whose true tag is another, which is written below")
    left = 0.1
    for kind, colour in colours.items():
        left = _word(axes, left, -0.5, kind, colour) + 0.3
    for row, (words, true, found) in enumerate(sentences):
        left = 0.1
        if notes is not None:
            axes.text(left, row + 0.2, notes[row], fontsize=6.5, color=MUTED, va="center")
            left += 1.2
        for word, is_true, is_found in zip(words, true, found, strict=True):
            kind = is_found[2:] if is_found != "O" else ""
            start, left = left, _word(axes, left, row + 0.2, shortened(word, MAX_WORD), colours.get(kind, ""))
            if is_true != is_found:
                axes.plot([start, left], [row + 0.42] * 2, color=WRONG, linewidth=1.2)
                axes.text((start + left) / 2, row + 0.56, is_true, fontsize=5.5, color=WRONG, ha="center", va="center")
            left += CHARACTER
    return figure


def _word(axes: "Axes", left: float, y: float, word: str, colour: str) -> float:
    """Write a word, on a band if there is a colour; returns where it ends."""
    width = CHARACTER * len(word)
    if colour:
        axes.fill_between([left - 0.04, left + width + 0.04], y - 0.22, y + 0.18, color=colour, linewidth=0)
    axes.text(left, y, word, fontsize=8, color=INK, va="center", family="monospace", parse_math=False)
    return left + width
