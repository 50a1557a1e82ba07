# mypy: disable-error-code="no-untyped-def"
"""Lesson 18, a step of all parameters of a model."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 18.4 ---


def step_all(parameters, grads, state, adamw, weight_decay):
    return _stepped(parameters, grads, state, adamw, weight_decay)


def _stepped(parameters, grads, state, adamw, weight_decay, *, decays=lambda p: p.ndim == 2, keep=None, grad=None):
    new, kept = {}, {}
    for name, p in parameters.items():
        given = grads[name] if grad is None else grad(grads[name])
        m, v, new[name] = adamw(p, given, *state[name], weight_decay if decays(p) else 0.0)
        kept[name] = (m, v) if keep is None else keep(m, v, state[name])
    return new, kept


def _adamw(p, g, m, v, weight_decay):
    """A step as AdamW's, whose arguments cannot be exchanged unnoticed."""
    m, v = 0.9 * m + 0.1 * g, 0.7 * v + 0.3 * g * g
    return m, v, (1 - weight_decay) * p - 0.1 * m / (np.sqrt(v) + 0.5)


def _step_cases(rng: np.random.Generator) -> Iterator[Case]:
    shapes = {"weight": (3, 5), "bias": (5,), "pos_embed": (1, 4, 3), "square": (2, 2), "scale": (1,)}
    for names in (["weight", "bias"], ["scale", "weight", "pos_embed"], ["square"], ["pos_embed", "bias", "square"]):
        parameters = {name: rng.standard_normal(shapes[name]) for name in names}
        grads = {name: rng.standard_normal(shapes[name]) for name in reversed(names)}  # as the backward finds them
        state = {name: (rng.standard_normal(shapes[name]), rng.uniform(0.1, 1, shapes[name])) for name in sorted(names)}
        yield Case((parameters, grads, state, _adamw, float(rng.uniform(0.2, 0.5))))


def _by_name(told):
    """Which arrays decay is told by their names."""

    def function(parameters, grads, state, adamw, weight_decay):
        new, kept = {}, {}
        for name, p in parameters.items():
            m, v, new[name] = adamw(p, grads[name], *state[name], weight_decay if told(name) else 0.0)
            kept[name] = (m, v)
        return new, kept

    return function


def _asked(ask):
    """With another call of adamw."""

    def function(parameters, grads, state, adamw, weight_decay):
        new, kept = {}, {}
        for name, p in parameters.items():
            m, v, new[name] = ask(adamw, p, grads[name], *state[name], weight_decay if p.ndim == 2 else 0.0)
            kept[name] = (m, v)
        return new, kept

    return function


def _first_third(adamw, p, g, m, v, decay):
    m, v, p = adamw(p, g, m, v, decay)
    return v, p, m  # `p, m, v = adamw(...)`


def _in_one_order(parameters, grads, state, adamw, weight_decay):
    return _stepped(
        parameters,
        dict(zip(parameters, grads.values(), strict=True)),
        dict(zip(parameters, state.values(), strict=True)),
        adamw,
        weight_decay,
    )


add(
    "18.4",
    step_all,
    _step_cases,
    outputs=("parameters", "state"),
    mistakes={
        "all decay; only matrices, of two axes, shall": lambda *given: _stepped(*given, decays=lambda p: True),
        "nothing decays; matrices, of two axes, shall": lambda *given: _stepped(*given, decays=lambda p: False),
        "the others decay, and matrices do not: it is the other way round": (
            lambda *given: _stepped(*given, decays=lambda p: p.ndim != 2)
        ),
        "arrays of three axes decay too; only those of two shall": (
            lambda *given: _stepped(*given, decays=lambda p: p.ndim >= 2)
        ),
        "m and v came back as they were: the next step needs the new ones": (
            lambda *given: _stepped(*given, keep=lambda m, v, old: old)
        ),
        "m and v came back in the other order": lambda *given: _stepped(*given, keep=lambda m, v, old: (v, m)),
        "the gradient has the wrong sign: adamw goes down the hill by itself": (
            lambda *given: _stepped(*given, grad=lambda g: -g)
        ),
        "which arrays decay was told by the name; count the axes, p.ndim": _by_name(lambda name: "weight" in name),
        "all but the bias decay; of the others, too, only those of two axes shall: p.ndim": (
            _by_name(lambda name: name != "bias")
        ),
        "len(p) is the length of the first axis; the number of axes is p.ndim": (
            lambda *given: _stepped(*given, decays=lambda p: len(p) == 2)
        ),
        "state[name] is a pair, and adamw takes m and v one by one: *state[name]": (
            lambda parameters, grads, state, adamw, decay: [
                adamw(p, grads[name], state[name], decay) for name, p in parameters.items()
            ]
        ),
        "m and v were given to adamw in the other order": _asked(
            lambda adamw, p, g, m, v, decay: adamw(p, g, v, m, decay)
        ),
        "adamw returns m, v and p, in this order": _asked(_first_third),
        "p and its gradient were given to adamw in the other order": _asked(
            lambda adamw, p, g, m, v, decay: adamw(g, p, m, v, decay)
        ),
        "the decay was taken off once more; adamw does that": _asked(
            lambda adamw, p, g, m, v, decay: (*adamw(p, g, m, v, decay)[:2], adamw(p, g, m, v, decay)[2] - decay * p)
        ),
        "adamw returns the new p itself, and no step that is still to be taken": _asked(
            lambda adamw, p, g, m, v, decay: (*adamw(p, g, m, v, decay)[:2], p - adamw(p, g, m, v, decay)[2])
        ),
        "the dicts were gone through side by side, and have their names in other orders: take grads[name]": (
            _in_one_order
        ),
        "the new parameters came with more in each; adamw returns three things: m, v and p": (
            lambda parameters, grads, state, adamw, decay: (
                {
                    name: adamw(p, grads[name], *state[name], decay if p.ndim == 2 else 0.0)
                    for name, p in parameters.items()
                },
                _stepped(parameters, grads, state, adamw, decay)[1],
            )
        ),
        "m alone was kept; the next step needs v, too": lambda parameters, *given: (
            _stepped(parameters, *given)[0],
            {name: m for name, (m, v) in _stepped(parameters, *given)[1].items()},
        ),
        "all m and all v came in dicts of their own; state has a pair (m, v) for each name": lambda *given: (
            _stepped(*given)[0],
            {which: {name: pair[i] for name, pair in _stepped(*given)[1].items()} for i, which in enumerate("mv")},
        ),
        "the parameters did not move": lambda parameters, *given: (
            {name: p.copy() for name, p in parameters.items()},
            _stepped(parameters, *given)[1],
        ),
    },
)
