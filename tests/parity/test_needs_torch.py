"""Says by name that parity was not looked at, where PyTorch is missing."""

import pytest


def test_pytorch_is_here_for_the_parity_tests():
    pytest.importorskip("torch", reason="parity tests need PyTorch: python -m pip install torch")
