"""The live page: a model at work, seen in the browser of this machine; `README.md` tells how it is built."""

from .server import PageServer
from .studio import open_studio

__all__ = ["PageServer", "open_studio"]
