# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, the whole ViT."""

from collections.abc import Iterator

import numpy as np

from ..compare import kind_of
from ..exercise import Case, NotAskedFor, add

# --- 10.1 ---


def block_forward(x, attn_branch, mlp_branch):
    return _steps(x, attn_branch, mlp_branch)


def _steps(x, first, second, *, first_road=1.0, second_road=1.0):
    branch, first_backward = first(x)
    u = first_road * x + branch
    branch, second_backward = second(u)
    return second_road * u + branch, (first_backward, second_backward)


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3, 5), (1, 4, 7), tuple(rng.integers(2, 6, 3)), (3, 1, 4), (2, 5, 1)):
        yield Case((rng.standard_normal(shape), *(_bent(m) for m in rng.standard_normal((2, shape[-1], shape[-1])))))


def _bent(matrix):
    """A branch that is no straight line, as attention and MLP are none, with its backward."""

    def branch(x):
        y = np.tanh(x @ matrix)
        return y, lambda dy: (dy * (1 - y * y)) @ matrix.T

    return branch


def _walked(result):
    """y, and what the two backwards that were kept make of a gradient."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor(f"it returned {kind_of(result)}, wanted two things: y, (attn_backward, mlp_backward)")
    y, backwards = result
    if not isinstance(backwards, tuple | list) or len(backwards) != 2 or not all(map(callable, backwards)):
        raise NotAskedFor("behind y, it must return the two backwards, as they came: y, (attn_backward, mlp_backward)")
    dy = np.cos(np.arange(np.size(y))).reshape(np.shape(y))
    return y, *(backward(dy) for backward in backwards)


def _parallel(x, attn, mlp):
    (a, a_backward), (m, m_backward) = attn(x), mlp(x)
    return x + a + m, (a_backward, m_backward)


def _past_both(x, attn, mlp):
    a, a_backward = attn(x)
    m, m_backward = mlp(x + a)
    return x + m, (a_backward, m_backward)


def _branch_alone(x, attn, mlp):
    a, a_backward = attn(x)
    m, m_backward = mlp(a)
    return x + a + m, (a_backward, m_backward)


def _backwards_swapped(x, attn, mlp):
    y, (a_backward, m_backward) = _steps(x, attn, mlp)
    return y, (m_backward, a_backward)


def _with_roads(x, attn, mlp):
    y, backwards = _steps(x, attn, mlp)
    return y, tuple(lambda dy, backward=backward: dy + backward(dy) for backward in backwards)


def _last_one_twice(x, attn, mlp):
    y, (_, m_backward) = _steps(x, attn, mlp)
    return y, (m_backward, m_backward)


def _branches_swapped(x, attn, mlp):
    y, (m_backward, a_backward) = _steps(x, mlp, attn)
    return y, (a_backward, m_backward)


add(
    "10.1",
    block_forward,
    _forward_cases,
    outputs=("y", "what attn_backward makes of a gradient", "what mlp_backward makes of a gradient"),
    summary=_walked,
    mistakes={
        "both straight roads are missing: a branch is added to its tokens, and does not replace them": (
            lambda x, attn, mlp: _steps(x, attn, mlp, first_road=0.0, second_road=0.0)
        ),
        "the straight road past the attention branch is missing: u = x + branch": (
            lambda x, attn, mlp: _steps(x, attn, mlp, first_road=0.0)
        ),
        "the straight road past the MLP branch is missing: y = u + branch": (
            lambda x, attn, mlp: _steps(x, attn, mlp, second_road=0.0)
        ),
        "both branches were given x; the MLP branch gets u, to which the attention branch has been added": _parallel,
        "past the MLP branch goes u, and not x: what the attention branch gave is lost": _past_both,
        "the MLP branch was given the attention branch alone; it gets u = x + that branch": _branch_alone,
        "the MLP branch came first; the tokens talk to each other first, then each thinks for itself": (
            _branches_swapped
        ),
        "the two backwards have changed places: first attention's, then the MLP's": _backwards_swapped,
        "both backwards are the MLP's: give each a name of its own; a lambda looks its names up when it is called": (
            _last_one_twice
        ),
        "the backwards are to be kept as they came; the straight roads are added in block_backward": _with_roads,
        "the branches were taken off; they are added": lambda x, attn, mlp: _steps(
            x, lambda x: (-attn(x)[0], attn(x)[1]), lambda x: (-mlp(x)[0], mlp(x)[1])
        ),
        "each sum was halved; road and branch are added, and no mean is taken": lambda x, attn, mlp: (
            lambda a: (lambda m: ((a[0] + m[0]) / 2, (a[1], m[1])))(mlp(a[0]))
        )(((x + attn(x)[0]) / 2, attn(x)[1])),
        "the attention branch is missing": lambda x, attn, mlp: (lambda u: (x + u[0], (attn(x)[1], u[1])))(mlp(x)),
        "the MLP branch is missing": lambda x, attn, mlp: (lambda u: (x + u[0], (u[1], mlp(x + u[0])[1])))(attn(x)),
    },
)


# --- 10.2 ---


def block_backward(dy, attn_backward, mlp_backward):
    return _both(dy, attn_backward, mlp_backward)


def _both(dy, first, second, *, first_road=1.0, second_road=1.0):
    """`second` is the branch nearest to the output: the backward meets it first."""
    dx = second_road * dy + second(dy)
    return first_road * dx + first(dx)


def _block_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3, 5), (1, 4, 7), tuple(rng.integers(2, 6, 3)), (3, 1, 4), (2, 5, 1)):
        branches = [_branch(matrix) for matrix in rng.standard_normal((2, shape[-1], shape[-1]))]
        yield Case((rng.standard_normal(shape), *branches))


def _branch(matrix):
    return lambda dy: dy @ matrix


add(
    "10.2",
    block_backward,
    _block_cases,
    outputs=("dx",),
    mistakes={
        "both straight roads are missing: y = x + branch(x), so the gradient also goes past each branch": (
            lambda dy, attn, mlp: _both(dy, attn, mlp, first_road=0.0, second_road=0.0)
        ),
        "the straight road past the MLP branch is missing": lambda dy, attn, mlp: _both(dy, attn, mlp, second_road=0.0),
        "the straight road past the attention branch is missing": (
            lambda dy, attn, mlp: _both(dy, attn, mlp, first_road=0.0)
        ),
        "the attention branch came first; backward begins at the end of the block, so the MLP branch comes first": (
            lambda dy, attn, mlp: _both(dy, mlp, attn)
        ),
        "the attention branch was given dy; it gets du, what the MLP step hands back: dy + mlp_backward(dy)": (
            lambda dy, attn, mlp: dy + mlp(dy) + attn(dy)
        ),
        "past the attention branch goes du, what the MLP step hands back, and not dy once more": (
            lambda dy, attn, mlp: dy + attn(dy + mlp(dy))
        ),
        "the straight roads are missing inside: attn_backward gets du = dy + mlp_backward(dy), and past it goes du": (
            lambda dy, attn, mlp: dy + attn(mlp(dy))
        ),
        "a road is missing inside: attn_backward gets all of du = dy + mlp_backward(dy), not its second half": (
            lambda dy, attn, mlp: dy + mlp(dy) + attn(mlp(dy))
        ),
        "only the straight roads are there; the gradient goes through the branches too": lambda dy, attn, mlp: (
            dy.copy()
        ),
        "the attention branch is missing": lambda dy, attn, mlp: dy + mlp(dy),
        "the MLP branch is missing": lambda dy, attn, mlp: dy + attn(dy),
        "both branches were given dy, and dy went along twice; attn_backward gets du, and past it goes du": (
            lambda dy, attn, mlp: 2 * dy + mlp(dy) + attn(dy)
        ),
        "the branches' gradients were taken off; they are added": (
            lambda dy, attn, mlp: _both(dy, lambda d: -attn(d), lambda d: -mlp(d))
        ),
        "the two roads are averaged; gradients of two roads add up": lambda dy, attn, mlp: _both(dy, attn, mlp) / 4,
    },
)
