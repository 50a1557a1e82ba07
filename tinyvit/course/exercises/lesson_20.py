# mypy: disable-error-code="no-untyped-def"
"""Lesson 20, patches of a masked autoencoder: hidden, and filled in."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

SIZES = ((2, 7, 3, 4), (1, 5, 2, 3), (4, 6, 5, 2), (3, 9, 1, 5), (2, 4, 2, 1))  # B, L, num_visible, D

# --- 20.1 ---


def random_masking(noise, num_visible):
    return _masked(noise, num_visible)


def _masked(noise, V, *, order=lambda noise: noise.argsort(axis=1), restore=lambda shuffle: shuffle.argsort(axis=1)):
    shuffle = order(noise)
    back = restore(shuffle)
    return shuffle[:, :V], back, (back >= V).astype(noise.dtype)


def _shuffled_mask(noise, V):
    keep, restore, hidden = _masked(noise, V)
    return keep, restore, np.tile((np.arange(hidden.shape[1]) >= V).astype(noise.dtype), (len(noise), 1))


def _turned_mask(noise, V):
    keep, restore, hidden = _masked(noise, V)
    return keep, restore, 1 - hidden


def _sorted_keep(noise, V):
    keep, restore, hidden = _masked(noise, V)
    return np.sort(keep, axis=1), restore, hidden


def _one_less(noise, V):
    keep, restore, _ = _masked(noise, V)
    return keep, restore, (restore > V).astype(noise.dtype)


def _other(**results):
    """The right masking, with another result in one place."""

    def masked(noise, V):
        right = dict(zip(("keep", "restore", "hidden"), _masked(noise, V), strict=True))
        return tuple((right | {name: make(noise, V) for name, make in results.items()}).values())

    return masked


def _visible_anywhere(noise, V):
    hidden = np.ones_like(noise)
    hidden[:, noise.argsort(axis=1)[:, :V]] = 0
    return hidden


def _noise_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, V in (*(sizes[:3] for sizes in SIZES), (2, 600, 300)):  # so many that half a sort leaves no order
        yield Case((rng.random((B, L)), V))


add(
    "20.1",
    random_masking,
    _noise_cases,
    outputs=("keep", "restore", "hidden"),
    mistakes={
        "restore is the shuffle itself; the way back is its inverse: argsort of the shuffle": (
            lambda noise, V: _masked(noise, V, restore=lambda shuffle: shuffle)
        ),
        "hidden is right, but restore is the shuffle itself; its inverse leads back: argsort of the shuffle": (
            lambda noise, V: (noise.argsort(axis=1)[:, :V], noise.argsort(axis=1), _masked(noise, V)[2])
        ),
        "hidden stands in the shuffled order; patch i is hidden where restore[:, i] is num_visible or more": (
            _shuffled_mask
        ),
        "hidden was made of the shuffle, or set at the first of restore; patch i is hidden if restore[:, i] says so": (
            _other(hidden=lambda noise, V: (noise.argsort(axis=1) >= V).astype(noise.dtype))
        ),
        "hidden[:, keep] sets the visible patches of all images in each; go image by image, or compare restore": _other(
            hidden=_visible_anywhere
        ),
        "1 is for a hidden patch, and 0 for a visible one": _turned_mask,
        "the patches with the largest numbers were kept; keep those with the smallest": (
            lambda noise, V: _masked(noise, V, order=lambda noise: (-noise).argsort(axis=1))
        ),
        "the images were sorted, and not the patches of each: argsort along axis 1": (
            lambda noise, V: _masked(noise, V, order=lambda noise: noise.argsort(axis=0))
        ),
        "keep was sorted; restore leads back from the shuffled order, so leave it as the shuffle has it": _sorted_keep,
        "place num_visible is hidden, too: counting begins at 0, so it is >=": _one_less,
        "keep has the noise itself, sorted; asked are the numbers of the patches: argsort": _other(
            keep=lambda noise, V: np.sort(noise, axis=1)[:, :V]
        ),
        "keep was cut from restore, which holds places; the shuffle holds patches": _other(
            keep=lambda noise, V: _masked(noise, V)[1][:, :V]
        ),
        "keep has the right patches, but not in the order of the shuffle: argpartition does not sort": _other(
            keep=lambda noise, V: np.argpartition(noise, V, axis=1)[:, :V]
        ),
        "keep has the end of the shuffle, the largest numbers; the smallest come first": _other(
            keep=lambda noise, V: noise.argsort(axis=1)[:, -V:]
        ),
        "keep has the first images; the first patches of each are [:, :num_visible]": _other(
            keep=lambda noise, V: noise.argsort(axis=1)[:V]
        ),
        "restore is the shuffle, from the last to the first; the way back is its inverse: argsort of the shuffle": (
            _other(restore=lambda noise, V: noise.argsort(axis=1)[:, ::-1])
        ),
        "all images were sorted as one; sort the patches of each: argsort along axis 1": (
            lambda noise, V: _masked(noise, V, order=lambda noise: noise.argsort(axis=None).reshape(noise.shape))
        ),
        "all patches were kept; the encoder gets the first num_visible of the shuffle": (
            lambda noise, V: (noise.argsort(axis=1), *_masked(noise, V)[1:])
        ),
        "num_visible patches were hidden; that many stay visible": (
            lambda noise, V: _masked(noise, noise.shape[1] - V)
        ),
    },
)

# --- 20.2 ---


def fill_in(x, mask_token, restore):
    return _filled(x, mask_token, restore)


def _shuffled(x, mask_token, restore):
    masks = np.broadcast_to(mask_token, (len(x), restore.shape[1] - x.shape[1], x.shape[2]))
    return np.concatenate([x, masks], axis=1)


def _filled(x, mask_token, restore, *, order=lambda restore: restore):
    return np.take_along_axis(_shuffled(x, mask_token, restore), order(restore)[:, :, None], axis=1)


def _in_order(x, mask_token, restore):
    y = np.broadcast_to(mask_token, (*restore.shape, x.shape[2])).copy()
    y[restore < x.shape[1]] = x.reshape(-1, x.shape[2])
    return y


def _masks_first(x, mask_token, restore):
    masks = np.broadcast_to(mask_token, (len(x), restore.shape[1] - x.shape[1], x.shape[2]))
    return np.take_along_axis(np.concatenate([masks, x], axis=1), restore[:, :, None], axis=1)


def orders(rng: np.random.Generator, B: int, L: int) -> np.ndarray:
    """(B, L), a permutation in each row; the first is not its own inverse."""
    orders = rng.random((B, L)).argsort(axis=1)
    orders[0] = _cycle(rng, L)
    return orders


def _cycle(rng: np.random.Generator, L: int) -> np.ndarray:
    """One round through all L places, which is not undone by itself."""
    round_trip, order = rng.permutation(L), np.empty(L, int)
    order[round_trip] = np.roll(round_trip, 1)
    return order


def _tokens_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, V, D in SIZES:
        yield Case((rng.standard_normal((B, V, D)), rng.standard_normal(D), orders(rng, B, L)))


add(
    "20.2",
    fill_in,
    _tokens_cases,
    outputs=("tokens",),
    mistakes={
        "that shuffles once more, or writes at restore[:, i]; it says where patch i stands in the row: read there": (
            lambda x, mask_token, restore: _filled(x, mask_token, restore, order=lambda order: order.argsort(axis=1))
        ),
        "the tokens were not put back: they still stand in the shuffled order": (
            lambda x, mask_token, restore: _filled(
                x, mask_token, restore, order=lambda order: np.tile(np.arange(order.shape[1]), (len(order), 1))
            )
        ),
        "the mask tokens came first; in the shuffled row the visible tokens do": _masks_first,
        "zeros stand in the hidden places; the mask token belongs there": (
            lambda x, mask_token, restore: _filled(x, 0 * mask_token, restore)
        ),
        "the visible tokens stand in the order of the patches; in x they stand in that of the shuffle": _in_order,
        "the visible tokens come again and again; in the hidden places belongs the mask token": (
            lambda x, mask_token, restore: np.take_along_axis(x, restore[:, :, None] % x.shape[1], axis=1)
        ),
        "tokens[:, restore] takes the orders of all images for each: np.take_along_axis goes image by image": (
            lambda x, mask_token, restore: _shuffled(x, mask_token, restore)[:, restore]
        ),
        "the mask token stands behind x once; it is needed for each hidden patch": (
            lambda x, mask_token, restore: np.take_along_axis(
                np.concatenate([x, np.broadcast_to(mask_token, (len(x), 1, len(mask_token)))], axis=1),
                restore[:, :, None],
                axis=1,
            )
        ),
        "axis 0 goes over images; the tokens of each image stand along axis 1": (
            lambda x, mask_token, restore: np.take_along_axis(
                _shuffled(x, mask_token, restore), restore[:, :, None], axis=0
            )
        ),
        "all images were put back as the first one; each has an order of its own": (
            lambda x, mask_token, restore: _filled(x, mask_token, restore[:1].repeat(len(x), axis=0))
        ),
        "the mask token was added to the visible tokens, too": (
            lambda x, mask_token, restore: _filled(x + mask_token, mask_token, restore)
        ),
    },
)
