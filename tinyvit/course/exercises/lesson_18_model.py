# mypy: disable-error-code="no-untyped-def"
"""Lesson 18, the backward of a whole model, and a step of all its parameters."""

from collections.abc import Iterator, Mapping

import numpy as np

from ..exercise import Case, NotAskedFor, add

# --- 18.3 ---


def backward_through(dy, steps):
    return _back(dy, steps)


def _back(dy, steps, *, forwards=False, stay=False, last=False, skip=0, named=lambda own: own):
    d, grads = dy, dict[str, np.ndarray]()
    for step in (list(steps) if forwards else list(reversed(steps)))[skip:]:
        dx, own = step(dy if stay else d)
        d = dx
        grads = named(own) if last else grads | named(own)
    return d, grads


def _step(rng, name, m, n):
    """The backward of a linear layer from m to n numbers; its name is another in every case."""
    weight, x = rng.standard_normal((m, n)), rng.standard_normal((3, m))

    def step(dy):
        if isinstance(dy, tuple):
            raise ValueError("a step takes dy, one array, and returns two things, dx and its grads")
        return dy @ weight.T, {f"{name}.weight": x.T @ dy, f"{name}.bias": dy.sum(0)}

    return step


def _through_cases(rng: np.random.Generator) -> Iterator[Case]:
    for widths in ((4, 4, 4), (3, 5, 2, 4), (1, 2), (6, 1, 3), (3, 3, 3, 3, 3)):
        steps = [_step(rng, f"part{i}", *widths[i : i + 2]) for i in range(len(widths) - 1)]
        yield Case((rng.standard_normal((3, widths[-1])), steps))


def _gathered(result):
    """The gradient of the input, and all others in one row, by name."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor(f"it returned {type(result).__name__}, wanted two things: dx, grads")
    dx, grads = result
    if not isinstance(grads, Mapping):
        raise NotAskedFor(f"grads is a {type(grads).__name__}; wanted one dict with the gradients of all steps")
    return dx, _row(grads)


def _row(arrays):
    """Arrays of a dict in one row, each with the numbers of its name in front: a wrong name is a wrong row."""
    parts = [np.concatenate([[float(ord(c)) for c in name], np.ravel(arrays[name])]) for name in sorted(arrays)]
    return np.concatenate([np.empty(0), *parts])


add(
    "18.3",
    backward_through,
    _through_cases,
    outputs=("dx", "grads"),
    mistakes={
        "the steps were walked from the first to the last; backward begins at the end: reversed(steps)": (
            lambda dy, steps: _back(dy, steps, forwards=True)
        ),
        "each step was given the dy of the whole; it gets what the step before it, nearer to the end, handed back": (
            lambda dy, steps: _back(dy, steps, stay=True)
        ),
        "grads has the gradients of one step alone: add each step's to those you have, grads | own": (
            lambda dy, steps: _back(dy, steps, last=True)
        ),
        "the last step was left out": lambda dy, steps: _back(dy, steps, skip=1),
        "the first step was left out": lambda dy, steps: _back(dy, steps[1:]),
        "it returned after one step: the return belongs behind the loop, less indented": (
            lambda dy, steps: _back(dy, steps[-1:])
        ),
        "dy came back unchanged: dx is what the first step handed back last": (
            lambda dy, steps: (dy.copy(), _back(dy, steps)[1])
        ),
    },
    summary=_gathered,
)

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
        parameters, grads = ({name: rng.standard_normal(shapes[name]) for name in names} for _ in range(2))
        state = {name: (rng.standard_normal(shapes[name]), rng.uniform(0.1, 1, shapes[name])) for name in names}
        yield Case((parameters, grads, state, _adamw, float(rng.uniform(0.2, 0.5))))


def _new_state(result):
    """All new parameters in one row, and all m and v."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor(f"it returned {type(result).__name__}, wanted two dicts: the new parameters, the new state")
    new, kept = result
    if not isinstance(new, Mapping) or not isinstance(kept, Mapping):
        wanted = "wanted two dicts, by name: the new parameters, and a pair (m, v) for each"
        raise NotAskedFor(f"it returned a {type(new).__name__} and a {type(kept).__name__}; {wanted}")
    if any(isinstance(pair, np.ndarray) or len(pair) != 2 for pair in kept.values()):
        raise NotAskedFor("state has a pair (m, v) for each name")
    if any(isinstance(p, tuple | list) for p in new.values()):
        raise NotAskedFor("the new parameters came with more in each; adamw returns three things: m, v and p")
    pairs = {f"{name} {which}": pair[i] for name, pair in kept.items() for i, which in enumerate("mv")}
    return _row(new), _row(pairs)


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
        "the parameters did not move": lambda parameters, *given: (
            {name: p.copy() for name, p in parameters.items()},
            _stepped(parameters, *given)[1],
        ),
    },
    summary=_new_state,
)
