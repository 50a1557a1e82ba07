# mypy: disable-error-code="no-untyped-def"
"""Lesson 14, where the time of a GPU goes."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 14.4 ---


def time_floor(batch, *, flops, bytes_per_image, weight_bytes, launches, peak, bandwidth, overhead):
    compute = batch * flops / peak
    memory = (weight_bytes + batch * bytes_per_image) / bandwidth
    return np.maximum(np.maximum(compute, memory), launches * overhead)


def _floors(batch, flops, bytes_per_image, weight_bytes, launches, peak, bandwidth, overhead):
    memory = (weight_bytes + batch * bytes_per_image) / bandwidth
    return np.stack([batch * flops / peak, memory, np.full(len(batch), launches * overhead)])


def _three(batch, *, flops, bytes_per_image, weight_bytes, launches, peak, bandwidth, overhead):
    return batch * flops / peak, (weight_bytes + batch * bytes_per_image) / bandwidth, launches * overhead


def _third_argument(batch, **sizes):
    compute, memory, launches = _three(batch, **sizes)
    return np.maximum(compute, memory, out=launches)


def _floor_cases(rng: np.random.Generator) -> Iterator[Case]:
    """All three regimes in each: launches for small batches, memory, and arithmetic for large ones."""
    for _ in range(3):
        peak, bandwidth, launches = *rng.uniform(1e12, 9e12, 2), int(rng.integers(20, 300))
        unit = rng.uniform(1e-7, 3e-7)  # seconds that an image's bytes take
        sizes = {
            "flops": 1.05 * unit * peak,
            "bytes_per_image": unit * bandwidth,
            "weight_bytes": 50 * unit * bandwidth,
            "launches": launches,
            "peak": peak,
            "bandwidth": bandwidth,
            "overhead": 100 * unit / launches,
        }
        for batch in ([1, 7, 30, 200, 500, 3000, 20_000], [1], [20, 40, 400]):
            yield Case((np.array(batch),), sizes)


def _largest(batch, **sizes):
    return _floors(batch, **sizes).max(0)


add(
    "14.4",
    time_floor,
    _floor_cases,
    outputs=("seconds",),
    mistakes={
        "you added the three times; they pass at the same moment, so the longest counts": (
            lambda batch, **sizes: _floors(batch, **sizes).sum(0)
        ),
        "you took the shortest; the whole cannot be faster than its slowest part": (
            lambda batch, **sizes: _floors(batch, **sizes).min(0)
        ),
        "a call works on the whole batch: the number of launches does not grow with it": (
            lambda batch, **sizes: np.maximum(
                _floors(batch, **sizes)[:2].max(0), batch * sizes["launches"] * sizes["overhead"]
            )
        ),
        "the weights are read once for the whole batch, not once for each image": (
            lambda batch, **sizes: _largest(
                batch,
                **{**sizes, "weight_bytes": 0, "bytes_per_image": sizes["bytes_per_image"] + sizes["weight_bytes"]},
            )
        ),
        "the weights have to be read too: weight_bytes is missing": (
            lambda batch, **sizes: _largest(batch, **{**sizes, "weight_bytes": 0})
        ),
        "flops and bytes_per_image are those of one image: times batch": (
            lambda batch, **sizes: _largest(np.ones_like(batch), **sizes)
        ),
        "np.max wants one array, and these three have different shapes: np.maximum compares two, so take it twice": (
            lambda batch, **sizes: np.max(list(_three(batch, **sizes)))
        ),
        "np.maximum compares two arrays; a third argument is where it writes the result: take it twice": (
            _third_argument
        ),
        "np.max looks for the largest of all; every batch size has its own time: np.maximum, twice": (
            lambda batch, **sizes: _floors(batch, **sizes).max()
        ),
        "that is the time for one image; the time of the whole batch is asked for": (
            lambda batch, **sizes: _largest(batch, **sizes) / batch
        ),
        "the launches are missing: launches * overhead": lambda batch, **sizes: _floors(batch, **sizes)[:2].max(0),
    },
)
