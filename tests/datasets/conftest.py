"""Modules that these tests share: `small_files` and `folders`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
