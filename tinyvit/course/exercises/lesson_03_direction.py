# mypy: disable-error-code="no-untyped-def"
"""Lesson 3, a gradient checked in one direction."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 3.2 ---


def directional_check(forward, backward, x, dy, v, h):
    return _both(forward, backward, x, dy, v, h)


def _both(forward, backward, x, dy, v, h):
    return _backward_says(forward, backward, x, dy, v), _forward_says(forward, x, dy, v, h)


def _backward_says(forward, backward, x, dy, v):
    return (backward(dy, forward(x)[1]) * v).sum()


def _forward_says(forward, x, dy, v, h, *, below=True, divisor=2.0):
    up = (dy * forward(x + h * v)[0]).sum()
    down = (dy * forward(x - h * v if below else x)[0]).sum()
    return (up - down) / (divisor * h)


def _direction_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Ops with a right backward and with a wrong one: a check must be able to say no.

    Those with a matrix have a slope in one direction that is not that of the other, and an output of another shape.
    """
    for shape, out in (((2, 3), 5), ((1, 4), 1), ((3,), 3)):
        x, matrix = rng.standard_normal(shape), rng.standard_normal((shape[-1], out))
        v, dy = rng.standard_normal(shape), rng.standard_normal((*shape[:-1], out))
        for factor in (1.0, 0.7):
            forward = lambda x, matrix=matrix: (x @ matrix, (x, matrix))  # noqa: E731
            backward = lambda dy, saved, factor=factor: factor * dy @ saved[1].T  # noqa: E731
            yield Case((forward, backward, x, dy, v, 0.1))
    for shape in ((4,), (3, 5), tuple(rng.integers(2, 5, 3))):
        x = rng.uniform(0.5, 1.5, shape)
        weight = rng.uniform(0.5, 2, shape)
        for factor in (1.0, 0.7):
            dy, v = rng.standard_normal((2, *shape))
            yield Case(
                (
                    lambda x, weight=weight: (weight * x**3, (weight, x)),
                    lambda dy, saved, factor=factor: factor * dy * saved[0] * 3 * saved[1] ** 2,
                    x,
                    dy,
                    v,
                    0.1,
                )
            )


add(
    "3.2",
    directional_check,
    _direction_cases,
    outputs=("what the backward says", "what the forward says"),
    mistakes={
        "the backward takes dy, the gradient of the outputs, and gives dx; that is weighed with v, not the other way "
        "round": lambda forward, backward, x, dy, v, h: (
            (backward(v, forward(x)[1]) * dy).sum(),
            _forward_says(forward, x, dy, v, h),
        ),
        "both numbers come from the backward, so they always agree; one must come from the forward": (
            lambda forward, backward, x, dy, v, h: (_backward_says(forward, backward, x, dy, v),) * 2
        ),
        "these are means; a slope is a sum over all outputs": lambda forward, backward, x, dy, v, h: (
            _backward_says(forward, backward, x, dy, v) / x.size,
            _forward_says(forward, x, dy, v, h) / dy.size,
        ),
        "the backward got y; it wants saved, the second thing that forward(x) returns": (
            lambda forward, backward, x, dy, v, h: (
                (backward(dy, forward(x)[0]) * v).sum(),
                _forward_says(forward, x, dy, v, h),
            )
        ),
        **{
            f"you used a step of your own, {own:g}; use the h that is given": (
                lambda forward, backward, x, dy, v, h, own=own: _both(forward, backward, x, dy, v, own)
            )
            for own in (1e-5, 1e-4, 1e-6)
        },
        "dy is not used: weigh the outputs with dy, and hand dy to the backward": (
            lambda forward, backward, x, dy, v, h: _both(forward, backward, x, np.ones_like(dy), v, h)
        ),
        "the loss is the sum of dy * y, and not of y alone": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x, dy, v),
                _forward_says(forward, x, np.ones_like(dy), v, h),
            )
        ),
        "you added up dx; the slope along v is the sum of dx * v": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x, dy, np.ones_like(v)),
                _forward_says(forward, x, dy, v, h),
            )
        ),
        "you went along ones, x + h; the direction is v: x + h * v": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x, dy, v),
                _forward_says(forward, x, dy, np.ones_like(v), h),
            )
        ),
        "this is the one-sided difference; look at x + h * v and at x - h * v": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x, dy, v),
                _forward_says(forward, x, dy, v, h, below=False, divisor=1.0),
            )
        ),
        "you divided by h, but from x - h * v to x + h * v it is 2h": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x, dy, v),
                _forward_says(forward, x, dy, v, h, divisor=1.0),
            )
        ),
        "... / 2 * h divides by 2 and multiplies by h; write ... / (2 * h)": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x, dy, v),
                _forward_says(forward, x, dy, v, h, divisor=2 / h**2),
            )
        ),
        "forward returns two things, y and saved; take y, forward(...)[0], before you subtract": (
            lambda forward, backward, x, dy, v, h: (dy * (forward(x + h * v) - forward(x - h * v))).sum()
        ),
        "forward returns two things, y and saved; take y, forward(...)[0], before you multiply by dy": (
            lambda forward, backward, x, dy, v, h: (dy * forward(x + h * v)).sum()
        ),
        "saved comes from x + h * v; the backward is to be asked at x itself: forward(x)": (
            lambda forward, backward, x, dy, v, h: (
                _backward_says(forward, backward, x + h * v, dy, v),
                _forward_says(forward, x, dy, v, h),
            )
        ),
        "the backward got x; it wants saved, the second thing that forward(x) returns": (
            lambda forward, backward, x, dy, v, h: (
                (backward(dy, x) * v).sum(),
                _forward_says(forward, x, dy, v, h),
            )
        ),
        "forward returns y and saved; hand only saved to the backward": (
            lambda forward, backward, x, dy, v, h: backward(dy, forward(x))
        ),
        "the two are in the other order: first what the backward says, then what the forward says": (
            lambda forward, backward, x, dy, v, h: _both(forward, backward, x, dy, v, h)[::-1]
        ),
        "both numbers come from the forward, so they always agree; one must come from the backward": (
            lambda forward, backward, x, dy, v, h: (_forward_says(forward, x, dy, v, h),) * 2
        ),
        "v is to be used as it is; divided by its length, it asks for the slope along another vector": (
            lambda forward, backward, x, dy, v, h: _both(forward, backward, x, dy, v / np.linalg.norm(v), h)
        ),
        "the steps are h * v, from x - h * v to x + h * v, and not v": lambda forward, backward, x, dy, v, h: (
            _backward_says(forward, backward, x, dy, v),
            _forward_says(forward, x, dy, v, 1.0, divisor=2 * h),
        ),
    },
    not_to_call=("gradcheck",),
)
