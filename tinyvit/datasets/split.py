"""The dev (validation) split: training images held back, on which settings are chosen."""

import numpy as np

from ..backend import bincount, generator
from ..errors import UserError


def dev_split(labels: np.ndarray, dev_size: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Hold back `dev_size` examples, each class in proportion (stratified), chosen by `seed` alone.

    Class k with n_k of the n examples gives dev_size * n_k / n of them, rounded down; what is then still
    missing comes one by one from the classes that lost most by rounding (the largest remainder method).

    Args:
        labels: integers (n,), 0 and up.
        dev_size: 0 <= dev_size < n.

    Returns:
        (train, dev): indices into `labels`, int64 (n - dev_size,) and (dev_size,), each in ascending order.

    Raises:
        UserError: `dev_size` leaves nothing to train on, or is negative.
    """
    n = len(labels)
    if not 0 <= dev_size < n:
        raise UserError(f"dev_size must lie in 0..{n - 1} for {n} training images, got {dev_size}: choose another")
    rng = generator(seed, "dev split")
    counts = bincount(labels)
    quotas, remainders = np.divmod(dev_size * counts, n)
    quotas[np.argsort(-remainders, kind="stable")[: dev_size - quotas.sum()]] += 1
    in_dev = np.zeros(n, bool)
    for k, quota in enumerate(quotas):
        in_dev[rng.permutation(np.flatnonzero(labels == k))[:quota]] = True
    return np.flatnonzero(~in_dev), np.flatnonzero(in_dev)
