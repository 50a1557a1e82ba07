"""What ONNX's tests share; without the package onnx they are skipped, by name."""

import pytest

from tests.support.exporting import exported


@pytest.fixture
def export(tmp_path):
    """Writes a subject to a file; returns its path."""
    return lambda subject, **options: exported(tmp_path / "model.onnx", subject, **options)
