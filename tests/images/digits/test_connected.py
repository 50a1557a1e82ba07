import numpy as np
import pytest

from tinyvit.images.digits.connected import label


def slow_label(mask):
    labels, count = np.zeros(mask.shape, int), 0
    for y, x in zip(*np.nonzero(mask), strict=True):
        if labels[y, x]:
            continue
        count += 1
        stack = [(y, x)]
        while stack:
            v, u = stack.pop()
            if 0 <= v < mask.shape[0] and 0 <= u < mask.shape[1] and mask[v, u] and not labels[v, u]:
                labels[v, u] = count
                stack += [(v + dv, u + du) for dv in (-1, 0, 1) for du in (-1, 0, 1)]
    return labels, count


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
def test_pieces_are_those_of_a_slow_walk(share, rng):
    for _ in range(15):
        mask = rng.random(rng.integers(1, 15, 2)) < share
        labels, count = label(mask)
        wanted, wanted_count = slow_label(mask)
        assert count == wanted_count
        np.testing.assert_array_equal(labels, wanted)


def test_a_spiral_is_one_piece():
    mask = np.zeros((40, 40), bool)
    for ring in range(0, 20, 4):
        mask[ring, ring : 40 - ring] = mask[ring : 40 - ring, 39 - ring] = True
        mask[39 - ring, ring : 40 - ring] = mask[ring + 4 : 40 - ring, ring] = True
        mask[ring + 4, ring : ring + 5] = True
    assert label(mask)[1] == 1
