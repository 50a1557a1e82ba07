# mypy: disable-error-code="no-untyped-def"
"""Lesson 1, patches that overlap: the backward adds up."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 1.3 ---


def overlapping_backward(dpatches, shape, patch_size, stride):
    return _paste(dpatches, shape, patch_size, stride)


def _paste(
    dpatches, shape, P, S, *, add_up=True, average=False, step=None, columns_first=False, chans_last=False, last=True
):
    B, C, H, W = shape
    rows, cols = (H - P) // S + 1, (W - P) // S + 1
    pieces = dpatches.reshape(B, *((cols, rows) if columns_first else (rows, cols)), -1)
    step = S if step is None else step
    dimages, count = np.zeros(shape), np.zeros((H, W))
    for i in range(rows if last else rows - 1):
        for j in range(cols if last else cols - 1):
            piece = pieces[:, j, i] if columns_first else pieces[:, i, j]
            piece = piece.reshape(B, P, P, C).transpose(0, 3, 1, 2) if chans_last else piece.reshape(B, C, P, P)
            here = np.s_[i * step : i * step + P, j * step : j * step + P]
            room = dimages[:, :, here[0], here[1]]
            room[...] = (room if add_up else 0) + piece[:, :, : room.shape[2], : room.shape[3]]
            count[here] += 1
    return dimages / np.maximum(count, 1) if average else dimages


def _last_alone(dpatches, shape, P, S):
    dpatches = dpatches.copy()
    dpatches[:, :-1] = 0
    return _paste(dpatches, shape, P, S)


def _turned(dpatches, shape, P, S):
    squares = dpatches.reshape(*dpatches.shape[:2], -1, P, P)
    return _paste(squares.swapaxes(-1, -2).reshape(dpatches.shape), shape, P, S)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for (B, C, H, W), P, S in (
        ((2, 3, 7, 9), 3, 2),
        ((1, 1, 5, 8), 4, 1),
        ((2, 2, 8, 6), 3, 1),
        ((1, 2, 9, 6), 3, 3),
        ((3, 1, 8, 11), 3, 2),  # the last row of pixels, and the last column, are in no patch
        ((1, 2, 4, 4), 4, 1),
        ((1, 1, 7, 12), 2, 5),  # a stride above the patch size: pixels between the patches are in none
    ):
        L = ((H - P) // S + 1) * ((W - P) // S + 1)
        yield Case((rng.standard_normal((B, L, C * P * P)), (B, C, H, W), P, S))


add(
    "1.3",
    overlapping_backward,
    _cases,
    outputs=("dimages",),
    mistakes={
        "a pixel of several patches keeps the last one's gradient; they add up": (
            lambda d, shape, P, S: _paste(d, shape, P, S, add_up=False)
        ),
        "the gradients of a pixel are averaged; they add up": (
            lambda d, shape, P, S: _paste(d, shape, P, S, average=True)
        ),
        "a patch begins `stride` pixels after the last one, not `patch_size`": (
            lambda d, shape, P, S: _paste(d, shape, P, S, step=P)
        ),
        "the patches go down the columns; they are counted row by row": (
            lambda d, shape, P, S: _paste(d, shape, P, S, columns_first=True)
        ),
        "the numbers of a patch were read as (P, P, C); their order is (C, P, P)": (
            lambda d, shape, P, S: _paste(d, shape, P, S, chans_last=True)
        ),
        "the last row and column of patches are missing: there are (H - P) // stride + 1 rows": (
            lambda d, shape, P, S: _paste(d, shape, P, S, last=False)
        ),
        "patch (i, j) begins at pixel (i * stride, j * stride), and not at (i, j)": (
            lambda d, shape, P, S: _paste(d, shape, P, S, step=1)
        ),
        "only the last patch is there: begin with zeros once, before the loops": _last_alone,
        "inside each patch rows and columns are swapped": _turned,
    },
)
