# mypy: disable-error-code="no-untyped-def"
"""Lesson 16, positions for images of another size."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 16.5 ---


def bilinear_matrix(old, new):
    return _matrix(_places(old, new), old)


def _places(old, new, *, half=0.5, scale=None):
    return (np.arange(new) + half) * (old / new if scale is None else scale) - half


def _matrix(places, old, *, inside=True, share=lambda t: np.maximum(0, 1 - t)):
    places = np.clip(places, 0, old - 1) if inside else places
    return share(np.abs(places[:, None] - np.arange(old)))


def _corners(old, new):
    return _matrix(np.linspace(0, old - 1, new), old)


def _nearest(old, new):
    return np.eye(old)[np.round(np.clip(_places(old, new), 0, old - 1)).astype(int)]


def _matrix_cases(rng: np.random.Generator) -> Iterator[Case]:
    for old, new in (
        (3, 5),
        (7, 4),
        (2, 6),
        (1, 3),
        (4, 1),
        (3, 3),
        tuple(int(n) for n in rng.permutation(range(4, 10))[:2]),
    ):
        yield Case((old, new))


add(
    "16.5",
    bilinear_matrix,
    _matrix_cases,
    outputs=("R",),
    mistakes={
        "at the border some rows do not add up to 1: keep the places between 0 and old - 1": (
            lambda old, new: _matrix(_places(old, new), old, inside=False)
        ),
        "the half is missing: it is the middles of the cells that lie on top of each other": (
            lambda old, new: _matrix(_places(old, new, half=0.0), old)
        ),
        "a half is added; it must be taken away again after the scaling": (
            lambda old, new: _matrix((np.arange(new) + 0.5) * old / new, old)
        ),
        "that is with the corners aligned; here the outer edges of the cells are": _corners,
        "a new cell is old / new wide, not new / old": lambda old, new: _matrix(
            _places(old, new, scale=new / old), old
        ),
        "that is R turned round: a row for each new place, a column for each old one": (
            lambda old, new: _matrix(_places(old, new), old).T
        ),
        "that takes the nearest old place alone; a new one takes from its two neighbours": _nearest,
        "whoever is more than one step away has no share: np.maximum(0, ...)": (
            lambda old, new: _matrix(_places(old, new), old, share=lambda t: 1 - t)
        ),
        "p - j may be negative: the share falls with its size, so np.abs is missing": (
            lambda old, new: np.maximum(0, 1 - (np.clip(_places(old, new), 0, old - 1)[:, None] - np.arange(old)))
        ),
        "there are `old` numbers, 0 to old - 1: that is how far a place may go": (
            lambda old, new: _matrix(np.clip(_places(old, new), 0, old), old, inside=False)
        ),
        "those are the distances; the share is one minus the distance": (
            lambda old, new: _matrix(_places(old, new), old, share=lambda t: t)
        ),
        "the share falls along a straight line: the distance is not squared": (
            lambda old, new: _matrix(_places(old, new), old, share=lambda t: np.maximum(0, 1 - t**2))
        ),
    },
    not_to_call=("resample", "ops/positions"),
)

# --- 16.6 ---


def resample_backward(dY, R_h, R_w):
    return _back(dY, R_h.T, R_w.T)


def _back(dY, back_h, back_w):
    return np.einsum("ki,lj,ijd->kld", back_h, back_w, dY)


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for h, w, new_h, new_w, D in (
        (2, 3, 5, 4, 1),
        (4, 2, 3, 5, 3),
        (1, 4, 3, 2, 5),
        (3, 3, 3, 3, 3),
        (*rng.permutation(range(2, 6)), 2),
    ):
        R_h, R_w = rng.standard_normal((new_h, h)), rng.standard_normal((new_w, w))
        yield Case((rng.standard_normal((new_h, new_w, D)), R_h, R_w))


add(
    "16.6",
    resample_backward,
    _backward_cases,
    outputs=("dX",),
    mistakes={
        "the gradient goes back through the transpose, not through the inverse: nothing is undone": (
            lambda dY, R_h, R_w: _back(dY, np.linalg.pinv(R_h), np.linalg.pinv(R_w))
        ),
        "the rows' matrix and the columns' have changed places": lambda dY, R_h, R_w: _back(dY, R_w.T, R_h.T),
        "the matrices must be transposed on the way back": lambda dY, R_h, R_w: _back(dY, R_h, R_w),
        "`@` takes the last two axes; here the features stand last, so name the axes in np.einsum": (
            lambda dY, R_h, R_w: R_h.T @ dY @ R_w
        ),
        "only the rows were brought back": lambda dY, R_h, R_w: np.einsum("ik,ijd->kjd", R_h, dY),
        "only the columns were brought back": lambda dY, R_h, R_w: np.einsum("jl,ijd->ild", R_w, dY),
        "rows and columns of the result have changed places": lambda dY, R_h, R_w: _back(dY, R_h.T, R_w.T).swapaxes(
            0, 1
        ),
        "each of the D features has a gradient of its own: they are not added up": (
            lambda dY, R_h, R_w: np.einsum("ik,jl,ijd->kl", R_h, R_w, dY)
        ),
    },
    not_to_call=("resample",),
)
