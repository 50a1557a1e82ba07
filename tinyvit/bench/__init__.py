"""Benchmarks: training steps, inference, start-up and memory, alone or in turn with PyTorch; profiles; scaling.

Times are medians of many short runs, taken in turn with whatever they are compared with, since machines drift.
"""

from .cluster import cluster
from .gpu import bench_gpu
from .profile import peaks, profile
from .runs import whole_runs
from .scaling import fit_exponent, scaling
from .speed import speed
from .timing import Series, in_turn

__all__ = [
    "Series",
    "bench_gpu",
    "cluster",
    "fit_exponent",
    "in_turn",
    "peaks",
    "profile",
    "scaling",
    "speed",
    "whole_runs",
]
