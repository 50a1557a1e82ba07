"""These tests compare with PyTorch; without it they are skipped, by name."""

import contextlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def lend_torchvision_its_operators():
    """torchvision made for another PyTorch asks for operators that only the compiled part of it has. What timm and
    transformers use of it needs none of them, so empty ones will do; the library lives as long as what is returned.
    """
    try:
        import torch
    except ImportError:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):  # they are there
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


LENT = lend_torchvision_its_operators()


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
