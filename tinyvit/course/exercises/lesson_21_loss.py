# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, a loss to learn a class for each pixel by."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 21.2 ---


def pixel_loss(logits, labels, class_weights):
    return _loss(logits, labels, class_weights)


def _weights_of(labels, class_weights):
    """A weight for each pixel, not yet adding up to 1."""
    counted = labels < len(class_weights)
    return np.where(counted, class_weights[np.where(counted, labels, 0)], 0.0)


def _loss(
    logits,
    labels,
    class_weights,
    *,
    weights=_weights_of,
    otherwise=0,
    total=lambda each, labels, K: each.sum(),
    logarithm=np.log,
    pull=lambda probs, truth, each, unscaled: (probs - truth) * each[:, None],
    cost=None,
    axis=1,
):
    exps = np.exp(logits - logits.max(axis, keepdims=True))
    probs = exps / exps.sum(axis, keepdims=True)
    K = len(class_weights)
    truth = np.where(labels < K, labels, otherwise % K)[:, None] == np.arange(K)
    unscaled = weights(labels, class_weights)
    each = unscaled / total(unscaled, labels, K)
    loss = (
        (each * logarithm(probs[truth])).sum() if cost is None else cost(probs, np.where(labels < K, labels, 0), each)
    )
    return -loss, pull(probs, truth, each, unscaled)


def _other(**options):
    return lambda logits, labels, class_weights: _loss(logits, labels, class_weights, **options)


def _counted_where(counts):
    """Pixels have a label by another rule."""

    def weights(labels, class_weights):
        counted = counts(labels, len(class_weights))
        return np.where(counted, class_weights[np.where(counted, labels, 0)], 0.0)

    return _other(weights=weights)


def _ones(labels, class_weights):
    return (labels < len(class_weights)) * 1.0


def _all_labelled(labels, class_weights):
    return class_weights[np.where(labels < len(class_weights), labels, 0)]


def _last_class(labels, class_weights):
    return class_weights[np.minimum(labels, len(class_weights) - 1)]


def _columns(logits, labels, class_weights):
    loss, dlogits = _loss(logits, labels, class_weights, pull=lambda probs, truth, each, unscaled: probs - truth)
    counted = (labels < len(class_weights))[:, None]
    return loss, dlogits * counted * class_weights / _weights_of(labels, class_weights).sum()


def _pixel_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, K, unlabelled, no_label in ((7, 3, 2, 255), (1, 4, 0, 0), (12, 2, 3, 2), (5, 5, 0, 0), (9, 4, 1, 77)):
        labels = rng.integers(0, K, n)
        labels[rng.permutation(n)[:unlabelled]] = no_label
        yield Case((2 * rng.standard_normal((n, K)), labels, rng.uniform(0.3, 3, K)))


add(
    "21.2",
    pixel_loss,
    _pixel_cases,
    outputs=("loss", "dlogits"),
    mistakes={
        "the class weights are missing: all pixels count alike": _other(weights=_ones),
        "divided by the number of pixels; the weights must add up to 1, so divide by their sum": _other(
            total=lambda each, labels, K: len(labels)
        ),
        "divided by the number of labelled pixels; the weights must add up to 1, so divide by their sum": _other(
            total=lambda each, labels, K: (labels < K).sum()
        ),
        "the weights were not divided by their sum": _other(total=lambda each, labels, K: 1.0),
        "pixels without a label count as if they were of class 0; their weight is 0": _other(weights=_all_labelled),
        "pixels without a label count as if they were of the last class; their weight is 0": _other(
            weights=_last_class, otherwise=-1
        ),
        "the loss is right, and the gradient lacks the weights of the pixels": _other(
            pull=lambda probs, truth, each, unscaled: probs - truth
        ),
        "the loss is right, and the gradient has the weights before they were divided by their sum": _other(
            pull=lambda probs, truth, each, unscaled: (probs - truth) * unscaled[:, None]
        ),
        "a label of K is none, too: labels < K have one, and not <= K": _counted_where(lambda labels, K: labels <= K),
        "all labels of K or more are none, and not 255 alone": _counted_where(lambda labels, K: labels != 255),
        "dlogits has the labelled pixels alone; the others have a row of 0": lambda logits, labels, class_weights: (
            _loss(logits, labels, class_weights)[0],
            _loss(logits, labels, class_weights)[1][labels < len(class_weights)],
        ),
        "the one-hot alone was weighted; the weight of a pixel multiplies probs - one-hot": _other(
            pull=lambda probs, truth, each, unscaled: probs - truth * each[:, None]
        ),
        "the gradient has the weights twice": _other(
            pull=lambda probs, truth, each, unscaled: (probs - truth) * (each * unscaled)[:, None]
        ),
        "the weights add up to 1 already: a sum with them is the mean, and was divided once more": _other(
            total=lambda each, labels, K: each.sum() * len(labels)
        ),
        "the class weights were divided by their sum; what must add up to 1 are the weights of the pixels": _other(
            weights=lambda labels, class_weights: _weights_of(labels, class_weights / class_weights.sum()),
            total=lambda each, labels, K: 1.0,
        ),
        "the probabilities of all classes were counted; a pixel's loss has that of its true class alone": _other(
            cost=lambda probs, labels, each: (each[:, None] * np.log(probs)).sum()
        ),
        "probs[:, labels] takes the labels of all pixels for each; one of each row is probs[onehot]": _other(
            cost=lambda probs, labels, each: (each * np.log(probs[:, labels])).sum()
        ),
        "probs[labels] takes whole rows, by number; one of each row is probs[onehot]": _other(
            cost=lambda probs, labels, each: (each * np.log(probs[labels])).sum()
        ),
        "the softmax went over the pixels; the probabilities of each pixel add up to 1: the last axis": _other(axis=0),
        "the sign of the gradient: it is probs - one-hot": _other(
            pull=lambda probs, truth, each, unscaled: (truth * 1.0 - probs) * each[:, None]
        ),
        "take 1 off at the true class: the gradient is probs - one-hot": _other(
            pull=lambda probs, truth, each, unscaled: probs * each[:, None]
        ),
        "the gradient is not 0 at the other classes: there it is probs, times the pixel's weight": _other(
            pull=lambda probs, truth, each, unscaled: (probs - truth) * truth * each[:, None]
        ),
        "the gradient's columns were weighted, each by its class; a pixel has one weight, that of its true class": (
            _columns
        ),
        "the sign of the loss: a logarithm of a probability is below 0": _other(logarithm=lambda p: -np.log(p)),
        "the logarithm is missing: the loss is minus the log of the true class's probability": _other(
            logarithm=lambda p: p
        ),
        "that is in bits, with log2; nats have np.log": _other(logarithm=np.log2),
    },
    not_to_call=("cross_entropy",),
)  # fmt: skip
