"""Weight initialisation: truncated normal, standard deviation 0.02."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend import Array

INIT_STD = 0.02  # the ViT papers' and timm's
NO_DRAWS: Any = object()  # in a generator's place where a model is built only to be filled: zeros, which take no time


def spread_to(std: float, parameters: Mapping[str, Array]) -> None:
    """Scale fresh weight matrices, drawn with INIT_STD, to `std`; tokens, positions and convolutions keep theirs."""
    if std != INIT_STD:
        for name, weight in parameters.items():
            if weight.ndim == 2 and ".stem." not in name:
                weight *= std / INIT_STD


def truncated_normal(rng: np.random.Generator, shape: tuple[int, ...], *, std: float = INIT_STD) -> np.ndarray:
    """Draw from a normal distribution of standard deviation `std`, truncated at two standard deviations; float32.

    Without its tails the distribution is narrower: what comes out has a standard deviation of 0.88 `std`.
    """
    if rng is NO_DRAWS:
        return np.zeros(shape, np.float32)
    values = rng.standard_normal(shape)
    while (far := np.abs(values) > 2).any():
        values[far] = rng.standard_normal(int(far.sum()))
    return (values * std).astype(np.float32)
