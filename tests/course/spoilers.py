"""Helpers that a mutant calls: they change what they are given, and note whether there was anything to change."""

import numpy as np

DONE = []  # what the helpers below have really changed: an edit that changes nothing is none


def single(value):
    """A float64 as a float32; everything else as it is."""
    if isinstance(value, float | np.ndarray) and np.asarray(value).dtype == np.float64:
        DONE.append(True)
        return np.float32(value)
    return value


def flat(value):
    """An array as a row."""
    if np.ndim(value) != 1:
        DONE.append(True)
    return value.ravel()


def squeezed(value):
    """An array without its axes of length 1: wrong as soon as there is one, in any case."""
    if not isinstance(value, np.ndarray) or not value.ndim:
        return value
    DONE.append(True)
    return value.squeeze()


def averaged(value):
    """One number of an array."""
    if np.ndim(value):
        DONE.append(True)
    return value.mean()


def listed(value):
    """A list of an array."""
    if np.ndim(value):
        DONE.append(True)
    return value.tolist()


def positive(value):
    """An array without its signs."""
    if np.any(np.asarray(value) < 0):
        DONE.append(True)
    return np.abs(value)


def spoil(value):
    """Change every array in it, where it stands."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ():
        spoil(part)
    if isinstance(value, np.ndarray) and value.size:
        DONE.append(True)
        value += value + 1


HELPERS = {helper.__name__: helper for helper in (single, flat, squeezed, averaged, listed, positive, spoil)}
