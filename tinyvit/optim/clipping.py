"""Gradient norm clipping: one bad batch may turn the model, but not throw it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..errors import UserError
from .flat import chunks


def global_norm(grads: Mapping[str, Array]) -> Array:
    """The length of all gradients taken as one long vector; a 0-d scalar, on the device, so that nothing waits."""
    total: Any = sum([(grad * grad).sum() for grad in chunks(grads)] or [np.zeros(())])
    return array_module(total).sqrt(total)


def clip_by_global_norm(grads: Mapping[str, Array], max_norm: float) -> Array:
    """Scale all gradients, in place, so that their global norm is at most `max_norm`; returns the norm before.

    Source: Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063; with PyTorch's 1e-6 against division by zero.

    Raises:
        UserError: `max_norm` is not above 0.
    """
    if not max_norm > 0:
        raise UserError(f"max_norm must be above 0, got {max_norm}: choose another, or do not clip")
    norm = global_norm(grads)
    scale = array_module(norm).minimum(max_norm / (norm + 1e-6), 1.0)
    for grad in chunks(grads):
        grad *= scale
    return norm
