"""What kernels are compiled with, and what they refuse to be given."""

import dataclasses

import numpy as np
import pytest

from tinyvit.config.presets import PRESETS, preset
from tinyvit.gpu import reason_against
from tinyvit.gpu.sources import FOLDER, MAX_THREADS, SHARED_BYTES, pairs_per_block, signatures, threads_per_pair, typed

TEXT = """
extern "C" __global__ void one(const float* x, int* y,
                               long long size, float scale) {}
__device__ void helper(float x) {}
extern "C" __global__ void two(const long long* x) {}
"""


def test_signatures_are_read_from_the_source():
    assert signatures(TEXT) == {"one": ["float*", "int*", "long long", "float"], "two": ["long long*"]}


def test_arguments_become_what_the_kernel_declares():
    x, y = np.zeros(3, np.float32), np.zeros(3, np.int32)
    values = typed("one", signatures(TEXT)["one"], (x, None, 3, 0.5))
    assert values[0] is x
    assert [type(value) for value in values[1:]] == [np.uintp, np.int64, np.float32]
    for args, sentence in (
        ((x, y, 3), "one takes 4 arguments, got 3"),
        ((x, x, 3, 0.5), r"argument 1 of one must be a contiguous int\*, got float32"),
        ((np.zeros((4, 4), np.float32)[:, ::2], y, 3, 0.5), r"argument 0 of one must be a contiguous float\*"),
    ):
        with pytest.raises(TypeError, match=sentence):
            typed("one", signatures(TEXT)["one"], args)


def test_blocks_of_attention_fit_a_gpu(rng):
    for _ in range(300):
        d, heads = int(rng.integers(1, 65)), int(rng.integers(1, 17))
        config = dataclasses.replace(
            preset("tiny"), img_size=4 * int(rng.integers(1, 20)), patch_size=4, embed_dim=d * heads, num_heads=heads
        )
        pairs = pairs_per_block(config)
        assert 4 * pairs * config.num_tokens * (2 * d + 2) <= SHARED_BYTES
        assert pairs * threads_per_pair(config) <= MAX_THREADS
        assert threads_per_pair(config) >= config.num_tokens
        assert pairs == 0 or d <= 32


def test_kernels_are_plain_ascii():
    """CuPy writes them to a file in the machine's own encoding, which may have no word for more."""
    for path in FOLDER.glob("*.cu"):
        assert path.read_text(encoding="utf-8").isascii(), path.name


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stem": "conv"}, "its stem is convolutions"),
        ({"layer_scale": 0.1}, "it has layer scale"),
        ({"drop_rate": 0.1}, "it has dropout"),
        ({"drop_path_rate": 0.1}, "it has drop path"),
        ({"num_classes": 0}, "it has no head"),
        ({"depth": 0}, "it has no blocks"),
        ({"embed_dim": 1600}, "its tokens are too long for shared memory"),
    ],
)
def test_what_there_are_no_kernels_for(changes, reason):
    assert reason_against(dataclasses.replace(preset("tiny"), **changes), np.dtype(np.float32)) == reason
    assert reason_against(preset("tiny"), np.dtype(np.float64)) == "it is in float64, not float32"
    assert all(reason_against(config, np.dtype(np.float32)) is None for config in PRESETS.values())
