"""Launch configuration of fused ops: a device, memory, and how many threads to start."""

from ..backend import Array
from ..config import ViTConfig
from .device import Device
from .sums import ColumnSums
from .workspace import Workspace

THREADS = 256  # of a block, where each thread works by itself
WARPS = 8  # of a block, where each warp or row of threads works by itself: NORM_WARPS and SUM_ROWS of the kernels
MAX_PARTS = 256  # of a long sum, each added up by a block of its own


class Launching:
    """The ground on which fused ops stand, for one model on one device."""

    def __init__(self, device: Device, config: ViTConfig):
        self.device, self.config = device, config
        self.memory = Workspace(device)
        self.sums = ColumnSums(device)

    def restart(self) -> None:
        """A step begins; whatever became of the last one, nothing of it is left."""
        self.memory.restart()
        self.sums.restart()

    def column_sum(self, x: Array, out: Array) -> None:
        """The sum of all rows of (R, n) goes to `out`, (n,)."""
        rows, columns = x.shape
        partial = self.memory.empty(parts_of(rows), columns)
        grid = (-(-columns // 32), len(partial))
        self.device.launch("column_partials", grid, (32, WARPS), x, partial, rows, columns)
        self.sums.add(partial, out)


def per_number(size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Launch configuration for `size` elements: one thread for each."""
    return (-(-size // THREADS),), (THREADS,)


def per_row(rows: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Blocks and threads for `rows` rows, one warp for each."""
    return (-(-rows // WARPS),), (32, WARPS)


def parts_of(rows: int) -> int:
    """Into how many parts a sum over `rows` rows is cut; it depends on nothing else, so that the bits do not either."""
    return min(MAX_PARTS, -(-rows // WARPS))
