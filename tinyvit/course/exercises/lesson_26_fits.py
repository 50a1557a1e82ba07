# mypy: disable-error-code="no-untyped-def"
"""Lesson 26, a power law with a floor, and the best size for a budget."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 26.3 ---


def power_law(sizes, losses, floors):
    return _searched(sizes, losses, floors)


def _searched(
    sizes,
    losses,
    floors,
    *,
    line=lambda sizes, losses, floor: np.polyfit(np.log(sizes), np.log(losses - floor), 1),
    curve=lambda sizes, slope, factor, floor: floor + factor * sizes**slope,
    error=lambda losses, curve, floor: ((np.log(curve) - np.log(losses)) ** 2).sum(),
    best=np.argmin,
    end=lambda floor, slope, factor: (floor, factor, -slope),
):
    lines = [line(sizes, losses, floor) for floor in floors]
    curves = [
        curve(sizes, slope, np.exp(intercept), floor) for (slope, intercept), floor in zip(lines, floors, strict=True)
    ]
    with np.errstate(invalid="ignore"):
        index = best([error(losses, one, floor) for one, floor in zip(curves, floors, strict=True)])
    slope, intercept = lines[index]
    return end(floors[index], slope, np.exp(intercept))


def _laws(rng: np.random.Generator) -> Iterator[Case]:
    for count, floor, factor, exponent, noise in (
        (8, 0.4, 9.0, 0.45, 0.15),
        (6, 0.0, 4.0, 0.2, 0.1),
        (12, 0.5, 10.0, 0.4, 0.005),
        (int(rng.integers(9, 14)), 0.25, 6.0, 0.35, 0.15),
        (5, 0.6, 12.0, 0.5, 0.1),
    ):
        sizes = np.exp(rng.uniform(3, 8, count))
        losses = (floor + factor * sizes**-exponent) * np.exp(noise * rng.standard_normal(count))
        floors = np.linspace(0, 0.98 * losses.min(), 40)
        yield Case((sizes, losses, rng.permutation(floors) if count % 2 else floors))
    sizes = np.exp(np.linspace(3, 8, 9))
    yield Case((sizes, 0.3 + 5 * sizes**-0.4 * np.exp(0.1 * rng.standard_normal(9)), np.array([0.2])))


def _straightness(losses, curve, floor):
    """The squares in the picture with the floor taken off, in which each floor has a scale of its own."""
    return ((np.log(curve - floor) - np.log(losses - floor)) ** 2).sum()


def _base_10(sizes, losses, floor):
    return np.polyfit(np.log10(sizes), np.log10(losses - floor), 1)


add(
    "26.3",
    power_law,
    _laws,
    outputs=("floor", "factor", "exponent"),
    mistakes={
        "the exponent is the slope with its sign turned: the line goes down, α is positive": (
            lambda s, y, f: _searched(s, y, f, end=lambda floor, slope, factor: (floor, factor, slope))
        ),
        "the factor is exp of the intercept: that is ln A": (
            lambda s, y, f: _searched(s, y, f, end=lambda floor, slope, factor: (floor, np.log(factor), -slope))
        ),
        "the first floor was taken: compare the errors, and keep the smallest": (
            lambda s, y, f: _searched(s, y, f, best=lambda errors: 0)
        ),
        "the last floor was taken: compare the errors, and keep the smallest": (
            lambda s, y, f: _searched(s, y, f, best=lambda errors: -1)
        ),
        "the floor with the largest error was kept": lambda s, y, f: _searched(s, y, f, best=np.argmax),
        "floors were judged by ln(L - E), whose scale is another for each E; judge the logarithm of the loss itself": (
            lambda s, y, f: _searched(s, y, f, error=_straightness)
        ),
        "floors were judged by the losses; judge their logarithms": (
            lambda s, y, f: _searched(s, y, f, error=lambda losses, curve, floor: ((curve - losses) ** 2).sum())
        ),
        "errors were added without their squares; those above and below cancel": (
            lambda s, y, f: _searched(
                s, y, f, error=lambda losses, curve, floor: (np.log(curve) - np.log(losses)).sum()
            )
        ),
        "absolute errors were added; add their squares": (
            lambda s, y, f: _searched(
                s, y, f, error=lambda losses, curve, floor: np.abs(np.log(curve) - np.log(losses)).sum()
            )
        ),
        "the floor was not taken off before the logarithm": (
            lambda s, y, f: _searched(
                s, y, f, line=lambda sizes, losses, floor: np.polyfit(np.log(sizes), np.log(losses), 1)
            )
        ),
        "the curve lacks the floor: put it back before you compare with the losses": (
            lambda s, y, f: _searched(s, y, f, curve=lambda sizes, slope, factor, floor: factor * sizes**slope)
        ),
        "the sizes need their logarithm, too: without it, the line is an exponential": (
            lambda s, y, f: _searched(
                s,
                y,
                f,
                line=lambda sizes, losses, floor: np.polyfit(sizes, np.log(losses - floor), 1),
                curve=lambda sizes, slope, factor, floor: floor + factor * np.exp(slope * sizes),
            )
        ),
        "logarithms to base 10 need 10** and not exp": lambda s, y, f: _searched(s, y, f, line=_base_10),
        "the order: floor, factor, exponent": (
            lambda s, y, f: _searched(s, y, f, end=lambda floor, slope, factor: (floor, -slope, factor))
        ),
        "that is the number of the floor in the list; return the floor": (
            lambda s, y, f: (float(np.flatnonzero(f == _searched(s, y, f)[0])[0]), *_searched(s, y, f)[1:])
        ),
    },
)

# --- 26.5 ---


def best_size(sizes, losses):
    return _vertex(sizes, losses)


def _vertex(
    sizes,
    losses,
    *,
    log=np.log,
    exp=np.exp,
    fit=lambda x, y: np.polyfit(x, y, 2),
    place=lambda a, b: -b / (2 * a),
    height=lambda a, b, c, x: a * x * x + b * x + c,
):
    a, b, c = fit(log(sizes), losses)
    x = place(a, b)
    return exp(x), height(a, b, c, x)


def _budgets(rng: np.random.Generator) -> Iterator[Case]:
    for count, centre in ((5, 3.0), (3, 1.5), (7, 2.5), (int(rng.integers(6, 10)), 2.0)):
        x = np.sort(centre + rng.uniform(-1.7, 1.6, count))
        losses = 0.5 + rng.uniform(0.1, 0.4) * (x - centre - 0.3) ** 2
        yield Case((np.exp(x), losses + 0.01 * rng.standard_normal(count)))


def _smallest_measured(sizes, losses):
    return sizes[losses.argmin()], losses.min()


add(
    "26.5",
    best_size,
    _budgets,
    outputs=("size", "loss"),
    mistakes={
        "that is the best size that was measured; the bottom of the parabola lies between": _smallest_measured,
        "the size is that of the parabola, the loss the smallest that was measured; take the parabola's": (
            lambda s, y: (_vertex(s, y)[0], y.min())
        ),
        "that is the logarithm of the size: exp is missing": lambda s, y: _vertex(s, y, exp=lambda x: x),
        "the parabola is one in the logarithm of the size": lambda s, y: _vertex(
            s, y, log=lambda x: x, exp=lambda x: x
        ),
        "-b / a is twice too far: the derivative of a x² is 2 a x": (
            lambda s, y: _vertex(s, y, place=lambda a, b: -b / a)
        ),
        "b / (2 a) has the wrong sign": lambda s, y: _vertex(s, y, place=lambda a, b: b / (2 * a)),
        "the brackets: -b / 2 * a multiplies by a": lambda s, y: _vertex(s, y, place=lambda a, b: -b / 2 * a),
        "polyfit gives the number of the highest power first": (
            lambda s, y: _vertex(s, y, fit=lambda x, y: np.polyfit(x, y, 2)[::-1])
        ),
        "a line has no bottom: polyfit(x, y, 2) fits a parabola": (
            lambda s, y: _vertex(s, y, fit=lambda x, y: (1.0, *np.polyfit(x, y, 1)))
        ),
        "the parabola is one of the losses, not of their logarithms": (
            lambda s, y: (_vertex(s, np.log(y))[0], np.exp(_vertex(s, np.log(y))[1]))
        ),
        "logarithms to base 10 need 10** and not exp": lambda s, y: _vertex(s, y, log=np.log10),
        "logarithms to base 2 need 2** and not exp": lambda s, y: _vertex(s, y, log=np.log2),
        "the loss is c, the height at 0; it is wanted at the bottom": (
            lambda s, y: _vertex(s, y, height=lambda a, b, c, x: c)
        ),
        "the loss is that at exp(x); the parabola takes x, the logarithm": (
            lambda s, y: _vertex(s, y, height=lambda a, b, c, x: a * np.exp(x) ** 2 + b * np.exp(x) + c)
        ),
        "the loss lacks the term b x": lambda s, y: _vertex(s, y, height=lambda a, b, c, x: a * x * x + c),
        "the order: first the size, then the loss": lambda s, y: _vertex(s, y)[::-1],
    },
)
