"""Random numbers that depend on nothing but a seed and a purpose.

Every random choice of a run comes from `generator(seed, "what for", step)`. So there is no generator state to save:
a run that resumes at step 700 draws exactly what the uninterrupted run drew at step 700.
"""

import zlib

import numpy as np


def generator(seed: int, *key: int | str) -> np.random.Generator:
    """An independent NumPy generator for one purpose: `generator(0, "shuffle", epoch)`.

    Draws happen on the host, also when the arrays live on a GPU, so that CPU and GPU runs see the same numbers.
    Words become numbers through CRC-32, which is the same on every machine (unlike Python's `hash`).
    """
    return np.random.default_rng([seed, *(zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key)])
