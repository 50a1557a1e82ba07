"""Image processors as Hugging Face and timm write them down, and the same as fields of an `ImageProcessor`."""

import dataclasses
import math
import re
import reprlib
from collections.abc import Mapping
from typing import Any, Literal

from PIL import Image

from ..config.fields import Config, option
from ..errors import UserError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

# What Hugging Face's processors do where their files say nothing, as far as it differs from ViT's.
DEFAULTS: dict[str, dict[str, Any]] = {
    "ViT": {},
    "DeiT": {"size": 256, "resample": "bicubic", "do_center_crop": True},
    "Bit": {
        "size": 224, "resample": "bicubic", "do_center_crop": True, "default_to_square": False,
        "image_mean": CLIP_MEAN, "image_std": CLIP_STD,
    },
    "Siglip": {"resample": "bicubic"},
}  # fmt: skip
DEFAULTS["CLIP"] = DEFAULTS["Bit"]
OWN_WORDS = ("cover", "crop_rounding", "white_level")  # which no other program reads
KIND = re.compile(f"({'|'.join(DEFAULTS)})(FeatureExtractor|ImageProcessor(Fast|Pil)?)")


def from_huggingface(values: Mapping[str, Any], in_chans: int | None = None) -> dict[str, Any]:
    """The fields that a `preprocessor_config.json` fills, for a model of so many channels.

    Raises:
        UserError: another kind of image processor, padding, or a value that makes no sense.
    """
    given = _given(values)
    kind = given.get("image_processor_type", given.get("feature_extractor_type", "ViTImageProcessor"))
    known = KIND.fullmatch(kind) if isinstance(kind, str) else None
    if known is None:
        raise UserError(
            f"an image processor of type {reprlib.repr(kind)} is not known: "
            f"use one of type {', '.join(f'{name}ImageProcessor' for name in DEFAULTS)}"
        )
    if given.get("do_pad", False) is not False:
        raise UserError(f"do_pad must be false, got {reprlib.repr(given['do_pad'])}: images are not padded here")
    given = DEFAULTS[known[1]] | given

    fields: dict[str, Any] = {
        name: given[name]
        for name in (
            *("do_resize", "do_center_crop", "crop_rounding", "do_rescale", "rescale_factor", "do_normalize"),
            *("white_level", "cover"),
        )
        if name in given
    }
    if "size" in given:
        fields["size"] = _size("size", given["size"], is_square=given.get("default_to_square") is not False)
    if "crop_size" in given:
        fields["crop_size"] = _size("crop_size", given["crop_size"])
    if "resample" in given:
        fields["resample"] = _filter(given["resample"])
    for name in ("image_mean", "image_std"):
        if name in given:
            fields[name] = _numbers(given[name])
            if fields[name] is not given[name]:
                fields["in_chans"] = 1
            if in_chans is not None:
                fields[name] = _for_channels(fields[name], in_chans)
    return fields if in_chans is None else fields | {"in_chans": in_chans}


