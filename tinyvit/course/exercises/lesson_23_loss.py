# mypy: disable-error-code="no-untyped-def"
"""Lesson 23, a loss of words that leaves padding out, both ways."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 23.3 ---


def tag_loss(logits, tags):
    return _loss(logits, tags)


def _shares(tags):
    """(B, T): the share of each word in the loss."""
    there = tags >= 0
    return there / np.maximum(there.sum(axis=1, keepdims=True), 1) / len(tags)


@np.errstate(all="ignore")
def _log_probs(logits, top=True, axis=2):
    shifted = logits - logits.max(axis=axis, keepdims=True) if top else logits
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@np.errstate(all="ignore")
def _loss(logits, tags, *, shares=_shares, dshares=None, top=True, sign=1.0, wanted=1.0, padding=-1, axis=2):
    """`wanted`: what is taken off the probability of the right tag in the gradient."""
    log_probs = _log_probs(logits, top, axis)
    onehot = np.eye(logits.shape[2])[np.where(tags < 0, padding, tags)]
    weights = shares(tags)[:, :, None]
    dweights = weights if dshares is None else dshares(tags)[:, :, None]
    dlogits = sign * dweights * (np.exp(log_probs) - wanted * onehot)
    return -(weights * onehot * log_probs).sum(), dlogits


def _all_words(tags):
    return (tags >= 0) / max((tags >= 0).sum(), 1)


def _sum_of_sentences(tags):
    return _shares(tags) * len(tags)


def _by_length(tags):
    return (tags >= 0) / tags.size


def _with_padding(tags):
    return np.full(tags.shape, 1 / tags.size)


def _of_those_with_words(tags):
    return _shares(tags) * len(tags) / max((tags >= 0).any(axis=1).sum(), 1)


def _without_tag_0(tags):
    return _shares(np.where(tags == 0, -1, tags))


@np.errstate(all="ignore")
def _of_rounded(logits, tags, *, rest=np.nan, small=0.0):
    """The loss by logarithms of probabilities, some of which have become 0; `rest`: what is made of 0 times -inf."""
    log_probs = np.log(np.exp(_log_probs(logits)) + small)
    terms = _shares(tags)[:, :, None] * np.eye(logits.shape[2])[tags] * log_probs
    return -np.where(np.isnan(terms), rest, terms).sum(), _loss(logits, tags)[1]


def _shares_of_probs(logits, tags):
    loss, dlogits = _loss(logits, tags)
    onehot = np.eye(logits.shape[2])[tags]
    return loss, dlogits + (_shares(tags)[:, :, None] - 1) * onehot


@np.errstate(all="ignore")
def _shares_or_nan(tags):
    there = tags >= 0
    return there / there.sum(axis=1, keepdims=True) / len(tags)


def _tags_cases(rng: np.random.Generator) -> Iterator[Case]:
    for lengths, T, K in (([6, 2, 4], 6, 4), ([3], 5, 3), ([1, 3, 2, 3], 4, 2), ([5, 7], 9, 5)):
        yield Case((2 * rng.standard_normal((len(lengths), T, K)), _tags(rng, lengths, T, K)))
    yield Case((rng.standard_normal((3, 5, 4)), _tags(rng, [3, 0, 4], 5, 4)))
    yield Case((900 * rng.standard_normal((2, 4, 3)), _tags(rng, [2, 3], 4, 3)))


def _tags(rng: np.random.Generator, lengths: list[int], T: int, K: int) -> np.ndarray:
    """(B, T), -1 behind the last word."""
    tags = rng.integers(0, K, (len(lengths), T))
    return np.where(np.arange(T) < np.array(lengths)[:, None], tags, -1)


add(
    "23.3",
    tag_loss,
    _tags_cases,
    outputs=("loss", "dlogits"),
    mistakes={
        "the mean went over all words of the batch, so that long sentences count more; first over the words of each "
        "sentence, then over the sentences": lambda logits, tags: _loss(logits, tags, shares=_all_words),
        "each sentence was divided by T, its places; divide by its words": (
            lambda logits, tags: _loss(logits, tags, shares=_by_length)
        ),
        "padding was counted, as the last tag, where -1 leads as an index; its share must be 0": (
            lambda logits, tags: _loss(logits, tags, shares=_with_padding)
        ),
        "padding was counted, as tag 0; its share must be 0": (
            lambda logits, tags: _loss(logits, tags, shares=_with_padding, padding=0)
        ),
        "that is the sum over the sentences; divide by their number, B": (
            lambda logits, tags: _loss(logits, tags, shares=_sum_of_sentences)
        ),
        "the loss is right, and padding has a gradient, though the loss does not look at it": (
            lambda logits, tags: _loss(
                logits,
                tags,
                dshares=lambda tags: (
                    (1 / np.maximum((tags >= 0).sum(axis=1, keepdims=True), 1) / len(tags)) * np.ones(tags.shape)
                ),
            )
        ),
        "the loss is right, and dlogits has not got the words' shares: the same that stand in the loss": (
            lambda logits, tags: _loss(logits, tags, dshares=lambda tags: 1.0 * (tags >= 0))
        ),
        "the loss is right, and dlogits is that of a mean over all words of the batch": (
            lambda logits, tags: _loss(logits, tags, dshares=_all_words)
        ),
        "an empty sentence is one of the B, too, though all its shares are 0: divide by len(tags)": (
            lambda logits, tags: _loss(logits, tags, shares=_of_those_with_words)
        ),
        "an empty sentence is one of the B in the loss, too, as it is in dlogits; np.nanmean leaves it out": (
            lambda logits, tags: (_loss(logits, tags, shares=_of_those_with_words)[0], _loss(logits, tags)[1])
        ),
        "words with tag 0 were left out; 0 is a tag, and padding is -1": (
            lambda logits, tags: _loss(logits, tags, shares=_without_tag_0)
        ),
        "the softmax went over the places of a sentence; it goes over the K logits of a word, the last axis": (
            lambda logits, tags: _loss(logits, tags, axis=1)
        ),
        "the shares have divided already, so add up, and take no mean": (
            lambda logits, tags: (_loss(logits, tags)[0] / logits.size, _loss(logits, tags)[1])
        ),
        "the loss is right, and dlogits is divided by B alone, not by the words of each sentence": (
            lambda logits, tags: _loss(logits, tags, dshares=lambda tags: (tags >= 0) / len(tags))
        ),
        "dlogits has the share in front of the probability alone; a (p - 1) has it in front of the 1, too": (
            _shares_of_probs
        ),
        "a probability that was rounded to 0 has no logarithm: log p is shifted - log(sum of exp), without exp again": (
            _of_rounded
        ),
        "np.nansum leaves out what is NaN; it comes from a probability that was rounded to 0: log p is shifted - "
        "log(sum of exp), without exp again": lambda logits, tags: _of_rounded(logits, tags, rest=0.0),
        "a small number inside log hides a probability that was rounded to 0: log(1e-12) is -28, and the loss of such "
        "a word may be in the hundreds; log p is shifted - log(sum of exp)": (
            lambda logits, tags: _of_rounded(logits, tags, small=1e-12)
        ),
        "dlogits is the probabilities; at the right tag, 1 is taken off": (
            lambda logits, tags: _loss(logits, tags, wanted=0.0)
        ),
        "dlogits points the wrong way: probability minus 1 at the right tag": (
            lambda logits, tags: _loss(logits, tags, sign=-1.0)
        ),
        "the loss has the wrong sign: a logarithm of a probability is negative, the loss is minus that": (
            lambda logits, tags: (-_loss(logits, tags)[0], _loss(logits, tags)[1])
        ),
        "the results are right and changed places: first the loss, then dlogits": (
            lambda logits, tags: _loss(logits, tags)[::-1]
        ),
        "a sentence without a word is 0 / 0; divide by 1 at least, np.maximum(count, 1)": (
            lambda logits, tags: _loss(logits, tags, shares=_shares_or_nan)
        ),
        "exp overflows for logits in the hundreds: take off each word's largest first": (
            lambda logits, tags: _loss(logits, tags, top=False)
        ),
    },
)
