"""One part of `tinyvit bench --device cuda`, in a process of its own; prints each row as one JSON line."""

import json
import sys

from .gpu import parts


def main(device: str, against: str, index: str, seconds: str) -> None:
    """The part number `index` of those that there are for this device and this other side."""
    _, _, part = list(parts(device, against))[int(index)]
    for row in part(float(seconds)):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
