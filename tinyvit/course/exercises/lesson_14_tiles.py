# mypy: disable-error-code="no-untyped-def"
"""Lesson 14, a matrix product in tiles, and how many numbers it moves."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 14.5 ---


def tiled_product(a, b, tile):
    return _tiled(a, b, tile)


def _tiled(a, b, tile, *, add_up=True, read=True, write=1, twice=False, last=True):
    (rows, inner), columns = a.shape, b.shape[1]
    c, moved = np.zeros((rows, columns)), 0
    for i in range(0, rows, tile):
        for j in range(0, columns, tile):
            total = np.zeros((min(tile, rows - i), min(tile, columns - j)))
            for k in range(0, inner if last else inner - tile + 1, tile):
                one, other = a[i : i + tile, k : k + tile], b[k : k + tile, j : j + tile]
                total = (total if add_up else 0) + one @ other
                moved += (one.size + other.size) * read + (total.size if twice else 0)
            c[i : i + tile, j : j + tile] = total
            moved += write * total.size
    return c, moved


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for (n, k, m), tile in (
        ((6, 4, 8), 2),
        ((5, 7, 3), 2),
        ((4, 4, 4), 4),
        ((3, 5, 6), 1),
        ((7, 6, 5), 3),
        ((2, 3, 1), 8),
    ):
        yield Case((rng.standard_normal((n, k)), rng.standard_normal((k, m)), tile))


def _changed(**options):
    return lambda *given: _tiled(*given, **options)


def _once(a, b, tile):
    return a @ b, a.size + b.size + a.shape[0] * b.shape[1]


def _never_kept(a, b, tile):
    """What a product without tiles moves: both factors for each number of the result."""
    return a @ b, 2 * a.shape[0] * a.shape[1] * b.shape[1] + a.shape[0] * b.shape[1]


add(
    "14.5",
    tiled_product,
    _cases,
    outputs=("product", "moved"),
    mistakes={
        "a tile of the product is a sum over all k: add up": _changed(add_up=False),
        "what is read was not counted": _changed(read=False),
        "what is written was not counted: each number of the product, once": _changed(write=0),
        "the sum stays where it is fast while k runs; it is written once": _changed(write=0, twice=True),
        "each number of a and b was read once; a tile is read again for each tile of the product that needs it": _once,
        "that is without tiles: two numbers read for each multiplication": _never_kept,
        "the last tile along k is missing where the tiles do not come out even": _changed(last=False),
    },
)
