"""The tests beside this file use the fuzzers that lie there too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
