"""Every kernel against NumPy's ops, with ragged sizes; whatever a kernel forgot to write is NaN."""

import numpy as np
import pytest

from tests.support import kernel_cases as cases
from tests.support.emulator import ORDERS
from tinyvit.gpu.sources import FOLDER, signatures

ALL = [(name, config) for name, (_, configs) in cases.CASES.items() for config in configs]


@pytest.mark.parametrize(("name", "config"), ALL, ids=[f"{name}-{config}" for name, config in ALL])
def test_a_kernel_is_right_and_has_the_same_bits_in_any_order(name, config, make_device):
    """Threads take turns in three orders: what depends on the order lacks a barrier, or adds up by chance."""
    results = [
        cases.run_case(name, make_device(cases.CONFIGS[config], order=order), cases.CONFIGS[config]) for order in ORDERS
    ]
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_no_kernel_is_left_out(make_device, device):
    if device != "cpu":
        pytest.skip("the emulator keeps the names")
    launched = {"token_table"}  # a part of the whole step: test_step.py
    for name, config in ALL:
        emulated = make_device(cases.CONFIGS[config])
        cases.run_case(name, emulated, cases.CONFIGS[config])
        launched |= set(emulated.names)
    text = "\n".join(path.read_text() for path in FOLDER.glob("*.cu"))
    assert set(signatures(text)) <= launched
