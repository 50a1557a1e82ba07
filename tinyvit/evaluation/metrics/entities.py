"""Named entities: precision, recall and F1 of whole entities, as CoNLL's evaluation counts them.

    precision = right / found      recall = right / true      F1 = 2 right / (found + true)

An entity is right if it has the same first word, the same last word and the same kind. Single words flatter: most of
them are outside, and half of a name found is not a name.
Source: Tjong Kim Sang, De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task", section 2 (conlleval, seqeval).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..report import AVERAGES, report_row, score_rows

OUTSIDE = "O"


class Span(NamedTuple):
    """An entity of a sentence: words start..stop-1."""

    start: int
    stop: int
    kind: str


def spans(tags: Sequence[str]) -> list[Span]:
    """Entities of a sentence from its BIO tags ("O", "B-PER", "I-PER"), in order.

    "I-PER" continues a person; behind anything else, it begins one, as in the shared task's own data.
    """
    found: list[Span] = []
    start, kind = 0, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        position, _, of_kind = tag.partition("-")
        if kind and (tag == OUTSIDE or position == "B" or of_kind != kind):
            found.append(Span(start, place, kind))
            kind = ""
        if tag != OUTSIDE and not kind:
            start, kind = place, of_kind
    return found


class EntityCounts(NamedTuple):
    """Counts of entities of each of k kinds, int64 (k,)."""

    right: np.ndarray
    found: np.ndarray
    true: np.ndarray

    @property
    def scores(self) -> tuple[float, float, float]:
        """Precision, recall and F1 of all kinds together (micro average)."""
        right, found, true = (counts.sum(keepdims=True) for counts in self)
        precision, recall, f1 = score_rows(right, found, true)[0].tolist()
        return precision, recall, f1


def kinds_of(tag_names: Sequence[str]) -> list[str]:
    """Kinds of entities that BIO tags speak of, in the order of their first tag."""
    return list(dict.fromkeys(tag.partition("-")[2] for tag in tag_names if tag != OUTSIDE))


def count_entities(tags: np.ndarray, predictions: np.ndarray, tag_names: Sequence[str]) -> EntityCounts:
    """Entities of sentences found, true, and both.

    Args:
        tags: integers (n, T), indices into `tag_names`; below 0 where there is no word.
        predictions: integers (n, T), those of a model; ignored where there is no word.
        tag_names: of BIO.
    """
    kinds = kinds_of(tag_names)
    counts = np.zeros((3, len(kinds)), np.int64)
    for row, predicted in zip(tags, predictions, strict=True):
        true, found = (set(spans([tag_names[tag] for tag in some[row >= 0]])) for some in (row, predicted))
        for line, entities in zip(counts, (true & found, found, true), strict=True):
            for entity in entities:
                line[kinds.index(entity.kind)] += 1
    return EntityCounts(*counts)


def entity_report(counts: EntityCounts, kinds: Sequence[str], digits: int = 4) -> str:
    """Precision, recall, F1 and support of each kind of entity that occurs and their averages, laid out as by seqeval.

    The micro average counts all entities alike, the macro average all kinds, the weighted one kinds by their support.
    A kind that is neither there nor found says nothing, and is left out of all.
    """
    occurring = np.flatnonzero(counts.found + counts.true).tolist()
    kinds = [kinds[k] for k in occurring]
    right, found, true = (line[occurring] for line in counts)
    scores, total = score_rows(right, found, true), int(true.sum())
    averages = (
        np.array(counts.scores),
        scores.mean(axis=0) if kinds else np.zeros(3),
        np.average(scores, axis=0, weights=true) if total else np.zeros(3),
    )
    width = max(map(len, (*kinds, *AVERAGES)))
    rows = [*zip(kinds, scores, true.tolist(), strict=True), *zip(AVERAGES, averages, [total] * 3, strict=True)]
    lines = [
        report_row(width, name, [*(f"{value:.{digits}f}" for value in values), str(count)])
        for name, values, count in rows
    ]
    lines.insert(len(kinds), "")
    return "\n".join([report_row(width, "", ["precision", "recall", "f1-score", "support"]), "", *lines]) + "\n"
