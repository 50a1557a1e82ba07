"""A batch of matrices inside a larger array, as products of attention need them."""

from typing import Any, NamedTuple


class Heads(NamedTuple):
    """A matrix for each head of each image, somewhere in a larger array; distances are in numbers."""

    array: Any  # CuPy's
    start: int  # of the first one
    per_image: int  # from one image to the next
    per_head: int
    per_row: int
    shape: tuple[int, int, int, int]  # images, heads, rows, columns
