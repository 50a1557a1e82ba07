"""Table of families of Vision Transformers: layout, config, defaults and preprocessing of each.

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

import functools
from collections.abc import Callable, Mapping, Sequence
from reprlib import repr as short
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..config import ViTConfig
from ..errors import UserError
from ..images.processor import ImageProcessor
from ..storage.files import TASK_MODEL
from . import clip, deit, dinov2, google, huggingface, siglip, timm
from .layouts import Stored, same
from .problem import PROBLEM_TYPE, check_problem_type

Tensors = Mapping[str, np.ndarray]
Values = Mapping[str, Any]  # of config.json


class Family(NamedTuple):
    """A family of weights: how it describes, names, arranges and resamples; all that the package knows of it."""

    title: str  # for people
    library: str  # whose files they are: a choice of `tinyvit convert --to`
    read_config: Callable[[Values, Tensors], ViTConfig]
    write_config: Callable[[ViTConfig, Sequence[str], Values], Values]  # from class names and timm's pretrained_cfg
    read_class_names: Callable[[Values, int], tuple[str, ...] | None]
    layout: Callable[[ViTConfig], dict[str, Stored]]  # every parameter by our name: where it is stored
    head: tuple[str, ...]  # how the names of the classifier begin
    left_out: tuple[str, ...]  # and those of what has no part in the logits
    cannot_say: Callable[[ViTConfig], str]  # what of a config this family has no word for
    resample: dict[str, Any]  # options of `VisionTransformer.resized`
    model_types: tuple[str, ...] = ()  # what "model_type" in config.json says
    plain_names: Callable[[Tensors], dict[str, np.ndarray]] = dict  # without the prefixes that some files have
    file_name: Callable[[str], str] = str  # the inverse of plain_names
    fixed: Callable[[ViTConfig], dict[str, Any]] = lambda config: {}  # what it always does, and no file of it says
    fold: Callable[[ViTConfig, Tensors], Tensors] = lambda config, state: state  # gives what has no place there another
    processor: Values = MappingProxyType({})  # the preprocessor_config.json to be assumed where there is none
    processor_of: Callable[[Values, int], ImageProcessor | None] = lambda values, in_chans: None  # as config.json says
    marker: str = ""  # an entry that only its config.json has, in place of "model_type"
    complete_positions: bool = False  # all tokens have one in the file; else those in front may have none, which is 0
    projection: str = ""  # the weights of a head that names no classes, if there are such


class AsItIs(dict[str, Stored]):
    """Our own layout: every name is stored under itself."""

    def __missing__(self, name: str) -> Stored:
        self[name] = same(name)
        return self[name]


def _own_config(values: Values, tensors: Tensors) -> ViTConfig:
    return ViTConfig.from_dict({name: values[name] for name in values.keys() - {"model_type", PROBLEM_TYPE}})


def _timm_processor(values: Values, in_chans: int) -> ImageProcessor | None:
    """Image processor in timm's `pretrained_cfg`, if there is one."""
    cfg = values.get("pretrained_cfg")
    return ImageProcessor.from_timm(cfg, in_chans=in_chans) if cfg else None


BICUBIC = {"method": "bicubic", "antialias": False, "align_corners": False}
_transformers = functools.partial(
    Family, library="hf", read_class_names=huggingface.read_class_names, resample=BICUBIC
)  # a model of Hugging Face's transformers

