"""The result of tagging: a tag for each word of each sentence, against the truth; whole entities count."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from ..datasets.words import decoded
from ..plots import plot_confusion
from ..plots.tagged import plot_tagged
from .metrics.entities import EntityCounts, count_entities, entity_report, kinds_of
from .report import classification_report, confusion_matrix, report_row

MAX_SENTENCES = 14  # drawn


class Tagging(NamedTuple):
    """Predicted tags of n sentences of up to T words: an `Evaluation`."""

    tags: np.ndarray  # integers (n, T), the true ones; below 0 where there is no word
    predictions: np.ndarray  # integers (n, T)
    losses: np.ndarray  # (n,), mean cross-entropy of each sentence's words, in nats
    tag_names: tuple[str, ...]
    groups: np.ndarray  # integers (n,), the group that each sentence is of
    group_names: tuple[str, ...]  # told apart in the report; one where there is nothing to tell apart

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        tags, predictions, losses, groups = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("tags", "predictions", "losses", "groups")
        )
        return cls(tags, predictions, losses, parts[0].tag_names, groups, parts[0].group_names)

    @property
    def loss(self) -> float:
        """The mean over the sentences."""
        return float(self.losses.mean(dtype=np.float64))

    @property
    def accuracy(self) -> float:
        """The share of words with the right tag, 0..1."""
        words = self.tags >= 0
        return float((self.predictions == self.tags)[words].mean())

    def entities(self, group: int | None = None) -> EntityCounts:
        """Counts of whole entities, of all sentences or of a group of them."""
        rows = slice(None) if group is None else self.groups == group
        return count_entities(self.tags[rows], self.predictions[rows], self.tag_names)

    @property
    def measures(self) -> dict[str, float]:
        """F1 of whole entities decides which epoch is best; then accuracy of words, and F1 of each group."""
        names = self.group_names if len(self.group_names) > 1 else ()
        groups = {f"f1_{name.replace(' ', '_')}": self.entities(group).scores[2] for group, name in enumerate(names)}
        return {"entity_f1": self.entities().scores[2], "accuracy": self.accuracy, **groups}

    @property
    def in_words(self) -> str:
        """F1 of entities, and the loss."""
        return f"entity F1 {100 * self.entities().scores[2]:.2f} %, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """Precision and recall of entities; accuracy of words, which flatters."""
        precision, recall, _ = self.entities().scores
        return (
            f"entity precision {100 * precision:.2f} %, recall {100 * recall:.2f} %; tags of words "
            f"{100 * self.accuracy:.2f} % right"
        )

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """Tables of words by tag, and of whole entities by kind and, where there are several, by group of sentences."""
        words = self.tags >= 0
        confusion = confusion_matrix(self.tags[words], self.predictions[words], len(class_names))
        parts = [
            "Words, by tag\n\n" + classification_report(confusion, class_names),
            "Whole entities, by kind\n\n" + entity_report(self.entities(), kinds_of(self.tag_names)),
        ]
        if len(self.group_names) > 1:
            parts.append("Whole entities, by what is new in the sentences\n\n" + self._by_group())
        return "\n".join(parts)

    def _by_group(self) -> str:
        width = max(map(len, self.group_names))
        lines = [report_row(width, "", ["precision", "recall", "f1-score", "support"]), ""]
        for group, name in enumerate(self.group_names):
            counts = self.entities(group)
            scores = [f"{score:.4f}" for score in counts.scores]
            lines.append(report_row(width, name, [*scores, str(counts.true.sum())]))
        return "\n".join(lines) + "\n"

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Confusion of tags, and sentences with what was found in them: those of each group with mistakes first."""
        words = self.tags >= 0
        confusion = confusion_matrix(self.tags[words], self.predictions[words], len(class_names))
        wrong = ((self.predictions != self.tags) & words).any(axis=1)
        per_group = max(1, MAX_SENTENCES // len(self.group_names))
        rows: list[int] = []
        for group in range(len(self.group_names)):
            of_group = np.flatnonzero(self.groups == group)
            rows += of_group[np.argsort(~wrong[of_group], kind="stable")][:per_group].tolist()
        sentences = []
        for row in rows:
            count = int(words[row].sum())
            true, found = ([self.tag_names[tag] for tag in tags[row, :count]] for tags in (self.tags, self.predictions))
            sentences.append((decoded(split.images[row])[:count], true, found))
        names = [self.group_names[self.groups[row]] for row in rows] if len(self.group_names) > 1 else None
        return {"confusion": plot_confusion(confusion, class_names), "sentences": plot_tagged(sentences, names)}
