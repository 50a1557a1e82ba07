"""What each family of Vision Transformers does its own way, in one table: the same weights give other logits elsewhere.

| | tinyvit | Hugging Face | timm | Google's .npz |
|---|---|---|---|---|
| epsilon of layer norm | 1e-6 | 1e-12 | 1e-6 | 1e-6 |
| GELU | erf | erf | erf | tanh |
| queries, keys, values | one array | three | one array | three, a head an axis |
| linear weights | (in, out) | (out, in) | (out, in) | (in, out) |
| patch kernel | (C*P*P, D) | (D, C, P, P) | (D, C, P, P) | (P, P, C, D) |
| positions | of all tokens | of all tokens | of all, or of the patches | of all tokens |
| after the last norm | head | pooler (left out), classifier | head | pre_logits (refused), head |
| positions at another size | bicubic | bicubic | bicubic, antialiased | bilinear, corners aligned |
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..config import ViTConfig
from . import google, huggingface, timm
from .layouts import Stored, same

Tensors = Mapping[str, np.ndarray]


class Family(NamedTuple):
    """How one family names, arranges and resamples; its configs are read by its own file."""

    layout: Callable[[ViTConfig], dict[str, Stored]]  # every parameter by our name: where it is stored
    plain_names: Callable[[Tensors], dict[str, np.ndarray]]  # without the prefixes that some files have
    head: tuple[str, ...]  # how the names of the classifier begin
    left_out: tuple[str, ...]  # and those of what has no part in the logits
    cannot_say: Callable[[ViTConfig], str]  # what of a config this family has no word for
    resample: dict[str, Any]  # options of `VisionTransformer.resized`
    fixed: dict[str, Any]  # what the family always does, and no file of it says
    file_name: Callable[[str], str] = str  # the inverse of plain_names


class AsItIs(dict[str, Stored]):
    """Our own layout: every name is stored under itself."""

    def __missing__(self, name: str) -> Stored:
        return same(name)


FAMILIES = {
    "tinyvit": Family(
        layout=lambda config: AsItIs(),
        plain_names=dict,
        head=("head.",),
        left_out=(),
        cannot_say=lambda config: "",
        resample={"method": "bicubic", "antialias": False, "align_corners": False},
        fixed={},
    ),
    "hf": Family(
        layout=huggingface.layout,
        plain_names=huggingface.plain_names,
        head=huggingface.HEAD,
        left_out=huggingface.LEFT_OUT,
        cannot_say=huggingface.cannot_say,
        resample={"method": "bicubic", "antialias": False, "align_corners": False},
        fixed={},
        file_name=huggingface.file_name,
    ),
    "timm": Family(
        layout=timm.layout,
        plain_names=dict,
        head=timm.HEAD,
        left_out=timm.LEFT_OUT,
        cannot_say=timm.cannot_say,
        resample={"method": "bicubic", "antialias": True, "align_corners": False},
        fixed=timm.FIXED,
    ),
    "npz": Family(
        layout=google.layout,
        plain_names=google.plain_names,
        head=google.HEAD,
        left_out=google.LEFT_OUT,
        cannot_say=google.cannot_say,
        resample={"method": "bilinear", "antialias": False, "align_corners": True},
        fixed=google.FIXED,
    ),
}
