"""The test beside this file uses the script that lies there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
