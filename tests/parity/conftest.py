"""These tests compare with PyTorch; without it they are skipped, by name."""

import contextlib

import pytest

with contextlib.suppress(ImportError):
    from tests.support import oracles  # noqa: F401  before transformers is imported


def pytest_ignore_collect(collection_path, config):
    try:
        import torch  # noqa: F401
    except ImportError:
        return (
            True if collection_path.name.startswith("test_") and collection_path.name != "test_needs_torch.py" else None
        )
    return None


@pytest.fixture(params=["float64", "float32"])
def precision(request):
    """dtype, and how closely two implementations must agree in it, relative to the largest number of an array."""
    return request.param, 1e-10 if request.param == "float64" else 1e-5
