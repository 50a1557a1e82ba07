"""The result of an evaluation: what a run's end, `tinyvit eval` and `tinyvit plot` tell and draw."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

from ..datasets import Split


class Evaluation(Protocol):
    """Answers of a model for the n examples of a split, measured against the truth."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Results of several parts of a split as one."""
        ...

    @property
    def loss(self) -> float:
        """The mean over the examples, without label smoothing; NaN where an answer is."""
        ...

    @property
    def measures(self) -> dict[str, float]:
        """Measures by name, the larger the better; the first decides which epoch of a run is best."""
        ...

    @property
    def in_words(self) -> str:
        """The first measure and the loss, in a line."""
        ...

    @property
    def details(self) -> str:
        """More measures, in a line; empty if there are none."""
        ...

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """A table of the measures of each class; `in_full`: with what was taken for what, where that is asked."""
        ...

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Figures by file name, of the `split` that was evaluated; `in_full`: with the reliability diagram."""
        ...