FAMILIES = {
    "tinyvit": Family(
        title="tinyvit",
        library="tinyvit",
        read_config=_own_config,
        write_config=lambda config, names, cfg: {"model_type": "tinyvit", **config.to_dict()},
        read_class_names=lambda values, num_classes: None,
        layout=lambda config: AsItIs(),
        head=("head.",),
        left_out=(),
        cannot_say=lambda config: "",
        resample=BICUBIC,
        model_types=("tinyvit",),
        complete_positions=True,
    ),
    "hf": _transformers(
        title="Hugging Face",
        read_config=huggingface.read_config,
        write_config=huggingface.write_config,
        layout=huggingface.layout,
        head=huggingface.HEAD,
        left_out=huggingface.LEFT_OUT,
        cannot_say=huggingface.cannot_say,
        model_types=huggingface.MODEL_TYPES,
        plain_names=huggingface.without("vit."),
        file_name=huggingface.prefixed("vit.", *huggingface.HEAD),
    ),
    "deit": _transformers(
        title="Hugging Face DeiT",
        read_config=deit.read_config,
        write_config=deit.write_config,
        layout=deit.layout,
        head=deit.HEAD,
        left_out=huggingface.LEFT_OUT,
        cannot_say=deit.cannot_say,
        model_types=deit.MODEL_TYPES,
        plain_names=huggingface.without("deit."),
        file_name=huggingface.prefixed("deit.", *deit.HEAD),
        processor={"image_processor_type": "DeiTImageProcessor"},
    ),
    "dinov2": _transformers(
        title="Hugging Face DINOv2",
        read_config=dinov2.read_config,
        write_config=dinov2.write_config,
        layout=dinov2.layout,
        head=huggingface.HEAD,
        left_out=huggingface.LEFT_OUT,
        cannot_say=dinov2.cannot_say,
        model_types=dinov2.MODEL_TYPES,
        plain_names=huggingface.without(*dinov2.PREFIXES),
        fold=dinov2.fold,
        processor=dinov2.PIXELS,
    ),
    "clip": _transformers(
        title="Hugging Face CLIP, vision tower",
        read_config=clip.read_config,
        write_config=clip.write_config,
        layout=clip.layout,
        head=clip.HEAD,
        left_out=clip.LEFT_OUT,
        cannot_say=clip.cannot_say,
        model_types=clip.MODEL_TYPES,
        plain_names=huggingface.without(clip.PREFIX),
        processor={"image_processor_type": "CLIPImageProcessor"},
        projection=clip.PROJECTION,
    ),
    "siglip": _transformers(
        title="Hugging Face SigLIP, vision tower",
        read_config=siglip.read_config,
        write_config=siglip.write_config,
        layout=siglip.layout,
        head=huggingface.HEAD,
        left_out=siglip.LEFT_OUT,
        cannot_say=siglip.cannot_say,
        model_types=siglip.MODEL_TYPES,
        plain_names=huggingface.without(clip.PREFIX),
        file_name=huggingface.prefixed(clip.PREFIX, *huggingface.HEAD),
        processor={"image_processor_type": "SiglipImageProcessor"},
    ),
    "timm": Family(
        title="timm",
        library="timm",
        read_config=timm.read_config,
        write_config=timm.write_config,
        read_class_names=timm.read_class_names,
        layout=timm.layout,
        head=timm.HEAD,
        left_out=timm.LEFT_OUT,
        cannot_say=timm.cannot_say,
        resample={"method": "bicubic", "antialias": True, "align_corners": False},
        fixed=timm.fixed,
        processor_of=_timm_processor,
        marker="architecture",
    ),
    "npz": Family(
        title="Google .npz",
        library="npz",
        read_config=google.read_config,
        write_config=lambda config, names, cfg: {},
        read_class_names=lambda values, num_classes: None,
        layout=google.layout,
        head=google.HEAD,
        left_out=google.LEFT_OUT,
        cannot_say=google.cannot_say,
        resample={"method": "bilinear", "antialias": False, "align_corners": True},
        plain_names=google.plain_names,
        fixed=lambda config: google.FIXED,
    ),
}


def family_of(values: Values, where: Any) -> str:
    """Of which family the model is that a `config.json` describes.

    Raises:
        UserError: of none that can be read, or its logits mean nothing that is known.
    """
    check_problem_type(values, where)
    kind = values.get("model_type")
    marked = [name for name, family in FAMILIES.items() if family.marker and family.marker in values]
    if kind is None and marked:
        return marked[0]
    if kind == TASK_MODEL:
        raise UserError(
            f"{where} is of a model of the task {short(values.get('task'))}, which is no Vision Transformer for "
            "images: use tinyvit eval, or what the end of its training names"
        )
    families = {kind: name for name, family in FAMILIES.items() for kind in family.model_types}
    if isinstance(kind, str) and kind in families:
        return families[kind]
    raise UserError(
        f"{where} describes a model of type {short(kind)}: only Vision Transformers can be read, of tinyvit, timm, "
        f"or Hugging Face's types {', '.join(kind for kind in families if kind != 'tinyvit')}"
    )


def family_for(library: str, config: ViTConfig) -> str:
    """The first family of `library` that has words for such a model; empty where none has."""
    some = (name for name, family in FAMILIES.items() if family.library == library and not family.cannot_say(config))
    return next(some, "")
