import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.plots import plot_position_similarity, save_figure


@pytest.mark.parametrize(("grid", "num_prefix"), [((4, 4), 1), ((4, 6), 5), ((3, 2), 0), ((14, 14), 1)])
def test_each_map_lies_where_its_patch_lies(tmp_path, grid, num_prefix):
    rows, columns = grid
    pos_embed = np.random.default_rng(0).normal(size=(1, num_prefix + rows * columns, 8)).astype(np.float32)
    figure = plot_position_similarity(pos_embed, grid=grid, num_prefix=num_prefix)
    assert len(figure.axes) == 2  # the maps and their colour bar
    mosaic = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    assert mosaic.shape == (rows * (rows + 1) - 1, columns * (columns + 1) - 1)
    patches = pos_embed[0, num_prefix:].astype(np.float64)
    for row, column, other_row, other_column in [(0, 1, 2, 0), (2, 1, 0, 0), (1, 0, 1, 0)]:
        a, b = patches[row * columns + column], patches[other_row * columns + other_column]
        shown = mosaic[row * (rows + 1) + other_row, column * (columns + 1) + other_column]
        assert shown == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))
    assert np.isnan(mosaic[rows]).all()
    assert np.isnan(mosaic[:, columns]).all()
    save_figure(figure, tmp_path / "positions.png")


@pytest.mark.parametrize(("pos_embed", "grid"), [(np.zeros((1, 17, 4)), (4, 4)), (np.ones((1, 2, 4)), (1, 1))])
def test_odd_embeddings_can_be_drawn(tmp_path, pos_embed, grid):
    save_figure(plot_position_similarity(pos_embed, grid=grid), tmp_path / "positions.png")


def test_a_grid_that_does_not_fit():
    with pytest.raises(UserError, match="does not fit"):
        plot_position_similarity(np.zeros((1, 17, 8)), grid=(4, 5))
