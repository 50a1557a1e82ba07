# mypy: disable-error-code="no-untyped-def"
"""Lesson 24, elastic weight consolidation: the penalty, and how much a weight matters."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 24.2 ---


def ewc_penalty(weight, anchor, fisher, strength):
    return _spring(weight, anchor, fisher, strength)


def _spring(weight, anchor, fisher, strength, *, loss=0.5, slope=1.0):
    moved = weight - anchor
    return loss * strength * (fisher * moved**2).sum(), slope * strength * fisher * moved


def _weights(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 4), (5,), (1, 1), (2, 3, 2), (1, int(rng.integers(2, 6)))):
        weight, anchor = rng.standard_normal((2, *shape))
        fisher = rng.uniform(0.1, 2, shape)
        fisher.flat[0] = 0.0 if fisher.size > 2 else 0.7  # a weight that did not matter is free
        yield Case((weight, anchor, fisher, float(rng.uniform(2, 9))))


add(
    "24.2",
    ewc_penalty,
    _weights,
    outputs=("loss", "dweight"),
    mistakes={
        "the loss lacks its ½": lambda w, a, f, s: _spring(w, a, f, s, loss=1.0),
        "dweight has a ½ left: the slope of a square is twice the number, and that takes the ½ away": (
            lambda w, a, f, s: _spring(w, a, f, s, slope=0.5)
        ),
        "dweight has a 2 too many: the ½ of the loss takes it away": lambda w, a, f, s: _spring(w, a, f, s, slope=2.0),
        "the Fisher numbers are missing: each weight is held as much as it mattered": (
            lambda w, a, f, s: _spring(w, a, np.ones_like(f), s)
        ),
        "dweight lacks the Fisher numbers": lambda w, a, f, s: (_spring(w, a, f, s)[0], s * (w - a)),
        "dweight has the wrong sign: a weight above its anchor makes the loss larger when it grows": (
            lambda w, a, f, s: _spring(w, a, f, s, slope=-1.0)
        ),
        "dweight lacks the strength": lambda w, a, f, s: (_spring(w, a, f, s)[0], f * (w - a)),
        "the loss lacks the strength": lambda w, a, f, s: _spring(w, a, f, s, loss=0.5 / s),
        "the strength is missing, in both": lambda w, a, f, s: _spring(w, a, f, 1.0),
        "the loss is a mean over the weights; it is their sum": (
            lambda w, a, f, s: _spring(w, a, f, s, loss=0.5 / w.size)
        ),
        "the distance is not squared": (
            lambda w, a, f, s: (0.5 * s * (f * np.abs(w - a)).sum(), _spring(w, a, f, s)[1])
        ),
        "the weights are pulled to 0; they are to be pulled to the anchor": (
            lambda w, a, f, s: _spring(w, np.zeros_like(a), f, s)
        ),
        "the loss must be one number: add up over the weights": (
            lambda w, a, f, s: (0.5 * s * f * (w - a) ** 2, _spring(w, a, f, s)[1])
        ),
        "the loss has the Fisher numbers squared; only the distance is": (
            lambda w, a, f, s: (_spring(w, a, f * f, s)[0], _spring(w, a, f, s)[1])
        ),
        "dweight has the root of the Fisher numbers; they are not under the square": (
            lambda w, a, f, s: (_spring(w, a, f, s)[0], _spring(w, a, np.sqrt(f), s)[1])
        ),
        "the Fisher numbers were divided by their largest; the strength is made for them as they are": (
            lambda w, a, f, s: _spring(w, a, f / f.max(), s)
        ),
        "dweight has the strength twice": lambda w, a, f, s: _spring(w, a, f, s, slope=s),
        "dweight has the distance squared; the slope of a square has the distance itself": (
            lambda w, a, f, s: (_spring(w, a, f, s)[0], s * f * (w - a) ** 2)
        ),
        "the loss is the square of a sum; square each distance, then add up": (
            lambda w, a, f, s: (0.5 * s * (f * (w - a)).sum() ** 2, _spring(w, a, f, s)[1])
        ),
        "the loss must be one number: add up over all axes, not over the last alone": (
            lambda w, a, f, s: (0.5 * s * (f * (w - a) ** 2).sum(axis=-1), _spring(w, a, f, s)[1])
        ),
        "the loss has the distance times the weight; it is the distance times itself": (
            lambda w, a, f, s: (0.5 * s * (f * (w - a) * w).sum(), _spring(w, a, f, s)[1])
        ),
        "Fisher numbers are squares already; they are not squared again": lambda w, a, f, s: _spring(w, a, f * f, s),
    },
    not_to_call=("penalty",),
)

# --- 24.3 ---


def fisher_of_head(x, probs):
    return _right(x, probs)


def _right(x, probs):
    return _averaged(x * x, probs * (1 - probs))


def _averaged(squares, spread):
    """(B, I), (B, K), averages over labels -> those over images, of products: (I, K), (K,)."""
    return squares.T @ spread / len(spread), spread.mean(axis=0)


def _features(rng: np.random.Generator) -> Iterator[Case]:
    for B, inputs, K in ((5, 3, 4), (1, 2, 3), (7, 6, 2), (int(rng.integers(2, 6)), 1, 5), (3, 4, 11)):
        scores = np.exp(1.5 * rng.standard_normal((B, K)))
        yield Case((rng.standard_normal((B, inputs)) + 0.5, scores / scores.sum(axis=1, keepdims=True)))


def _of_the_mean(x, probs):
    weight, bias = _averaged(x, probs * (1 - probs))
    return weight**2, bias**2


def _of_mean_probs(x, probs):
    p = probs.mean(axis=0)
    return np.outer((x * x).mean(axis=0), p * (1 - p)), p * (1 - p)


def _variances(x, probs):
    return np.outer((x * x).mean(axis=0), probs.var(axis=0)), probs.var(axis=0)


@np.errstate(all="ignore")
def _unbiased(x, probs):
    return tuple(part * len(x) / np.float64(len(x) - 1) for part in _right(x, probs))


def _of_likeliest(x, probs):
    error = probs - np.eye(probs.shape[1])[probs.argmax(axis=1)]
    return _averaged(x * x, error * error)


add(
    "24.3",
    fisher_of_head,
    _features,
    outputs=("fisher_weight", "fisher_bias"),
    mistakes={
        "x must be squared: the gradient of a weight has x as a factor, and its square x²": (
            lambda x, probs: (_averaged(x, probs * (1 - probs))[0], _right(x, probs)[1])
        ),
        "that is the square of a mean over the images; square each image's gradient, then take the mean": _of_the_mean,
        "that is the sum over the images; take the mean": (
            lambda x, probs: tuple(len(x) * part for part in _right(x, probs))
        ),
        "fisher_weight is a sum over the images; take the mean there, too": (
            lambda x, probs: (len(x) * _right(x, probs)[0], _right(x, probs)[1])
        ),
        "fisher_bias is a sum over the images; take the mean there, too": (
            lambda x, probs: (_right(x, probs)[0], len(x) * _right(x, probs)[1])
        ),
        "p² counts only the labels that do not come; averaged over all labels, the square of p - y is p (1 - p)": (
            lambda x, probs: _averaged(x * x, probs**2)
        ),
        "(1 - p)² counts only the label that comes; averaged over all labels, the square of p - y is p (1 - p)": (
            lambda x, probs: _averaged(x * x, (1 - probs) ** 2)
        ),
        "p (1 - p) is an average of squares already; it is not squared again": (
            lambda x, probs: _averaged(x * x, (probs * (1 - probs)) ** 2)
        ),
        "you took the likeliest class for the label; all labels count, each with its probability": _of_likeliest,
        "two means were multiplied; multiply in each image, then take the mean": (
            lambda x, probs: (
                np.outer((x * x).mean(axis=0), (probs * (1 - probs)).mean(axis=0)),
                _right(x, probs)[1],
            )
        ),
        "p (1 - p) of the mean probabilities; take it of each image, then the mean": _of_mean_probs,
        "that is how much p varies over the images; p (1 - p) is how much the label of one image varies": _variances,
        "divide by B, not by B - 1: that is a mean over images, and no estimate of a variance": _unbiased,
        "that is the root; Fisher information is a mean of squares": (
            lambda x, probs: tuple(np.sqrt(part) for part in _right(x, probs))
        ),
        "x has lost its mean; the gradient of a weight has x as it is": (
            lambda x, probs: (_right(x - x.mean(axis=0), probs)[0], _right(x, probs)[1])
        ),
        "both are divided by K; over the classes nothing is averaged": (
            lambda x, probs: tuple(part / probs.shape[1] for part in _right(x, probs))
        ),
        "fisher_weight is turned round: its rows are the inputs, as those of weight are": (
            lambda x, probs: (_right(x, probs)[0].T, _right(x, probs)[1])
        ),
        "that is p, not p (1 - p): a class that is sure has no slope left": lambda x, probs: _averaged(x * x, probs),
    },
    not_to_call=("fisher",),
)
