"""Optimizers, the learning-rate schedule, gradient clipping, averaging of weights."""

from .adamw import AdamW
from .clipping import clip_by_global_norm, global_norm
from .ema import EMA
from .flat import FlatArrays, decays, flatten
from .muon import Muon
from .optimizer import Optimizer
from .schedule import warmup_cosine
from .sgd import SGD

__all__ = [
    "EMA",
    "SGD",
    "AdamW",
    "FlatArrays",
    "Muon",
    "Optimizer",
    "clip_by_global_norm",
    "decays",
    "flatten",
    "global_norm",
    "warmup_cosine",
]
