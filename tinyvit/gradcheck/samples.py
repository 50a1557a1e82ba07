"""Inputs to try every op on: several shapes each, with all that its forward takes.

Sizes are small, odd and all different, so that a swapped axis cannot hide; values are away from 0 and 1.
"""

from typing import Any

import numpy as np

from ..errors import UserError
from ..ops import OPS

Inputs = dict[str, np.ndarray | None]


def op_samples(name: str, rng: np.random.Generator) -> list[tuple[Inputs, dict[str, Any]]]:
    """Inputs and options of several shapes for the op called `name`.

    Raises:
        UserError: there are none: an op without samples would not be checked.
    """
    x, mask = rng.standard_normal, rng.random
    rows = [(3, 5), (2, 3, 7)]

    def some(B: int, N: int, M: int) -> np.ndarray:
        """M of N different places for each of B images."""
        return np.argsort(mask((B, N)), axis=1)[:, :M]

    def boxes(R: int) -> np.ndarray:
        """x1 y1 x2 y2 of boxes around (4, 4)."""
        return np.concatenate([rng.uniform(0, 2, (R, 2)), rng.uniform(6, 8, (R, 2))], axis=1)

    samples: dict[str, Any] = {
        "patchify": [
            ({"images": x((2, 3, 4, 6))}, {"patch_size": 2}),
            ({"images": x((3, 1, 3, 3))}, {"patch_size": 3}),
        ],
        "unpatchify": [
            ({"patches": x((2, 6, 12))}, {"image_shape": (4, 6), "patch_size": 2}),
            ({"patches": x((3, 5, 9))}, {"image_shape": (15, 3), "patch_size": 3}),
        ],
        "linear": [({"x": x((*s, 4)), "weight": x((4, 3)), "bias": x(3)}, {}) for s in ((5,), (2, 3))]
        + [({"x": x((3, 2, 4)), "weight": x((4, 5)), "bias": None}, {})],
        "conv2d": [
            ({"x": x((B, C, H, W)), "weight": x((C * k * k, O)), "bias": x(O)}, {"stride": s, "padding": p})
            for B, C, H, W, k, O, s, p in (
                (2, 1, 4, 5, 3, 2, 1, 1), (3, 3, 5, 4, 3, 2, 1, 0), (2, 2, 3, 4, 1, 5, 1, 0), (2, 1, 3, 2, 1, 3, 2, 1),
                (2, 3, 6, 5, 3, 4, 2, 1), (2, 2, 6, 7, 3, 1, 2, 0), (1, 2, 5, 7, 2, 3, 3, 2),
            )
        ],
        "prepend_tokens": [({"x": x((3, 4, 5)), "tokens": x((1, t, 5))}, {}) for t in (1, 3)],
        "add_position": [({"x": x((B, 4, 5)), "pos_embed": x((1, 4, 5))}, {}) for B in (3, 1)],
        "gather_tokens": [
            ({"x": x((B, 6, D))}, {"ids": some(B, 6, M)}) for B, M, D in ((3, 2, 5), (2, 6, 3), (1, 1, 4))
        ],
        "scatter_tokens": [
            ({"x": x((B, M, D)), "mask_token": x((1, 1, D))}, {"ids": some(B, 7, M), "num_tokens": 7})
            for B, M, D in ((3, 2, 5), (2, 6, 3), (1, 1, 4))
        ],
        "embedding": [  # ids that come once, often and never
            ({"weight": x((5, 3))}, {"ids": np.array([3, 0, 3, 1, 3, 0])}),
            ({"weight": x((7, 4))}, {"ids": np.array([[6, 6, 2], [0, 2, 6]])}),
            ({"weight": x((3, 5))}, {"ids": np.array([[[2, 1], [1, 1]], [[1, 2], [2, 2]]], np.uint8)}),
        ],
        "resample_positions": [
            ({"x": x((B, prefix + h * w, D))}, {"grid": (h, w), "new_grid": new_grid, "num_prefix": prefix} | how)
            for B, prefix, (h, w), new_grid, D, how in (
                (1, 1, (2, 3), (4, 5), 3, {}),  # grown
                (2, 3, (5, 4), (2, 3), 2, {}),  # shrunk
                (1, 0, (3, 5), (4, 2), 3, {"method": "bilinear"}),
                (3, 1, (4, 3), (3, 7), 2, {"method": "bilinear", "align_corners": True}),
                (1, 3, (3, 4), (5, 2), 4, {"align_corners": True}),
                (1, 0, (6, 5), (2, 4), 3, {"antialias": True}),
                (2, 1, (5, 6), (3, 2), 2, {"method": "bilinear", "antialias": True}),
                (1, 1, (4, 5), (6, 3), 3, {"antialias": True, "align_corners": True}),
                (1, 3, (1, 4), (3, 1), 2, {}),
            )
        ],
        "layer_norm": [({"x": 2 * x(s) + 1, "weight": x(s[-1]), "bias": x(s[-1])}, {"eps": 1e-6}) for s in rows]
        + [({"x": x((2, 3, 5)), "weight": x(5), "bias": x(5)}, {"eps": 0.1})],
        "softmax": [({"x": x(s)}, {}) for s in rows] + [({"x": 3 * x((2, 2, 3, 4)) + 800}, {})],
        "attention": [
            ({"qkv": x((2, 5, 18))}, {"num_heads": 2}),
            ({"qkv": x((3, 4, 15))}, {"num_heads": 1}),
            ({"qkv": 4 * x((1, 3, 24))}, {"num_heads": 4}),
            ({"qkv": x((2, 4, 18))}, {"num_heads": 2, "num_queries": 1}),
            ({"qkv": 3 * x((3, 5, 12))}, {"num_heads": 1, "num_queries": 3}),
        ],
        "layer_scale": [({"x": x(s), "gamma": x(s[-1])}, {}) for s in rows],
        "dropout": [({"x": x(s)}, {"keep_mask": mask(s) > 0.3, "drop_prob": 0.3}) for s in rows],
        "drop_path": [
            ({"x": x((5, 3, 2))}, {"keep_mask": mask((5, 1, 1)) > 0.4, "drop_prob": 0.4}),
            ({"x": x((4, 3))}, {"keep_mask": mask((4, 1)) > 0.4, "drop_prob": 0.4}),
        ],
        "modulate": [
            ({"x": x((B, N, D)), "shift": x((B, D)), "scale": x((B, D))}, {}) for B, N, D in ((3, 4, 5), (2, 1, 3))
        ],
        "gate": [({"x": x((B, N, D)), "gate": x((B, D))}, {}) for B, N, D in ((3, 4, 5), (2, 1, 3))],
        **{n: [({"x": 2 * x(s)}, {}) for s in rows] for n in ("gelu", "gelu_tanh", "gelu_quick", "sigmoid", "silu")},
        "cls_pool": [({"x": x((3, 4, 5))}, {}), ({"x": x((2, 1, 3))}, {}), ({"x": x((2, 5, 3))}, {"num_tokens": 2})],
        "mean_pool": [({"x": x((3, 4 + p, 4))}, {"num_prefix": p}) for p in (0, 1, 3)],
        "cls_mean_pool": [({"x": x((3, 4 + p, 5))}, {"num_prefix": p}) for p in (0, 1, 3)],
        "cross_entropy": [
            ({"logits": 2 * x((5, 4))}, {"labels": rng.integers(0, 4, 5)}),
            ({"logits": x((3, 7)) + 800}, {"labels": rng.integers(0, 7, 3), "label_smoothing": 0.1}),
            ({"logits": x((4, 3))}, {"labels": rng.dirichlet(np.ones(3), 4), "label_smoothing": 0.2}),
            ({"logits": x((4, 3))}, {"labels": np.array([2, 9, 0, 1]), "weights": np.array([0.4, 0, 0.1, 0.5])}),
            (
                {"logits": x((3, 4))},
                {"labels": rng.dirichlet([1] * 4, 3), "weights": rng.dirichlet([1] * 3), "label_smoothing": 0.3},
            ),
        ],
        "distillation": [
            ({"logits": 2 * x((5, 4))}, {"teacher_logits": 2 * x((5, 4)), "temperature": 3.0}),
            ({"logits": x((3, 7)) + 800}, {"teacher_logits": x((3, 7)) - 800}),
            (
                {"logits": x((4, 3))},
                {"teacher_logits": x((4, 3)), "temperature": 0.5, "weights": np.array([0.4, 0.0, 0.1, 0.5])},
            ),
        ],
        "binary_cross_entropy": [
            ({"logits": 2 * x(s)}, {"labels": how(mask(s)), "label_smoothing": smoothing})
            for s, how, smoothing in (((5, 4), np.round, 0.0), ((3, 1), np.rint, 0.1), ((2, 7), np.abs, 0.2))
        ],
        "mse": [({"x": x(s)}, {"target": x(s)}) for s in rows]
        + [({"x": x((2, 4, 3))}, {"target": x((2, 4, 3)), "weights": rng.dirichlet([1] * 8).reshape(2, 4)})]
        + [({"x": x((3, 5))}, {"target": x((3, 5)), "weights": np.array([0.3, 0.0, 0.7])})],
        "focal": [
            ({"logits": 2 * x((5, 4))}, {"targets": mask((5, 4)) > 0.6}),
            ({"logits": 3 * x((2, 3, 7))}, {"targets": mask((2, 3, 7)) > 0.8, "weights": mask((2, 3)), "gamma": 1.5}),
            ({"logits": x((6, 1))}, {"targets": mask((6, 1)) > 0.5, "alpha": 0.6, "gamma": 0.0}),
        ],
        "giou": [  # boxes that overlap, those that do not touch, those of which one is inside the other
            ({"boxes": boxes(6)}, {"target": boxes(6), "weights": mask(6)}),
            ({"boxes": boxes(3)}, {"target": boxes(3) + np.array([[8, 0, 8, 0], [0, -9, 0, -9], [9, 8, 9, 8]])}),
            ({"boxes": boxes(4)}, {"target": boxes(4) + np.array([2, 2, -2, -2]) * np.array([[1], [1], [-1], [-1]])}),
        ],
    }  # fmt: skip
    if name not in samples:
        known = "add some to gradcheck_samples.op_samples" if name in OPS else f"choose from {', '.join(OPS)}"
        raise UserError(f"there are no sample inputs for an op called {name!r}: {known}")
    return samples[name]
