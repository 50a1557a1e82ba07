# mypy: disable-error-code="no-untyped-def"
"""Lesson 24, learning without forgetting: the answers of before are held."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 24.4 ---


def old_answers(logits, said, temperature):
    return _answers(logits, said, temperature)


def _softmax(x, axis=1):
    exps = np.exp(x - x.max(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis, keepdims=True)


def _answers(logits, said, T, *, whole=False, softened=True, loss=None, slope=None, axis=1):
    """`loss` and `slope` are what stands in front of the sums; `whole`: softmax over the new classes too."""
    B, k = said.shape
    p = _softmax(logits / T)[:, :k] if whole else _softmax(logits[:, :k] / T, axis)
    q = _softmax(said / T if softened else said, axis)
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


def _new_ones_pushed(logits, said, T):
    loss, dlogits = _answers(logits, said, T, whole=True)
    k = said.shape[1]
    dlogits[:, k:] = T / len(said) * _softmax(logits / T)[:, k:]
    return loss, dlogits


def _last_classes(logits, said, T):
    """The newest classes in place of the first."""
    loss, dlogits = _answers(logits[:, ::-1], said[:, ::-1], T)
    return loss, dlogits[:, ::-1]


def _of_probs(logits, said, T):
    loss, dlogits = _answers(logits, said, T)
    k = said.shape[1]
    dlogits[:, :k] = -T / len(said) * _softmax(said / T) / _softmax(logits[:, :k] / T)
    return loss, dlogits


def _squares(logits, said, T):
    dlogits = np.zeros_like(logits)
    dlogits[:, : said.shape[1]] = (logits[:, : said.shape[1]] - said) / T / len(said)
    return 0.5 * len(said) * (dlogits**2).sum(), dlogits


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
        "the new classes take part in the softmax, and are pushed down; cut first, then softmax: they get zeros": (
            _new_ones_pushed
        ),
        "the old classes are the first k, not the last": _last_classes,
        "logits are divided by T, not multiplied: probabilities become softer": (
            lambda logits, said, T: _answers(logits, said, 1 / T, loss=T * T / len(said), slope=T / len(said))
        ),
        "the softmax runs over the images; it runs over the classes of one image": (
            lambda logits, said, T: _answers(logits, said, T, axis=0)
        ),
        "the loss has T in front; it is T squared": (
            lambda logits, said, T: _answers(logits, said, T, loss=T / len(said))
        ),
        "the loss is a mean over classes, too; over the classes it is a sum": (
            lambda logits, said, T: _answers(logits, said, T, loss=T * T / said.size)
        ),
        "both are means over the classes, too; over the classes the loss is a sum": (
            lambda logits, said, T: _answers(logits, said, T, loss=T * T / said.size, slope=T / said.size)
        ),
        "that is the gradient by p, -q / p; behind it comes the softmax, and together they make p - q": _of_probs,
        "that is half the squared distance of logits; the loss compares probabilities": _squares,
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
