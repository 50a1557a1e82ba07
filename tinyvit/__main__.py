"""`python -m tinyvit`: the same as the command `tinyvit`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
