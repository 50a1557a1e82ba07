"""Words with how sure a model was of them, drawn as lists of bars."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .figure import INK, MUTED, PURPLE, TEAL, headline, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_WORD = 20  # letters


def plot_words(lists: Mapping[str, Sequence[tuple[str, str, float]]]) -> "Figure":
    """Lists side by side, each of words, the class a model said, and its probability.

    Args:
        lists: title -> (word, class, probability).
    """
    longest = max(1, *(len(words) for words in lists.values()))
    figure = new_figure(4.2 * len(lists), 1.1 + 0.27 * longest)
    headline(figure, "Words the model was surest of", "bars: the probability of what it said")
    kinds = sorted({kind for words in lists.values() for _, kind, _ in words})
    for axes, (title, words) in zip(figure.subplots(1, len(lists), squeeze=False)[0], lists.items(), strict=True):
        for row, (word, kind, probability) in enumerate(words):
            colour = (PURPLE, TEAL)[kinds.index(kind) % 2]
            axes.barh(row, probability, color=colour, alpha=0.35, height=0.8)
            axes.text(0.02, row, shortened(word, MAX_WORD), va="center", fontsize=9, color=INK, parse_math=False)
            axes.text(0.98, row, f"{kind} {probability:.2f}", va="center", ha="right", fontsize=8, color=MUTED)
        axes.set_title(title, fontsize=10, color=INK, loc="left")
        axes.set_xlim(0, 1)
        axes.set_ylim(longest - 0.4, -0.6)
        axes.set_axis_off()
    return figure
