# mypy: disable-error-code="no-untyped-def"
"""Lesson 23, from logits to tags that may follow each other."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 23.6 ---


def best_tags(scores, allowed, first):
    return _path(scores, allowed, first)


def _path(scores, allowed, first, *, join=np.add, back=True, best_of=np.argmax, low=-np.inf, top=np.max, last=None):
    """`low` is what stands in place of what is not allowed; `top` makes one number of all ways; `last`: who may end."""
    best = np.where(first, scores[0], low)
    came, ends = [], [best.argmax()]
    for row in scores[1:]:
        ways = np.where(allowed, best[:, None], low)
        came.append(ways.argmax(axis=0))
        best = join(top(ways, axis=0), row)
        ends.append(best.argmax())
    best = best if last is None else np.where(last, best, -np.inf)
    if not back:
        return np.array(ends)
    tags = [best_of(best)]
    for places in came[::-1]:
        tags.append(places[tags[-1]])
    return np.array(tags[::-1])


def _step_by_step(scores, allowed, first):
    tags = [np.where(first, scores[0], -np.inf).argmax()]
    for row in scores[1:]:
        tags.append(np.where(allowed[tags[-1]], row, -np.inf).argmax())
    return np.array(tags)


def _last_step_alone(scores, allowed, first):
    best, came = np.where(first, scores[0], -np.inf), []
    for row in scores[1:]:
        came.append(np.where(allowed, best[:, None], -np.inf).argmax(axis=0))
        best = row
    return _walked_back(best, came)


def _dearer(scores, allowed, first, by=100.0):
    """What is not allowed costs `by`, and is chosen all the same where it brings more."""
    best, came = scores[0] - by * ~first, []
    for row in scores[1:]:
        ways = best[:, None] - by * ~allowed
        came.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    return _walked_back(best, came)


def _overwritten(scores, allowed, first):
    """Tags of a word that come later see the new sums of those that came before."""
    best, came = np.where(first, scores[0], -np.inf), []
    for row in scores[1:]:
        came.append(np.zeros(len(best), int))
        for tag in range(len(best)):
            ways = np.where(allowed[:, tag], best, -np.inf)
            came[-1][tag] = ways.argmax()
            best[tag] = ways.max() + row[tag]
    return _walked_back(best, came)


def _beam(scores, allowed, first, width=2):
    """A few paths, the best so far."""
    kept = [(score, [tag]) for tag, score in enumerate(scores[0]) if first[tag]]
    for row in scores[1:]:
        kept = sorted(kept, key=lambda one: -one[0])[:width]
        kept = [(s + row[tag], [*path, tag]) for s, path in kept for tag in range(len(row)) if allowed[path[-1], tag]]
    return np.array(max(kept)[1])


def _from_the_end(scores, allowed, first):
    tags = [scores[-1].argmax()]
    for row in scores[-2::-1]:
        tags.append(np.where(allowed[:, tags[-1]], row, -np.inf).argmax())
    return np.array(tags[::-1])


def _walked_back(best, came):
    tags = [best.argmax()]
    for places in came[::-1]:
        tags.append(places[tags[-1]])
    return np.array(tags[::-1])


_WRONG = {
    "each word took its best tag by itself; some may not follow each other": (
        lambda scores, allowed, first: scores.argmax(axis=1)
    ),
    "from word to word the best allowed tag was taken; a worse one now may make a better one possible later": (
        _step_by_step
    ),
    "from the last word to the first the best allowed tag was taken; a worse one now may make a better one possible": (
        _from_the_end
    ),
    "only the few best paths so far were kept; a worse one may end best, so keep one for each tag": _beam,
    "what is not allowed got a 0, and sums below 0 are worse than that: -np.inf forbids": (
        lambda scores, allowed, first: _path(scores, allowed, first, low=0.0)
    ),
    "the new sums were written over the old ones that the next tags of the same word still need": _overwritten,
    "`first` says which tags may begin, not which may end": (
        lambda scores, allowed, first: _path(scores, allowed, np.full(len(first), True), last=first)
    ),
    "all ways to a tag were summed up; the best path keeps the largest": (
        lambda scores, allowed, first: _path(scores, allowed, first, top=np.logaddexp.reduce)
    ),
    "the last word's own scores are missing": (
        lambda scores, allowed, first: _path(
            np.concatenate([scores[:1], scores[1:-1], 0 * scores[1:][-1:]]), allowed, first
        )
    ),
    "`first` was not used: not every tag may begin a sentence": (
        lambda scores, allowed, first: _path(scores, allowed, np.full(len(first), True))
    ),
    "allowed is the other way round: allowed[i, j] says whether j may follow i": (
        lambda scores, allowed, first: _path(scores, allowed.T, first)
    ),
    "the path stands from its end to its beginning: turn it round": (
        lambda scores, allowed, first: _path(scores, allowed, first)[::-1]
    ),
    "the best end at each word was taken; its path may have come by other tags: walk back from the last word": (
        lambda scores, allowed, first: _path(scores, allowed, first, back=False)
    ),
    "allowed was not used: every tag followed every other": (
        lambda scores, allowed, first: _path(scores, np.full(allowed.shape, True), first)
    ),
    "the first word's own scores are missing: a path begins with scores[0], where a tag may be first": (
        lambda scores, allowed, first: _path(np.concatenate([0 * scores[:1], scores[1:]]), allowed, first)
    ),
    "the scores of the words before were lost: best is that of the way, plus the word's own": _last_step_alone,
    "the path does not end with the best sum: argmax of best, not argmin": (
        lambda scores, allowed, first: _path(scores, allowed, first, best_of=np.argmin)
    ),
    "that is the worst path of all": lambda scores, allowed, first: _path(-scores, allowed, first),
    "the scores of a path are added, not multiplied: they are logarithms": (
        lambda scores, allowed, first: _path(scores, allowed, first, join=np.multiply)
    ),
}


def _begun_late(scores, allowed, first):
    return _path(np.concatenate([scores[-1:], scores[1:]]), allowed, first)


def _staying(scores, allowed, first):
    return _path(scores, allowed | np.eye(len(allowed), dtype=bool), first)


def _paths_cases(rng: np.random.Generator) -> Iterator[Case]:
    wrong, sizes = [*_WRONG.values(), _begun_late, _staying], ((6, 5), (9, 3), (4, 7), (12, 4), (7, 4))
    for number, (T, K) in enumerate(sizes):
        scores, allowed, first = _telling(rng, T, K, wrong[number :: len(sizes)])
        large = 1e6 if number == len(sizes) - 1 else 1.0  # beside which no number is low enough but -inf
        yield Case((large * scores, allowed, first))
    yield Case((rng.standard_normal((1, 5)), rng.random((5, 5)) < 0.5, np.array([False, True, False, True, True])))


@np.errstate(invalid="ignore")
def _telling(rng: np.random.Generator, T: int, K: int, wrong):
    """Scores of which each of these mistakes makes another path."""
    while True:
        allowed = (rng.random((K, K)) < 0.5) | np.eye(K, k=1, dtype=bool) | np.eye(K, k=1 - K, dtype=bool)
        first = rng.random(K) < 0.5
        first[rng.permutation(K)[:2]] = True, False
        given = 1.5 * rng.standard_normal((T, K)) - 1.0, allowed, first
        answer = _path(*given)
        if all((mistake(*given) != answer).any() for mistake in wrong):
            return given


add(
    "23.6",
    best_tags,
    _paths_cases,
    outputs=("tags",),
    mistakes=_WRONG
    | {"what is not allowed was only made dearer, and wins where scores are large: -np.inf forbids": _dearer},
)