def to_huggingface(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `from_huggingface`: the content of a `preprocessor_config.json`."""
    values = {name: value for name, value in fields.items() if value is not None}  # white_level has no word there
    channels, size, crop_size = values.pop("in_chans"), values["size"], values["crop_size"]
    # Older versions of transformers crop, or look at the shorter side, only in BiT's processor.
    is_vit = isinstance(size, tuple) and not values["do_center_crop"]
    values["size"] = {"height": size[0], "width": size[1]} if isinstance(size, tuple) else {"shortest_edge": size}
    values["crop_size"] = {"height": crop_size[0], "width": crop_size[1]}
    if not values["cover"]:
        del values["cover"]
    values["resample"] = int(Image.Resampling[values["resample"].upper()])
    for name in ("image_mean", "image_std"):
        number = values[name]
        values[name] = list(number) if isinstance(number, tuple) else [number] * channels
    return {
        "image_processor_type": "ViTImageProcessor" if is_vit else "BitImageProcessor",
        "do_convert_rgb": channels == 3,
        **values,
    }


@dataclasses.dataclass(frozen=True)
class _Timm(Config):
    """Preprocessing in timm's `pretrained_cfg`, with the defaults of its `resolve_data_config`."""

    input_size: tuple[int, int, int] = option((3, 224, 224), "(C, H, W)", at_least=1, below=4097)
    interpolation: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = option("bicubic", "filter")
    mean: float | tuple[float, ...] = option(IMAGENET_MEAN, "one number for all channels, or one for each")
    std: float | tuple[float, ...] = option(IMAGENET_STD, "the same", at_least=1e-6)
    crop_pct: float = option(0.875, "how much of the resized image's side the crop is", at_least=0.01, below=1.0001)
    crop_mode: Literal["center", "squash"] = option("center", "resize the shorter side, or to the crop's proportions")


def from_timm(pretrained_cfg: Mapping[str, Any], in_chans: int | None = None) -> dict[str, Any]:
    """The fields that timm's `pretrained_cfg` fills, for a model of so many channels."""
    given = _given(pretrained_cfg)
    names = {field.name for field in dataclasses.fields(_Timm)} & given.keys()
    timm = _Timm(**{name: _numbers(given[name]) for name in names})
    channels, *crop_size = timm.input_size
    channels = channels if in_chans is None else in_chans
    height, width = (math.floor(side / timm.crop_pct) for side in crop_size)
    is_center = timm.crop_mode == "center"
    return {
        "in_chans": channels,
        "size": height if is_center and height == width else (height, width),
        "cover": is_center and height != width,
        "resample": timm.interpolation,
        "do_center_crop": True,
        "crop_size": tuple(crop_size),
        "crop_rounding": "even",
        "image_mean": timm.mean if in_chans is None else _for_channels(timm.mean, channels),
        "image_std": timm.std if in_chans is None else _for_channels(timm.std, channels),
    }


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """All but the nulls, which leave a field at its default."""
    if not isinstance(values, Mapping):
        raise UserError(f"a preprocessor's config must map names to values, got {reprlib.repr(values)}: correct it")
    return {name: value for name, value in values.items() if value is not None}


def _size(name: str, value: Any, *, is_square: bool = True) -> Any:
    """(height, width) or one number for the shorter side, of all the ways a size is written."""
    if isinstance(value, Mapping):
        sides = _given(value)
        if sides.keys() == {"height", "width"}:
            return sides["height"], sides["width"]
        if name == "size" and sides.keys() == {"shortest_edge"} and isinstance(sides["shortest_edge"], int):
            return sides["shortest_edge"]
        raise UserError(
            f"{name} must have height and width{' or a shortest_edge' if name == 'size' else ''}, "
            f"got {reprlib.repr(dict(value))}: correct it"
        )
    return (value, value) if is_square and not isinstance(value, list | tuple) else value


def _filter(value: Any) -> Any:
    """The name of a filter that may be given by Pillow's number for it."""
    numbers = {int(filter): filter.name.lower() for filter in Image.Resampling}
    return numbers.get(value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _for_channels(value: Any, in_chans: int) -> Any:
    """Numbers of red, green and blue as one, their mean, for a model that takes other channels; others as they are."""
    is_rgb = isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(n, int | float) for n in value)
    return sum(value) / 3 if is_rgb and in_chans != 3 else value


def _numbers(value: Any) -> Any:
    """A list of one number is that number."""
    is_one = isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], int | float)
    return value[0] if is_one else value


def to_timm(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of timm's `pretrained_cfg` for the same: the middle of a larger image, or all of it squashed."""
    side = fields["size"] if isinstance(fields["size"], int) else fields["size"][0]
    is_center = fields["do_center_crop"] and (fields["cover"] or isinstance(fields["size"], int))
    mean, std = (
        list(number) if isinstance(number, tuple) else [number] * fields["in_chans"]
        for number in (fields["image_mean"], fields["image_std"])
    )
    return {
        "interpolation": fields["resample"],
        "crop_pct": fields["crop_size"][0] / side if fields["do_center_crop"] else 1.0,
        "crop_mode": "center" if is_center else "squash",
        "mean": mean,
        "std": std,
    }
