"""Memory: what is available, and what images need that are held in it."""

import math
import os
from collections.abc import Callable

from ..errors import UserError

MIB = 2**20

UNKNOWN = 2**33  # bytes, taken to be there where the system does not say


def free_memory() -> int:
    """Bytes that can be had with nothing moved to the disk, as Linux says; elsewhere half of all there are."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return UNKNOWN


def check_memory(
    count: int,
    channels: int,
    size: tuple[int, int],
    note: Callable[[str], None],
    *,
    beside: int = 0,
    copies: int = 1,
) -> None:
    """Say what `count` images of `size` (H, W) take, uint8, before they are read.

    Args:
        beside: bytes of what belongs to each image, such as its mask.
        copies: how often all of it is held, as by worker processes.

    Raises:
        UserError: it is more than is available.
    """
    needed, available = count * (channels * math.prod(size) + beside), free_memory()
    kind = "grey" if channels == 1 else "RGB" if channels == 3 else f"{channels} channels"
    said = f"{count:,} images of {size[0]}x{size[1]} pixels, {kind}, take {needed / MIB:,.1f} MiB"
    if copies * needed > available:
        raise UserError(
            f"{said} of memory{', twice with worker processes' * (copies > 1)}, and {available / MIB:,.1f} MiB are "
            "free: use fewer images, or a model of a smaller img_size"
        )
    note(f"{said} and are held in memory, resized.")
