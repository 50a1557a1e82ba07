"""Modules that these tests share with those of data sets: `small_files` and `folders`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "datasets"))
