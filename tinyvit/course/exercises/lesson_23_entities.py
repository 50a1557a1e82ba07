# mypy: disable-error-code="no-untyped-def"
"""Lesson 23, from tags to entities."""

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


def _closed_or_opened(tags, *, again=""):
    """A tag that closes an entity does not open one, unless it begins with `again`."""
    found, start, kind = [], 0, ""
    for place, tag in enumerate([*tags, "O"]):
        closed = kind and tag != f"I-{kind}"
        if closed:
            found.append((start, place, kind))
            kind = ""
        if tag != "O" and not kind and (not closed or tag[0] == again):
            start, kind = place, tag[2:]
    return found


def _over_gaps(tags):
    """Entities of the words that are in one; an O between them is not seen."""
    places = [place for place, tag in enumerate(tags) if tag != "O"]
    ends = [*places, len(tags)]
    return [(places[start], ends[stop], kind) for start, stop, kind in _found([tags[place] for place in places])]


def _last_one_short(tags):
    found = _found(tags)
    if found and found[-1][1] == len(tags):
        found[-1] = (found[-1][0], len(tags) - 1, found[-1][2])
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
    if isinstance(result, set):
        raise NotAskedFor("it returned a set, which has no order; wanted a list, from left to right")
    for one in result:
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
        "an I that continues nothing was passed over, and one of another kind continued: the kind must be the same": (
            lambda tags: _found(tags, kinds=False, lone=False)
        ),
        "a tag that closes an entity may open the next one, a B as well as an I of another kind: `if`, not `elif`": (
            _closed_or_opened
        ),
        "an I of another kind closed the entity, and opened none: it begins a new one": (
            lambda tags: _closed_or_opened(tags, again="B")
        ),
        "an O ends an entity: an I behind it begins a new one": _over_gaps,
        "the entity that goes on to the end of the sentence stops one word early: its stop is len(tags)": (
            _last_one_short
        ),
        "stop is the place behind the last word, and not how many words there are": (
            lambda tags: [(start, stop - start, kind) for start, stop, kind in _found(tags)]
        ),
        "entities of one word are missing": lambda tags: [one for one in _found(tags) if one[1] - one[0] > 1],
        "the entities are right, and their order is not: from left to right": (
            lambda tags: sorted(_found(tags), key=lambda one: one[2])
        ),
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
