"""Array layouts of other libraries. `read`: theirs -> ours; `write`: ours -> theirs.

Our matrices are (in, out), so that `x @ weight` reads as written. PyTorch's are (out, in), and its convolutions
(out, C, P, P). JAX's are (in, out) like ours, with the heads on an axis of their own and convolutions (P, P, C, out).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Arrays = Sequence[np.ndarray]


class Layout(NamedTuple):
    """Layout of one of our arrays in the one or several arrays of another library."""

    read: Callable[[Arrays], np.ndarray]  # theirs -> ours
    write: Callable[[np.ndarray], Arrays]  # ours -> theirs


class Stored(NamedTuple):
    """Under which names, and in which layout, one of our parameters is stored."""

    names: tuple[str, ...]
    layout: Layout

    def shapes(self, ours: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Of their arrays, when our array has the shape `ours`; takes no memory."""
        return [array.shape for array in self.layout.write(np.broadcast_to(np.float32(0), ours))]


def same(name: str) -> Stored:
    """Vectors, tokens and positions are the same everywhere."""
    return Stored((name,), Layout(lambda theirs: theirs[0], lambda ours: [ours]))


def one_row(name: str) -> Stored:
    """A token without our first axes: (D,) <-> (1, 1, D)."""
    return Stored((name,), Layout(lambda theirs: theirs[0][None, None], lambda ours: [ours[0, 0]]))


def rows(name: str) -> Stored:
    """Positions without our first axis: (N, D) <-> (1, N, D)."""
    return Stored((name,), Layout(lambda theirs: theirs[0][None], lambda ours: [ours[0]]))


def nothing(*shape: int) -> Stored:
    """Layout of an array that others do not have, and that is zeros here: a bias, as a rule."""
    return Stored((), Layout(lambda theirs: np.zeros(shape, np.float16), lambda ours: []))


def transposed(name: str) -> Stored:
    """PyTorch's linear weight: (out, in)."""
    return Stored((name,), Layout(lambda theirs: theirs[0].T, lambda ours: [ours.T]))


def heads_last(name: str, num_heads: int) -> Stored:
    """JAX's queries, keys or values: (D, h, d) <-> our (D, D), and their biases: (h, d) <-> our (D,)."""
    return Stored(
        (name,),
        Layout(
            lambda theirs: theirs[0].reshape(*theirs[0].shape[:-2], -1),
            lambda ours: [ours.reshape(*ours.shape[:-1], num_heads, -1)],
        ),
    )


def heads_first(name: str, num_heads: int) -> Stored:
    """JAX's projection of what the heads bring: (h, d, D) <-> our (D, D)."""
    return Stored(
        (name,),
        Layout(
            lambda theirs: theirs[0].reshape(-1, theirs[0].shape[-1]),
            lambda ours: [ours.reshape(num_heads, -1, ours.shape[-1])],
        ),
    )


def convolution(name: str, in_chans: int, patch_size: int) -> Stored:
    """PyTorch's (D, C, P, P) <-> our (C*P*P, D)."""
    return Stored(
        (name,),
        Layout(
            lambda theirs: theirs[0].reshape(len(theirs[0]), -1).T,
            lambda ours: [ours.T.reshape(-1, in_chans, patch_size, patch_size)],
        ),
    )


def jax_convolution(name: str, in_chans: int, patch_size: int) -> Stored:
    """JAX's (P, P, C, D) <-> our (C*P*P, D)."""
    return Stored(
        (name,),
        Layout(
            lambda theirs: theirs[0].transpose(2, 0, 1, 3).reshape(-1, theirs[0].shape[-1]),
            lambda ours: [ours.reshape(in_chans, patch_size, patch_size, -1).transpose(1, 2, 0, 3)],
        ),
    )


def joined(parts: Sequence[Stored], ends: Sequence[int] = ()) -> Stored:
    """Several arrays there, side by side along our last axis: queries, keys and values.

    Args:
        ends: where each but the last ends, if they are not of the same width.
    """
    layouts = [part.layout for part in parts]
    return Stored(
        tuple(part.names[0] for part in parts),
        Layout(
            lambda theirs: np.concatenate(
                [layout.read([array]) for layout, array in zip(layouts, theirs, strict=True)], axis=-1
            ),
            lambda ours: [
                layout.write(array)[0]
                for layout, array in zip(layouts, np.split(ours, ends or len(layouts), axis=-1), strict=True)
            ],
        ),
    )
