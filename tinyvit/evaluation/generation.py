"""The result of a generation: made images beside as many real ones, both seen by the same classifier."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..backend import bincount
from ..datasets import Split
from .metrics.frechet import frechet_distance
from .report import report_row

MIN_SAMPLES = 2  # of which there is a covariance


class Looks(NamedTuple):
    """Images as a classifier sees them."""

    labels: np.ndarray  # int64 (n,), what they were meant to be, or are
    classes: np.ndarray  # int64 (n,), what the classifier takes them for
    features: np.ndarray  # (n, D), the classifier's

    @property
    def agreement(self) -> float:
        """Share of images that are taken for what they are meant to be, 0..1."""
        return float((self.classes == self.labels).mean()) if len(self.labels) else float("nan")

    @property
    def spread(self) -> float:
        """Mean variance of the features within a class, over the classes of two images or more."""
        of_classes = [self.features[self.labels == k] for k in np.unique(self.labels)]
        variances = [features.var(axis=0).sum() for features in of_classes if len(features) >= MIN_SAMPLES]
        return float(np.mean(variances)) if variances else float("nan")


class Generation(NamedTuple):
    """Made images, as many real ones, and as many others, for the distance of real from real: an `Evaluation`."""

    losses: np.ndarray  # (n,), of the denoising of each example of the split
    made: Looks
    real: Looks
    others: Looks

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        looks = (
            Looks(*map(np.concatenate, zip(*same, strict=True)))
            for same in zip(*(part[1:] for part in parts), strict=True)
        )
        return cls(np.concatenate([part.losses for part in parts]), *looks)

    @property
    def loss(self) -> float:
        """Mean squared error of the velocity."""
        return float(self.losses.mean(dtype=np.float64))

    @property
    def frechet(self) -> float:
        """Frechet distance of the made images from the real ones; NaN of too few, or of NaN."""
        return _distance(self.made, self.real)

    @property
    def frechet_of_real(self) -> float:
        """The same of real images from real ones, of the same numbers: what the best could reach."""
        return _distance(self.others, self.real)

    @property
    def measures(self) -> dict[str, float]:
        """Agreement, and closeness: the distance of real images over that of made ones, at most about 1. Without a
        classifier, the negative loss.
        """
        if not len(self.made.labels):
            return {"neg_loss": -self.loss}
        closeness = self.frechet_of_real / self.frechet if self.frechet else float("nan")
        return {"agreement": self.made.agreement, "closeness": closeness}

    @property
    def in_words(self) -> str:
        """Agreement and Frechet distance, beside those of real images."""
        if not len(self.made.labels):
            return f"loss {self.loss:.4f}"
        return (
            f"{100 * self.made.agreement:.1f} % of {len(self.made.labels):,} samples are taken for their class (real: "
            f"{100 * self.real.agreement:.1f} %), Frechet distance {self.frechet:.2f} (real: "
            f"{self.frechet_of_real:.2f}), loss {self.loss:.4f}"
        )

    @property
    def details(self) -> str:
        """Diversity within a class, beside that of real images: guidance takes it away."""
        if not len(self.made.labels):
            return ""
        share = 100 * self.made.spread / self.real.spread
        return f"variance of features within a class: {share:.0f} % of that of real images"

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """A table of the classes: how many samples of each are taken for it, and for what else most often."""
        made, real = self.made, self.real
        if not len(made.labels):
            return f"loss {self.loss:.4f}; no classifier was there to judge samples\n"
        width = max(len("class"), *map(len, class_names))
        lines = [report_row(width, "class", ["samples", "agree", "real", "else"]), ""]
        for k in np.unique(made.labels).tolist():
            mine, theirs = made.classes[made.labels == k], real.classes[real.labels == k]
            wrong = mine[mine != k]
            other = class_names[int(bincount(wrong).argmax())] if len(wrong) else ""
            shares = (f"{(classes == k).mean():.4f}" if len(classes) else "" for classes in (mine, theirs))
            lines.append(report_row(width, class_names[k], [f"{len(mine):,}", *shares, other]))
        return "\n".join([*lines, "", self.in_words, self.details]) + "\n"

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """None: what samples look like is drawn with the model, by `Generate.figures`."""
        return {}


def _distance(first: Looks, second: Looks) -> float:
    is_enough = min(len(first.labels), len(second.labels)) >= MIN_SAMPLES
    if not (is_enough and np.isfinite(first.features).all() and np.isfinite(second.features).all()):
        return float("nan")
    return frechet_distance(first.features, second.features)
