# mypy: disable-error-code="no-untyped-def"
"""Lesson 19, what ails ten runs."""

from collections.abc import Mapping

import numpy as np

from ..clinic import DIAGNOSES
from ..exercise import Case, NotAskedFor, add

# --- 19.5 ---


def diagnoses():
    return dict(DIAGNOSES)


def _exchanged(one, other):
    return lambda: DIAGNOSES | {one: DIAGNOSES[other], other: DIAGNOSES[one]}


def _told(result):
    """Ones, if all are right."""
    if not isinstance(result, Mapping) or {*result} != {*DIAGNOSES}:
        raise NotAskedFor('wanted a dict with a diagnosis for each letter, {"A": "...", ..., "J": "..."}')
    if unknown := [words for words in result.values() if words not in DIAGNOSES.values()]:
        raise NotAskedFor(f"{unknown[0]!r} is none of the ten: {', '.join(sorted(DIAGNOSES.values()))}")
    if wrong := [letter for letter in sorted(DIAGNOSES) if result[letter] != DIAGNOSES[letter]]:
        raise NotAskedFor(f"{len(DIAGNOSES) - len(wrong)} of 10 are right; look again at {', '.join(wrong)}")
    return np.ones(len(DIAGNOSES))


add(
    "19.5",
    diagnoses,
    lambda rng: iter([Case(())]),
    outputs=("right",),
    mistakes={
        "one of C and F has seen too few images; its training accuracy is perfect, and that of the other is not": (
            _exchanged("C", "F")
        ),
        "D and H both stay near the loss of who does not look; in one of them the weights have moved": (
            _exchanged("D", "H")
        ),
        "B and G both learn little; in one of them the weights have shrunk": _exchanged("B", "G"),
        "E and J both look healthy; one of them gives the same answer when patches change places": _exchanged("E", "J"),
        "E and I both fail the gradient check; in one of them whole blocks have no gradient at all": (
            _exchanged("E", "I")
        ),
        "A and H both are no better than chance; look at the labels of one batch": _exchanged("A", "H"),
    },
    summary=_told,
)
