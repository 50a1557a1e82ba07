# mypy: disable-error-code="no-untyped-def"
"""Lesson 25, the loss of distillation, and what it becomes at a high temperature."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 25.4 ---


def distillation_loss(logits, teacher_logits, labels, temperature, alpha):
    return _both(logits, teacher_logits, labels, temperature, alpha)


def _softmax(x, axis=1):
    exps = np.exp(x - x.max(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis, keepdims=True)


def _taught(z, v, T, *, q=None, loss=None, slope=None):
    """`loss` and `slope` are what stands in front of the sums."""
    p, q = _softmax(z / T), _softmax(v / T) if q is None else q
    loss = (T * T / len(z) if loss is None else loss) * (q * np.log(q / p)).sum()
    return loss, (T / len(z) if slope is None else slope) * (p - q)


def _labelled(z, labels, T=1.0):
    p = _softmax(z / T)
    picked = np.arange(len(z)), labels
    slope = p.copy()
    slope[picked] -= 1
    return -np.log(p[picked]).mean(), slope / T / len(z)


def _mixed(soft, hard, alpha):
    return tuple(alpha * one + (1 - alpha) * other for one, other in zip(soft, hard, strict=True))


def _both(z, v, labels, T, alpha, **change):
    return _mixed(_taught(z, v, T, **change), _labelled(z, labels), alpha)


def _lessons(rng: np.random.Generator) -> Iterator[Case]:
    for B, K, T, alpha in ((4, 5, 2.3, 0.7), (1, 3, 3.7, 0.4), (5, 4, 0.6, 0.8), (3, 7, 1.0, 0.35)):
        z, v = 2 * rng.standard_normal((2, B, K))
        yield Case((z, v, rng.integers(0, K, B), T, alpha))
    B = int(rng.integers(2, 6))
    z, v = rng.standard_normal((2, B, 6))
    yield Case((z, v, rng.integers(0, 6, B), float(rng.uniform(4, 9)), float(rng.uniform(0.1, 0.9))))


def _with(loss=None, dlogits=None):
    """The right loss and gradient, one of them changed."""

    def mistake(z, v, labels, T, alpha):
        right = _both(z, v, labels, T, alpha)
        args = z, v, labels, T, alpha
        return (right[0] if loss is None else loss(*args), right[1] if dlogits is None else dlogits(*args))

    return mistake


def _reversed_loss(z, v, labels, T, alpha):
    p, q = _softmax(z / T), _softmax(v / T)
    return alpha * T * T * (p * np.log(p / q)).sum() / len(z) + (1 - alpha) * _labelled(z, labels)[0]


def _cross(z, v, labels, T, alpha):
    p, q = _softmax(z / T), _softmax(v / T)
    return -alpha * T * T * (q * np.log(p)).sum() / len(z) + (1 - alpha) * _labelled(z, labels)[0]


add(
    "25.4",
    distillation_loss,
    _lessons,
    outputs=("loss", "dlogits"),
    not_to_call=("distillation", "cross_entropy"),
    mistakes={
        "T² is missing in both: without it a high temperature makes the teacher's part vanish": (
            lambda z, v, labels, T, alpha: _both(z, v, labels, T, alpha, loss=1 / len(z), slope=1 / T / len(z))
        ),
        "the loss lacks T²": lambda z, v, labels, T, alpha: _both(z, v, labels, T, alpha, loss=1 / len(z)),
        "the teacher's part of dlogits lacks a T: of T², the 1/T inside the softmax takes away one": (
            lambda z, v, labels, T, alpha: _both(z, v, labels, T, alpha, slope=1 / len(z))
        ),
        "the teacher's part of dlogits has T² in front; the 1/T inside the softmax takes away one T": (
            lambda z, v, labels, T, alpha: _both(z, v, labels, T, alpha, slope=T * T / len(z))
        ),
        "T, and not T², stands in front of the teacher's loss": (
            lambda z, v, labels, T, alpha: _both(z, v, labels, T, alpha, loss=T / len(z))
        ),
        "alpha belongs to the teacher, and 1 - alpha to the labels": (
            lambda z, v, labels, T, alpha: _both(z, v, labels, T, 1 - alpha)
        ),
        "the labels' part is missing": lambda z, v, labels, T, alpha: _mixed(_taught(z, v, T), (0.0, 0.0 * z), alpha),
        "the teacher's part is missing": (
            lambda z, v, labels, T, alpha: _mixed((0.0, 0.0 * z), _labelled(z, labels), alpha)
        ),
        "the labels' part is weighted by 1, not by 1 - alpha": (
            lambda z, v, labels, T, alpha: tuple(
                alpha * one + other for one, other in zip(_taught(z, v, T), _labelled(z, labels), strict=True)
            )
        ),
        "the cross-entropy with the labels is not softened: it takes the logits as they are": (
            lambda z, v, labels, T, alpha: _mixed(_taught(z, v, T), _labelled(z, labels, T), alpha)
        ),
        "what the teacher said must be divided by T, too": (
            lambda z, v, labels, T, alpha: _both(z, v, labels, T, alpha, q=_softmax(v))
        ),
        "the temperature is not used": lambda z, v, labels, T, alpha: _both(z, v, labels, 1.0, alpha),
        "dlogits has the wrong sign": _with(dlogits=lambda *args: -_both(*args)[1]),
        "both are sums over the images; take the mean": (
            lambda z, v, labels, T, alpha: tuple(len(z) * one for one in _both(z, v, labels, T, alpha))
        ),
        "dlogits is not divided by the number of images": _with(dlogits=lambda *args: len(args[0]) * _both(*args)[1]),
        "p and q are exchanged in the loss: the teacher's q stands in front of the logarithm": _with(_reversed_loss),
        "that is the cross-entropy to the teacher; take q log q off, so that it is 0 where both say the same": (
            _with(_cross)
        ),
        "the teacher's likeliest class was taken for a label; take all its probabilities": (
            lambda z, v, labels, T, alpha: _mixed(_labelled(z, v.argmax(axis=1)), _labelled(z, labels), alpha)
        ),
        "p is that of z, not of z / T": _with(
            dlogits=lambda z, v, labels, T, alpha: (
                alpha * T * (_softmax(z) - _softmax(v / T)) / len(z) + (1 - alpha) * _labelled(z, labels)[1]
            )
        ),
    },
)

# --- 25.5 ---


def hot_distillation(logits, teacher_logits):
    return _squares(logits, teacher_logits)


def _centred(x, axis=1):
    return x - x.mean(axis=axis, keepdims=True)


def _squares(z, v, *, centre=_centred, own=None, loss=0.5, slope=1.0):
    apart = (centre if own is None else own)(z) - centre(v)
    B, K = z.shape
    return loss * (apart**2).sum() / (B * K), slope * apart / (B * K)


def _pairs(rng: np.random.Generator) -> Iterator[Case]:
    for B, K in ((4, 5), (1, 3), (6, 2), (3, int(rng.integers(6, 12)))):
        z, v = 3 * rng.standard_normal((2, B, K))
        yield Case((z + rng.standard_normal((B, 1)), v + 2))


add(
    "25.5",
    hot_distillation,
    _pairs,
    outputs=("loss", "dlogits"),
    not_to_call=("mse", "distillation"),
    mistakes={
        "the logits were not centred: softmax ignores what is added to all logits of a row, and so must the loss": (
            lambda z, v: _squares(z, v, centre=lambda x: x)
        ),
        "the student's logits were not centred": lambda z, v: _squares(z, v, own=lambda x: x),
        "the teacher's logits were not centred": (lambda z, v: _squares(z, v, own=_centred, centre=lambda x: x)),
        "the mean was taken over the images; each image's own logits have a mean of 0": (
            lambda z, v: _squares(z, v, centre=lambda x: _centred(x, axis=0))
        ),
        "one mean was taken of all logits; each row has its own": (
            lambda z, v: _squares(z, v, centre=lambda x: x - x.mean())
        ),
        "the loss lacks its ½": lambda z, v: _squares(z, v, loss=1.0),
        "dlogits has a 2 too many: the ½ of the loss takes it away": lambda z, v: _squares(z, v, slope=2.0),
        "dlogits has a ½ left: the slope of a square takes it away": lambda z, v: _squares(z, v, slope=0.5),
        "1/K is missing in both: at a high temperature every probability is near 1/K": (
            lambda z, v: _squares(z, v, loss=0.5 * z.shape[1], slope=float(z.shape[1]))
        ),
        "1/B is missing in both: it is a mean over the images": (
            lambda z, v: _squares(z, v, loss=0.5 * len(z), slope=float(len(z)))
        ),
        "dlogits lacks 1/B: it is the gradient of a mean over the images": (
            lambda z, v: _squares(z, v, slope=float(len(z)))
        ),
        "dlogits lacks 1/K": lambda z, v: _squares(z, v, slope=float(z.shape[1])),
        "dlogits has the wrong sign: it is the student less the teacher": lambda z, v: _squares(z, v, slope=-1.0),
        "the squares were forgotten: the differences of a row add up to 0": (
            lambda z, v: (0.5 * (_centred(z) - _centred(v)).sum() / z.size, _squares(z, v)[1])
        ),
        "the softmaxes are compared; in the limit it is the logits": (lambda z, v: _squares(_softmax(z), _softmax(v))),
    },
)
