# mypy: disable-error-code="no-untyped-def"
"""Lesson 19, what a loss and a weight can be compared with."""

from collections.abc import Iterator, Mapping

import numpy as np

from ..exercise import Case, NotAskedFor, add

# --- 19.1 ---


def loss_without_looking(labels):
    return _entropy(labels)


def _shares(labels):
    return np.unique(labels, return_counts=True)[1] / len(labels)


def _entropy(labels):
    shares = _shares(labels)
    return float(-(shares * np.log(shares)).sum())


def _labels_cases(rng: np.random.Generator) -> Iterator[Case]:
    for num_labels, classes in ((50, [0, 1]), (37, [2, 3, 7]), (200, range(10)), (90, [0, 4, 5, 9]), (11, range(4))):
        shares = rng.dirichlet(np.full(len(classes), 2.0))
        yield Case((np.concatenate([[*classes], rng.choice([*classes], num_labels - len(classes), p=shares)]),))
    yield Case((np.repeat(3, 6),))


add(
    "19.1",
    loss_without_looking,
    _labels_cases,
    outputs=("loss",),
    mistakes={
        "that is ln K, which is right only where all classes come equally often; weigh each by its share": (
            lambda labels: float(np.log(len(_shares(labels))))
        ),
        "the sign: a logarithm of a share is negative, the loss is not": lambda labels: -_entropy(labels),
        "the mean went over classes; an image of a class that comes often counts as often: weigh by the shares": (
            lambda labels: float(-np.log(_shares(labels)).mean())
        ),
        "the logarithms were added up, but each counts with the share of its class": (
            lambda labels: float(-np.log(_shares(labels)).sum())
        ),
        "that is the sum over all labels; a loss is the mean": lambda labels: len(labels) * _entropy(labels),
        "that is in bits, a logarithm to base 2; losses here have np.log": (
            lambda labels: _entropy(labels) / np.log(2)
        ),
        "1 - Σ p² is how often a guess by these shares is wrong, and no loss": (
            lambda labels: float(1 - (_shares(labels) ** 2).sum())
        ),
    },
)

# --- 19.2 ---


def changes(before, after):
    return _ratios(before, after)


def _norm(x):
    return np.sqrt((x * x).sum())


def _ratios(before, after, *, moved=lambda old, new: _norm(new - old), size=lambda old, new: _norm(new)):
    return {
        name: moved(before[name], new) / size(before[name], new) if (new != before[name]).any() else 0.0
        for name, new in after.items()
    }


def _changes_cases(rng: np.random.Generator) -> Iterator[Case]:
    shapes = {
        "weight": (4, 3),
        "pos_embed": (1, 5, 2),
        "bias": (3,),
        "still": (2, 3),
        "zeros": (4,),
        "one": (1,),
    }
    for names in (["weight", "bias"], ["pos_embed", "zeros", "still"], ["one"], [*shapes]):
        before = {name: rng.standard_normal(shapes[name]) * (name != "zeros") for name in names}
        moves = {name: rng.uniform(0.1, 2) * rng.standard_normal(shapes[name]) for name in names}
        yield Case((before, {n: before[n] + moves[n] * (n not in ("still", "zeros")) for n in reversed(names)}))


def _as_row(result):
    if not isinstance(result, Mapping):
        raise NotAskedFor(f"it returned a {type(result).__name__}, wanted a dict with one number for each name")
    parts = [[*(float(ord(letter)) for letter in name), result[name]] for name in sorted(result)]
    if any(np.ndim(part[-1]) for part in parts):
        raise NotAskedFor("a name has an array; wanted one number for each name")
    return np.concatenate([np.empty(0), *(np.array(part, np.float64) for part in parts)])


add(
    "19.2",
    changes,
    _changes_cases,
    outputs=("changes",),
    mistakes={
        "it was divided by the length of the old weights; compare with what they are now": (
            lambda before, after: _ratios(before, after, size=lambda old, new: _norm(old))
        ),
        "that is how far they moved; far or near is told by the length of the weights now: divide by it": (
            lambda before, after: _ratios(before, after, size=lambda old, new: 1.0)
        ),
        "that is the square of the ratio: a length is the root of a sum of squares": (
            lambda before, after: {name: ratio**2 for name, ratio in _ratios(before, after).items()}
        ),
        "lengths were compared; weights may turn and keep their length: take the length of the difference": (
            lambda before, after: _ratios(before, after, moved=lambda old, new: _norm(new) - _norm(old))
        ),
        "absolute values were added up; a length is the root of a sum of squares": (
            lambda before, after: _ratios(
                before, after, moved=lambda old, new: np.abs(new - old).sum(), size=lambda old, new: np.abs(new).sum()
            )
        ),
    },
    summary=_as_row,
)
