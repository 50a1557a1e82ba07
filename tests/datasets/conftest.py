"""Folders of made-up pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))  # for `small_files`


@pytest.fixture
def make_picture(tmp_path):
    """Saves random pixels, (height, width) = size, under a name in tmp_path; returns the path."""

    def make(name, seed=None, *, size=(20, 30), mode="RGB", **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([*name.encode()] if seed is None else seed)
        values = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(values).convert(mode).save(path, **options)
        return path

    return make
