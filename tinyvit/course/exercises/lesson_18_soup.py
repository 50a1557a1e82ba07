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


def _soup(models, score, *, in_order=True, strict=False, everybody=False, running=False, worst=False, best=False):
    ranked = sorted(models, key=score, reverse=not worst) if in_order else list(models)
    if everybody or best:
        return _mean(ranked if everybody else ranked[:1])
    chosen, soup = [ranked[0]], ranked[0]
    for model in ranked[1:]:
        tried = _mean([soup, model]) if running else _mean([*chosen, model])
        better = score(tried) > score(soup) if strict else score(tried) >= score(soup)
        if better:
            chosen, soup = [*chosen, model], tried
    return {name: array.copy() for name, array in soup.items()}


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for count in (3, 5, 6, 1):
        for _ in range(3):
            middle = {"weight": rng.standard_normal((2, 3)), "bias": rng.standard_normal(3)}
            models = tuple(
                {name: array + rng.standard_normal(array.shape) * rng.uniform(0.2, 3) for name, array in middle.items()}
                for _ in range(count)
            )
            yield Case((models, _nearness(middle)))
    uneven = tuple({"weight": np.array([value])} for value in (6.0, -1.0, 4.0, 2.2))
    yield Case((uneven, lambda model: -abs(float(model["weight"][0]) - 2.0)))
    alike = tuple({"weight": np.array([value])} for value in (2.2, 2.0, 5.0))
    yield Case((alike, lambda model: -round(abs(float(model["weight"][0]) - 2.0))))  # a mean that is as good


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
        "all were taken; one stays in only if the mean is not worse with it": _changed(everybody=True),
        "that is the best model alone; means with others may be better": _changed(best=True),
        "in the mean of soup and model the first ones count less; take the mean of all that were chosen": (
            _changed(running=True)
        ),
        "one that leaves the score as it is stays in, too: not worse is enough": _changed(strict=True),
    },
    summary=lambda soup: np.concatenate([np.ravel(soup[name]) for name in sorted(soup)]),
)
