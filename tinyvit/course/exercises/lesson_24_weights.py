# mypy: disable-error-code="no-untyped-def"
"""Lesson 24, elastic weight consolidation, and learning without forgetting."""

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
    yield Case((rng.standard_normal((3, 2)), rng.uniform(0.1, 0.9, (3, 1))))  # one class of several


def _of_the_mean(x, probs):
    weight, bias = _averaged(x, probs * (1 - probs))
    return weight**2, bias**2


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
        "fisher_weight is turned round: its rows are the inputs, as those of weight are": (
            lambda x, probs: (_right(x, probs)[0].T, _right(x, probs)[1])
        ),
        "that is p, not p (1 - p): a class that is sure has no slope left": lambda x, probs: _averaged(x * x, probs),
    },
    not_to_call=("fisher",),
)

# --- 24.4 ---


def old_answers(logits, said, temperature):
    return _answers(logits, said, temperature)


def _softmax(x):
    exps = np.exp(x - x.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def _answers(logits, said, T, *, whole=False, softened=True, loss=None, slope=None):
    """`loss` and `slope` are what stands in front of the sums; `whole`: softmax over the new classes too."""
    B, k = said.shape
    p = _softmax(logits / T)[:, :k] if whole else _softmax(logits[:, :k] / T)
    q = _softmax(said / T if softened else said)
    dlogits = np.zeros_like(logits)
    dlogits[:, :k] = (T / B if slope is None else slope) * (p - q)
    return (T * T / B if loss is None else loss) * (q * np.log(q / p)).sum(), dlogits


def _said_before(rng: np.random.Generator) -> Iterator[Case]:
    for B, K, k, T in ((4, 6, 4, 2.1), (1, 5, 3, 3.3), (3, 7, 2, 0.6), (int(rng.integers(2, 6)), 4, 3, 1.7)):
        yield Case((2 * rng.standard_normal((B, K)), 2 * rng.standard_normal((B, k)), T))


def _loss(change):
    return lambda logits, said, T: (change(logits, said, T), _answers(logits, said, T)[1])


def _cross_entropy(logits, said, T):
    q, p = _softmax(said / T), _softmax(logits[:, : said.shape[1]] / T)
    return -(T**2) * (q * np.log(p)).sum() / len(said)


def _turned_round(logits, said, T):
    q, p = _softmax(said / T), _softmax(logits[:, : said.shape[1]] / T)
    return T**2 * (p * np.log(p / q)).sum() / len(said)


add(
    "24.4",
    old_answers,
    _said_before,
    outputs=("loss", "dlogits"),
    mistakes={
        "T² is missing in both: it makes up for the two T that the logits are divided by": (
            lambda logits, said, T: _answers(logits, said, T, loss=1 / len(said), slope=1 / T / len(said))
        ),
        "the loss lacks T²": lambda logits, said, T: _answers(logits, said, T, loss=1 / len(said)),
        "dlogits lacks a T: of T², the 1/T inside the softmax takes away one": (
            lambda logits, said, T: _answers(logits, said, T, slope=1 / len(said))
        ),
        "dlogits has T² in front; the 1/T inside the softmax takes away one T": (
            lambda logits, said, T: _answers(logits, said, T, slope=T * T / len(said))
        ),
        "dlogits has the wrong sign: it is p - q, the new answer less the old one": (
            lambda logits, said, T: _answers(logits, said, T, slope=-T / len(said))
        ),
        "dlogits is not divided by the number of images": (lambda logits, said, T: _answers(logits, said, T, slope=T)),
        "both are sums over the images; take the mean": (
            lambda logits, said, T: _answers(logits, said, T, loss=T * T, slope=T)
        ),
        "the new classes take part in the softmax; the model of before knew nothing of them: cut first, then softmax": (
            lambda logits, said, T: _answers(logits, said, T, whole=True)
        ),
        "what the model of before said must be divided by T, too": (
            lambda logits, said, T: _answers(logits, said, T, softened=False)
        ),
        "the temperature is not used": lambda logits, said, T: _answers(logits, said, 1.0),
        "dlogits has the shape of logits: the new classes get zeros": (
            lambda logits, said, T: (
                _answers(logits, said, T)[0],
                _answers(logits, said, T)[1][:, : said.shape[1]],
            )
        ),
        "that is the cross-entropy; take q log q off, so that the loss is 0 where both say the same": _loss(
            _cross_entropy
        ),
        "p and q are exchanged in the loss: the old answer q stands in front of the logarithm": _loss(_turned_round),
        "the loss has the wrong sign: it is log q - log p, and never below 0": _loss(
            lambda logits, said, T: -_answers(logits, said, T)[0]
        ),
    },
    not_to_call=("distillation",),
)
