"""Finding handwritten digits in images: one step a file, from light and dark to images such as MNIST's.

    image -lines-> without ruled lines -water-> depth of the ink -connected, pieces-> pieces of ink
      -strokes-> those that make one digit -choose, split-> those that look like digits -normalise-> as MNIST's

`find` goes through all of it. NumPy and Pillow, no learning: what cannot be told from a digit by its shape is
told by the model that reads it.
"""

from .find import MIN_EXTENT, Found, find_digits
from .normalise import resized
from .order import Digit

__all__ = ["MIN_EXTENT", "Digit", "Found", "find_digits", "resized"]
