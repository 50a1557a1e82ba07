"""The result of a reconstruction: how much of the hidden pixels a model explains."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split


class Reconstruction(NamedTuple):
    """Errors for the hidden patches of n images: an `Evaluation`."""

    errors: np.ndarray  # (n,), mean squared errors
    powers: np.ndarray  # (n,), mean squares of the truth: the errors of saying 0 everywhere

    @classmethod
    def of(cls, answers: np.ndarray) -> Self:
        """(n, 2), both side by side."""
        return cls(answers[:, 0].astype(np.float64), answers[:, 1].astype(np.float64))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    @property
    def loss(self) -> float:
        """Mean squared error of the hidden patches, each normalised."""
        return float(self.errors.mean())

    @property
    def r2(self) -> float:
        """Coefficient of determination R²: 1 is perfect, 0 as good as saying the mean of each patch."""
        return 1.0 - self.loss / max(float(self.powers.mean()), 1e-12)

    @property
    def measures(self) -> dict[str, float]:
        """R² decides which epoch is best."""
        return {"r2": self.r2}

    @property
    def in_words(self) -> str:
        """R² and the loss."""
        return f"R² of the hidden patches {self.r2:.3f}, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """The images that were easiest and hardest."""
        low, high = np.percentile(self.errors, [10, 90])
        return f"a tenth of the images is below a loss of {low:.4f}, a tenth above {high:.4f}"

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """The details."""
        return self.details

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """None: those of the task show the model at work."""
        return {}
