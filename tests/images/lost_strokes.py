"""How often a digit by itself loses a stroke as a box, ring or underline; run me for the count, of MNIST's test digits.

`python -m tests.images.lost_strokes 2500` looks at the first 2,500.
"""

import re
import sys

import numpy as np

from tinyvit.datasets import load_dataset
from tinyvit.images.digits.find import find_digits

LEFT_OUT = re.compile(r"boxes, rings, underlines out \((\d+)\)")
SCALE, MARGIN = 4, 14


def loses_strokes(digit: np.ndarray) -> bool:
    """Whether something of a digit, uint8 (28, 28), is left out as furniture around it, in the middle of dark paper."""
    canvas = np.pad(digit.repeat(SCALE, axis=0).repeat(SCALE, axis=1), SCALE * MARGIN)
    captions = " ".join(find_digits(canvas[None], (28, 28)).steps)
    return LEFT_OUT.search(captions).group(1) != "0"


def main(count: int) -> None:
    split = load_dataset("mnist").test
    lost = [row for row in range(count) if loses_strokes(split.images[row, 0])]
    print(f"{len(lost)} of {count:,} digits lose a stroke; rows of the test set and classes:")
    print(*(f"{row} ({split.labels[row]})" for row in lost))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2500)
