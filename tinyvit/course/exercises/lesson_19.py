# mypy: disable-error-code="no-untyped-def"
"""Lesson 19, what a loss and a weight can be compared with."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 19.1 ---


def loss_without_looking(labels):
    return _entropy(labels)


def _shares(labels):
    return np.unique(labels, return_counts=True)[1] / len(labels)


def _entropy(labels):
    return _of(_shares(labels))


def _of(shares):
    return float(-(shares * np.log(shares)).sum())


def _shares_up_to(labels, count):
    """Shares of the classes 0, 1, ..., count - 1; some may be 0."""
    return (labels[:, None] == np.arange(count)).mean(0)


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
        "the shares are weights, and add up to 1: a sum with them is the mean already": (
            lambda labels: _entropy(labels) / len(_shares(labels))
        ),
        "how often a class comes is no share yet: divide by the number of labels": (
            lambda labels: _of(np.unique(labels, return_counts=True)[1])
        ),
        "the counts were divided by the number of classes; shares add up to 1: divide by the number of labels": (
            lambda labels: _of(np.unique(labels, return_counts=True)[1] / len(_shares(labels)))
        ),
        "the numbers of the classes were taken for their shares; count how often each comes": (
            lambda labels: _of(np.unique(labels) / len(labels))
        ),
        "the labels were taken for shares; count how often each comes": lambda labels: _of(labels / labels.sum()),
        "that is the loss of the most frequent class alone; the others cost, too": (
            lambda labels: float(-np.log(_shares(labels).max()))
        ),
        "that is to base 10; losses here have np.log": lambda labels: _entropy(labels) / np.log(10),
        "that is exp of the loss": lambda labels: float(np.exp(_entropy(labels))),
        "a class that never comes has the share 0, and 0 times its logarithm is nan: leave it out": (
            lambda labels: _of(_shares_up_to(labels, labels.max() + 1))
        ),
        "a class that never comes has the share 0, and 0 times its logarithm is no number: leave it out": (
            lambda labels: _of(_shares_up_to(labels, 10))
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


def _ratio(old, new):
    return _norm(new - old) / _norm(new)


def _ratios(before, after, ratio=_ratio, *, unmoved=lambda old, new: 0.0):
    return {name: (ratio if (new != before[name]).any() else unmoved)(before[name], new) for name, new in after.items()}


def _by(ratio, **options):
    return lambda before, after: _ratios(before, after, ratio, **options)


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


def _side_by_side(before, after):
    """Names in the order in which the other dict has them."""
    return _ratios(dict(zip(after, before.values(), strict=True)), after)


add(
    "19.2",
    changes,
    _changes_cases,
    outputs=("changes",),
    mistakes={
        "it was divided by the length of the old weights; compare with what they are now": (
            _by(lambda old, new: _norm(new - old) / _norm(old))
        ),
        "it was divided by both lengths together; compare with what the weights are now": (
            _by(lambda old, new: _norm(new - old) / (_norm(new) + _norm(old)))
        ),
        "that is how far they moved; far or near is told by the length of the weights now: divide by it": (
            _by(lambda old, new: _norm(new - old))
        ),
        "that is the root of a mean, and not divided: take the root of a sum, over the length of the weights now": (
            _by(lambda old, new: np.sqrt(((new - old) ** 2).mean()))
        ),
        "that is the square of the ratio: a length is the root of a sum of squares": (
            _by(lambda old, new: _ratio(old, new) ** 2)
        ),
        "the root is missing below the line: the length of the weights now is a root, too": (
            _by(lambda old, new: _norm(new - old) / _norm(new) ** 2)
        ),
        "the root is missing above the line: how far they moved is a root, too": (
            _by(lambda old, new: _norm(new - old) ** 2 / _norm(new))
        ),
        "lengths were compared; weights may turn and keep their length: take the length of the difference": (
            _by(lambda old, new: 1 - _norm(old) / _norm(new))
        ),
        "that is how much longer they have become; weights may turn: take the length of the difference": (
            _by(lambda old, new: _norm(new) / _norm(old))
        ),
        "absolute values were added up; a length is the root of a sum of squares": (
            _by(lambda old, new: np.abs(new - old).sum() / np.abs(new).sum())
        ),
        "each weight was compared with itself, and a mean taken; compare the lengths of whole arrays": (
            _by(lambda old, new: np.abs((new - old) / new).mean())
        ),
        "of what stayed the zeros it was, that is 0 / 0: say 0 where nothing has changed": (
            _by(_ratio, unmoved=lambda old, new: _norm(new - old) / _norm(new))
        ),
        "the numbers were rounded": _by(lambda old, new: round(float(_ratio(old, new)), 2)),
        "the dicts were gone through side by side, and have their names in other orders: take before[name]": (
            _side_by_side
        ),
        "what has not changed was left out; its number is 0": lambda before, after: {
            name: ratio for name, ratio in _ratios(before, after).items() if ratio
        },
    },
)
