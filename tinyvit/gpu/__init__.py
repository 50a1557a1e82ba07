"""Fused kernels for NVIDIA GPUs: a training step in about 20 launches a block, recorded once and replayed.

The plain ops run on a GPU as they are, one small launch after another, and the host cannot send them fast enough to
keep a GPU busy with a small model. Here neighbouring ops are one kernel, written in CUDA C++ (`kernels/`), and a whole
step is one CUDA graph. From the bottom up:

    sources     which kernels there are, what they are compiled with, and how their arguments are passed
    device      memory, launches and matrix products on a GPU; the tests have one that runs on the CPU
    blas        cuBLAS, called so that it can be recorded
    workspace   the same memory in every step
    sums        many sums of columns in one launch
    launching   how many threads to start
    fused       the ops, forward beside backward, named as in `tinyvit/ops`; attention in a file of its own
    step        the whole model, forward and backward
    update      AdamW and the average, over all parameters as one vector
    graph       recording and replaying

`training/fused.py` is the one place that chooses between these and the plain ops.
"""

from .device import CudaDevice, Device
from .graph import GraphedStep
from .heads import Heads
from .launching import per_number
from .step import Batch, FusedStep, reason_against
from .update import FusedUpdate

__all__ = [
    "Batch",
    "CudaDevice",
    "Device",
    "FusedStep",
    "FusedUpdate",
    "GraphedStep",
    "Heads",
    "per_number",
    "reason_against",
]
