"""Connected pieces of a mask, numbered: pixels that touch by a side or a corner belong together."""

import numpy as np


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected pieces of a mask: bool (H, W) -> (int32 (H, W), 0 outside and 1..n inside; n).

    Rows are cut into runs, runs that touch one in the row above are linked, and each run takes the smallest number that
    it can reach over its links, which is passed on until all agree.
    """
    height, width = mask.shape
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)  # +1 where a run begins, -1 behind its end
    rows, begins = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    # Runs (row, begin, end) lie in order. Those above a run that touch it follow one another: begin - 1 < end', ...
    stride = width + 2
    first = np.searchsorted(rows * stride + ends, (rows - 1) * stride + begins, side="left")
    last = np.searchsorted(rows * stride + begins, (rows - 1) * stride + ends, side="right")
    counts = np.maximum(last - first, 0)
    lower = np.repeat(np.arange(len(rows)), counts)
    upper = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    roots = _smallest_reachable(len(rows), lower, upper)
    _, numbers = np.unique(roots, return_inverse=True)
    labels = np.zeros((height, width), np.int32)
    labels[mask] = np.repeat(numbers + 1, ends - begins)
    return labels, int(numbers.max(initial=-1)) + 1


def _smallest_reachable(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """For each of `count` nodes the smallest it is joined to by links a[i] - b[i] (Shiloach & Vishkin 1982)."""
    roots = np.arange(count)
    while True:
        of_a, of_b = roots[a], roots[b]
        if np.array_equal(of_a, of_b):
            return roots
        smaller = np.minimum(of_a, of_b)
        np.minimum.at(roots, of_a, smaller)
        np.minimum.at(roots, of_b, smaller)
        while not np.array_equal(roots, jumped := roots[roots]):
            roots = jumped
