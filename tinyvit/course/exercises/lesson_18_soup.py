# mypy: disable-error-code="no-untyped-def"
"""Lesson 18, one model out of several: a greedy soup."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 18.5 ---


def greedy_soup(models, score):
    return _soup(models, score)


def _mean(models):
    return {name: np.mean([model[name] for model in models], axis=0) for name in models[0]}


def _soup(
    models,
    score,
    *,
    in_order=True,
    worst=False,
    first=1,
    running=False,
    mean=_mean,
    enough=lambda tried, soup, best: tried >= soup,
    stop=False,
):
    ranked = sorted(models, key=score, reverse=not worst) if in_order else list(models)
    chosen, soup = [ranked[0]], ranked[0]
    for model in ranked[first:]:
        tried = _mean([soup, model]) if running else mean([*chosen, model])
        if enough(score(tried), score(soup), score(ranked[0])):
            chosen, soup = [*chosen, model], tried
        elif stop:
            break
    return {name: np.array(array) for name, array in soup.items()}


def _sum(models):
    return {name: np.sum([model[name] for model in models], axis=0) for name in models[0]}


def _prefix(models, score):
    """The best of the first, the first two, the first three, ..."""
    ranked = sorted(models, key=score, reverse=True)
    return max((_mean(ranked[:count]) for count in range(len(ranked), 0, -1)), key=score)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for count in (3, 5, 6, 1):
        for _ in range(3):
            middle = {"weight": rng.standard_normal((2, 3)), "bias": rng.standard_normal(3)}
            models = tuple(
                {name: middle[name] + rng.standard_normal(middle[name].shape) * rng.uniform(0.2, 3) for name in names}
                for names in [["weight", "bias"], ["bias", "weight"]] * (count // 2)
                + [["weight", "bias"]] * (count % 2)
            )
            yield Case((models, _nearness(middle)))
    for values in ((6.0, -1.0, 4.0, 2.2), (1.4, 2.4, 2.3), (0.9, 0.8)):  # one is not kept before one that is; a sum
        yield Case((_numbers(values), lambda model: -abs(float(model["weight"][0]) - 2.0)))
    alike = _numbers((2.2, 2.0, 5.0))
    yield Case((alike, lambda model: -round(abs(float(model["weight"][0]) - 2.0))))  # a mean that is as good


def _numbers(values):
    return tuple({"weight": np.array([value])} for value in values)


def _nearness(middle):
    return lambda model: -sum(((model[name] - middle[name]) ** 2).sum() for name in middle)


def _changed(**options):
    return lambda models, score: _soup(models, score, **options)


add(
    "18.5",
    greedy_soup,
    _cases,
    outputs=("soup",),
    mistakes={
        "the models were tried as they came; begin with the best": _changed(in_order=False),
        "the worst was tried first; begin with the best": _changed(worst=True),
        "all were taken; one stays in only if the mean with it is not worse than the mean without it": _changed(
            enough=lambda tried, soup, best: True
        ),
        "that is the best model alone; means with others may be better": _changed(
            enough=lambda tried, soup, best: False
        ),
        "in the mean of soup and model the first ones count less; take the mean of all that were chosen": (
            _changed(running=True)
        ),
        "one that leaves the score as it is stays in, too: not worse is enough": _changed(
            enough=lambda tried, soup, best: tried > soup
        ),
        "the comparison is turned round: a larger score is better": _changed(
            enough=lambda tried, soup, best: tried <= soup
        ),
        "the mean was compared with the best model alone; compare it with the soup as it is without the new one": (
            _changed(enough=lambda tried, soup, best: tried >= best)
        ),
        "the best model was tried once more, and counts twice: go through all but the first": _changed(first=0),
        "it stopped at the first model that made the soup worse; one behind it may still help": _changed(stop=True),
        "each soup was of all models up to one; leave out one that makes it worse, and try the next": _prefix,
        "that is a sum; a soup is the mean": _changed(mean=_sum),
    },
)
