"""Positions resampled as PyTorch resamples images: every method and flag, growing, shrinking, of any shape."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tinyvit.ops import resample_positions_backward, resample_positions_forward

GRIDS = [
    ((7, 7), (14, 14)), ((14, 14), (7, 7)), ((14, 14), (16, 16)), ((4, 4), (4, 4)), ((4, 6), (9, 5)), ((7, 5), (2, 11)),
    ((1, 5), (3, 2)), ((5, 1), (2, 1)), ((1, 1), (3, 4)), ((3, 4), (1, 1)), ((13, 2), (1, 7)), ((5, 6), (5, 9)),
]  # fmt: skip


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    ("dtype", "torch_dtype", "tolerance"),
    [
        ("float64", torch.float64, 1e-10),
        ("float32", torch.float64, 1e-6),
        ("float32", torch.float32, 2e-6),  # it rounds the places, where we round only the shares: 1.1e-6 off by itself
    ],
)
def test_values_and_gradients_are_those_of_interpolate(
    dtype, torch_dtype, tolerance, method, antialias, align_corners, rng
):
    for (grid, new_grid), num_prefix in itertools.product(GRIDS, (0, 1, 3)):
        x = rng.standard_normal((1, num_prefix + grid[0] * grid[1], 5)).astype(dtype)
        y, saved = resample_positions_forward(
            x, grid=grid, new_grid=new_grid, num_prefix=num_prefix,
            method=method, antialias=antialias, align_corners=align_corners,
        )  # fmt: skip
        dy = rng.standard_normal(y.shape).astype(dtype)
        dx = resample_positions_backward(dy, saved)

        tensor = torch.tensor(x, dtype=torch_dtype, requires_grad=True)
        picture = tensor[:, num_prefix:].reshape(1, *grid, 5).permute(0, 3, 1, 2)
        picture = F.interpolate(picture, new_grid, mode=method, antialias=antialias, align_corners=align_corners)
        patches = picture.permute(0, 2, 3, 1).reshape(1, -1, 5)
        torch_y = torch.cat([tensor[:, :num_prefix], patches], dim=1)
        torch_y.backward(torch.tensor(dy, dtype=torch_dtype))
        for ours, theirs in ((y, torch_y.detach().numpy()), (dx, tensor.grad.numpy())):
            assert (ours.shape, ours.dtype) == (theirs.shape, dtype)
            error = np.abs(ours - theirs).max() / np.abs(theirs).max()
            assert error < tolerance, f"{grid} -> {new_grid}, {num_prefix} in front: {error:.1e}"
