# mypy: disable-error-code="no-untyped-def"
"""Lesson 23, from tags to entities, and from logits to tags that may follow each other."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, NotAskedFor, add

# --- 23.4 ---

KINDS = ("PER", "LOC", "ORG", "DATE")


def entities(tags):
    return _found(tags)


def _found(tags, *, begins=("B",), kinds=True, lone=True, last=True, stop=0, first=0):
    """`begins`: positions that end the entity before; `kinds`: whether another kind does; `lone`: whether I begins."""
    found, start, kind = [], 0, ""
    for place, tag in enumerate([*tags, "O"] if last else tags):
        if kind and (tag == "O" or tag[0] in begins or (kinds and tag[2:] != kind)):
            found.append((first + start, first + place + stop, kind))
            kind = ""
        if tag != "O" and not kind and (lone or tag[0] == "B"):
            start, kind = place, tag[2:]
    return found


def _runs(tags):
    """Words alike in a row, the outside too."""
    found, start = [], 0
    for place in range(1, len(tags) + 1):
        if place == len(tags) or tags[place] != tags[start]:
            if tags[start] != "O":
                found.append((start, place, tags[start][2:]))
            start = place
    return found


def _as_arrays(result):
    """Starts and stops, and kinds as numbers."""
    if not isinstance(result, list | tuple | set):
        raise NotAskedFor(f"it returned a {type(result).__name__}, wanted a list of entities: (start, stop, kind)")
    places, kinds = [], []
    for one in sorted(result, key=str) if isinstance(result, set) else result:
        if not isinstance(one, list | tuple) or len(one) != 3:
            raise NotAskedFor(f"an entity is {one!r}; wanted three things in brackets: (start, stop, kind)")
        start, stop, kind = one
        if isinstance(start, str) or isinstance(stop, str) or not isinstance(kind, str):
            raise NotAskedFor(f"an entity is {one!r}; wanted (start, stop, kind): two places, then the kind")
        if kind not in KINDS:
            raise NotAskedFor(f"{kind!r} is no kind; that of 'B-PER' and 'I-PER' is 'PER', tag[2:]")
        places.append(np.array([start, stop]))
        kinds.append(KINDS.index(kind))
    return places, kinds


TOLD = (
    "B-PER I-PER O O B-LOC O",
    "B-PER B-PER I-PER",
    "O I-LOC I-LOC O B-ORG I-ORG I-ORG",
    "B-PER I-LOC O O",
    "O O O",
    "B-DATE",
    "O B-LOC I-LOC B-LOC O I-DATE",
    "I-PER I-ORG B-ORG",
)


def _sentence_cases(rng: np.random.Generator) -> Iterator[Case]:
    for sentence in TOLD:
        yield Case((sentence.split(),))
    yield Case(([],))
    for length in (9, 14, 20):
        yield Case(([str(tag) for tag in _random_tags(rng, length)],))


def _random_tags(rng: np.random.Generator, length: int) -> Iterator[str]:
    """Tags in any order, entities of several words among them."""
    kind = KINDS[0]
    for chance in rng.random(length):
        if chance < 0.3:
            yield "O"
        else:
            kind = KINDS[rng.integers(4)] if chance > 0.75 else kind
            yield f"{'B' if chance > 0.6 else 'I'}-{kind}"


add(
    "23.4",
    entities,
    _sentence_cases,
    outputs=("entities", "kinds"),
    summary=_as_arrays,
    not_to_call=("spans",),
    mistakes={
        "an entity that goes on to the end of the sentence is missing: behind the last word it must be closed, too": (
            lambda tags: _found(tags, last=False)
        ),
        "two entities of one kind, side by side, became one: a B begins a new one": (
            lambda tags: _found(tags, begins=())
        ),
        "an I of another kind continued the entity; it begins a new one": lambda tags: _found(tags, kinds=False),
        "an I that continues nothing was passed over; it begins an entity": lambda tags: _found(tags, lone=False),
        "each word became an entity; an I of the same kind continues the one before": (
            lambda tags: _found(tags, begins=("B", "I"))
        ),
        "words with the same tag in a row were taken together; B-PER I-PER is one person, B-PER B-PER are two": _runs,
        "stop is the place behind the last word, as in a slice; yours is one less": (
            lambda tags: _found(tags, stop=-1)
        ),
        "places are counted from 0": lambda tags: _found(tags, first=1),
        "the I's are missing: an entity ends behind its first word only if no I of its kind follows": (
            lambda tags: [(start, start + 1, kind) for start, _, kind in _found(tags)]
        ),
        "only the first entity is there": lambda tags: _found(tags)[:1],
    },
)

# --- 23.6 ---


def best_tags(scores, allowed, first):
    return _path(scores, allowed, first)


def _path(scores, allowed, first, *, join=np.add, back=True, best_of=np.argmax):
    best = np.where(first, scores[0], -np.inf)
    came, ends = [], [best.argmax()]
    for row in scores[1:]:
        ways = np.where(allowed, best[:, None], -np.inf)
        came.append(ways.argmax(axis=0))
        best = join(ways.max(axis=0), row)
        ends.append(best.argmax())
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


def _paths_cases(rng: np.random.Generator) -> Iterator[Case]:
    for T, K in ((6, 5), (9, 3), (4, 7), (12, 4)):
        yield Case(_telling(rng, T, K))
    yield Case((rng.standard_normal((1, 5)), rng.random((5, 5)) < 0.5, np.array([False, True, False, True, True])))


def _telling(rng: np.random.Generator, T: int, K: int):
    """Scores of which every usual mistake makes another path."""
    while True:
        allowed = (rng.random((K, K)) < 0.5) | np.eye(K, k=1, dtype=bool) | np.eye(K, k=1 - K, dtype=bool)
        first = rng.random(K) < 0.5
        first[rng.permutation(K)[:2]] = True, False
        given = 1.5 * rng.standard_normal((T, K)) - 1.0, allowed, first
        answer = _path(*given)
        begun_late = _path(np.concatenate([given[0][-1:], given[0][1:]]), allowed, first)
        with np.errstate(invalid="ignore"):
            if (begun_late != answer).any() and all((wrong(*given) != answer).any() for wrong in _WRONG.values()):
                return given


add("23.6", best_tags, _paths_cases, outputs=("tags",), mistakes=_WRONG)
