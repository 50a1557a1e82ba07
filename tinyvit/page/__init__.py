"""The live page: a model at work, seen in the browser of this machine; `README.md` tells how it is built."""

from .server import PageServer
from .studio import open_studio
from .watch import Watch

__all__ = ["PageServer", "Watch", "open_studio"]
