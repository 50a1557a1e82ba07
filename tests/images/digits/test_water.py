import heapq

import numpy as np
import pytest

from tinyvit.images.digits.water import depths, touches_edge, water_level


def slow_level(landscape):
    """From the lowest pixel of the edge on, always the lowest reached one first."""
    height, width = landscape.shape
    level = np.full(landscape.shape, 999)
    queue = []
    for y in range(height):
        for x in range(width):
            if y in (0, height - 1) or x in (0, width - 1):
                level[y, x] = landscape[y, x]
                heapq.heappush(queue, (level[y, x], y, x))
    while queue:
        here, y, x = heapq.heappop(queue)
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < height and 0 <= u < width and level[v, u] == 999:
                level[v, u] = max(here, landscape[v, u])
                heapq.heappush(queue, (level[v, u], v, u))
    return level


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (5, 4), (9, 9), (7, 12)])
def test_water_stands_at_the_lowest_pass_to_the_edge(shape, rng):
    landscape = rng.integers(0, 256, (3, *shape)).astype(np.uint8)
    wanted = np.stack([slow_level(plane) for plane in landscape])
    np.testing.assert_array_equal(water_level(landscape), wanted)


def test_large_landscapes_are_nearly_exact(rng):
    y, x = np.mgrid[0:150, 0:170]
    landscape = (120 + 60 * np.sin(x / 9) * np.sin(y / 13) + rng.integers(0, 5, y.shape)).astype(np.uint8)
    assert np.abs(water_level(landscape[None])[0] - slow_level(landscape)).max() <= 5


def test_dark_and_light_ink_and_what_reaches_the_edge():
    picture = np.full((1, 40, 50), 200, np.uint8)
    picture[0, 10:20, 10:14] = 50
    picture[0, 10:20, 30:34] = 240
    picture[0, 30:, 20:24] = 50  # from the edge
    dark, light = depths(picture)
    assert dark[15, 12] == 150
    assert light[15, 32] == 40
    assert dark[35, 22] == 0
    assert depths(picture, walled=True)[0][35, 22] == 150
    assert touches_edge(picture, 20.0)
    assert not touches_edge(picture[:, :28], 20.0)


def test_red_on_green_of_the_same_brightness_is_deep():
    picture = np.empty((3, 20, 20), np.uint8)
    picture[:] = np.array((60, 130, 60))[:, None, None]
    picture[:, 5:15, 8:11] = np.array((200, 72, 50))[:, None, None]
    assert depths(picture)[:, 10, 9].min() >= 58
