"""Image processor: resize, crop, rescale and normalise an image of any size, as in a model's training.

A model sees what it learned to see only if its images are made as those of its training were, to the pixel: every
family of weights has its own filter, size, crop and scale of numbers. Here they are one list of options.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from PIL import Image

from ..config.fields import Config, option
from ..errors import UserError
from .colours import converted
from .framing import MAX_PIXELS, MAX_SIDE, center_cropped, in_words, resized
from .processor_files import IMAGENET_MEAN, IMAGENET_STD, from_huggingface, from_timm, to_huggingface

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # Pillow's, by their channels

# In timm's words, what the makers of well-known weights did to their images.
_IMAGENET = {"crop_pct": 0.875, "interpolation": "bicubic", "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
PROCESSOR_PRESETS: dict[str, dict[str, Any]] = {
    "augreg": {"crop_pct": 0.9, "interpolation": "bicubic", "mean": 0.5, "std": 0.5},
    "deit": _IMAGENET,
    "dino": _IMAGENET,
    "mae": _IMAGENET,
}


@dataclasses.dataclass(frozen=True)
class ImageProcessor(Config):
    """Preprocessing of an image, in the order of the fields, which have Hugging Face's names.

    The defaults are those of Hugging Face's ViT. An image is first converted to L or RGB as Pillow's `convert` does,
    but for two kinds: grey of more than 8 bits is scaled, not clipped, and a transparent image is laid over white (if
    all that can be seen of it is light, over black), where Hugging Face shows the colours beneath, which are anything.
    With 2 or 4 channels it is converted to LA or RGBA, and nothing is laid over anything.

    Raises:
        UserError: a value makes no sense, or two do not go together.
    """

    in_chans: int = option(3, "C: 1 for grey, 2 with transparency, 3 for RGB, 4 with transparency", at_least=1)
    do_resize: bool = option(True, "whether images are resized")
    size: int | tuple[int, int] = option(
        (224, 224),
        "(height, width) whatever the proportions, or the shorter side",
        at_least=1,
        below=MAX_SIDE + 1,
    )
    cover: bool = option(False, "whether proportions are kept, so that size is covered, where it is (height, width)")
    resample: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = option(
        "bilinear", "Pillow's filter for resizing"
    )
    do_center_crop: bool = option(False, "whether the middle is cut out, with black around it where it is larger")
    crop_size: tuple[int, int] = option((224, 224), "(height, width) of the middle", at_least=1, below=MAX_SIDE + 1)
    crop_rounding: Literal["down", "even"] = option(
        "down", "where the middle begins if it is half a pixel off: Hugging Face rounds down, timm to an even number"
    )
    do_rescale: bool = option(True, "whether pixels are multiplied by rescale_factor")
    rescale_factor: float = option(1 / 255, "what makes pixels of 0..255 values of 0..1", at_least=1e-9)
    do_normalize: bool = option(True, "whether image_mean is subtracted, and the difference divided by image_std")
    image_mean: float | tuple[float, ...] = option(0.5, "one number for all channels, or one for each")
    image_std: float | tuple[float, ...] = option(0.5, "the same", at_least=1e-6)
    white_level: float | None = option(None, "what is white in grey of more than 8 bits", at_least=1e-30, below=1e39)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_mean", "image_std"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.in_chans:
                wanted = "one number" + f", or {self.in_chans} of them," * (self.in_chans > 1)
                raise UserError(f"{name} must be {wanted} where in_chans is {self.in_chans}, got {value}: correct it")
            if isinstance(value, tuple) and len(set(value)) == 1:
                object.__setattr__(self, name, value[0])

    @property
    def mode(self) -> str:
        """Pillow's mode of the images that a model takes: "L", "LA", "RGB" or "RGBA".

        Raises:
            UserError: it takes another number of channels.
        """
        if self.in_chans not in MODES:
            raise UserError(
                f"this model takes images of {self.in_chans} channels, and images have 1 (grey), 3 (RGB), or one "
                "more with transparency: give it arrays in Python, with VisionTransformer.from_pretrained and predict"
            )
        return MODES[self.in_chans]

    @property
    def sees_transparency(self) -> bool:
        """Whether alpha is a channel of what the model takes, so that images are not laid over a ground."""
        return self.in_chans in (2, 4)

    def pixels(self, image: Image.Image) -> np.ndarray:
        """The image converted, resized and cropped.

        Args:
            image: of any mode and size; from a file, as `tinyvit.images.open.open_image` gives it.

        Returns:
            uint8 (C, H, W).

        Raises:
            UserError: it is no image, has no pixels, is damaged, or would become larger than 4096 x 4096 pixels.
        """
        return to_array(self.fitted(image))

    def converted(self, image: Image.Image) -> Image.Image:
        """The image in the mode that the model takes; errors as for `pixels`."""
        if not isinstance(image, Image.Image):
            raise UserError(f"an image must be a Pillow image, got {type(image).__name__}: use Image.fromarray")
        if 0 in image.size:
            raise UserError(f"the image has no pixels ({in_words(image)}): use another one")
        return converted(image, self.mode, self.white_level)

    def fitted(self, image: Image.Image) -> Image.Image:
        """The image converted, resized and cropped, still an image; errors as for `pixels`."""
        image = self.converted(image)
        if self.do_resize:
            image = resized(image, self.size, self.resample, cover=self.cover)
        if self.do_center_crop:
            image = center_cropped(image, self.crop_size, self.crop_rounding)
        if image.width * image.height > MAX_PIXELS:
            raise UserError(f"an image of {in_words(image)} is too large: let it be resized or cropped")
        return image

    def __call__(self, image: Image.Image) -> np.ndarray:
        """The image as a model takes it: `pixels`, rescaled and normalised.

        Returns:
            float32 (C, H, W).

        Raises:
            UserError: as `pixels` does.
        """
        values = self.pixels(image)
        if self.do_rescale:
            values = values * self.rescale_factor  # float64, so that the result is rounded once
        values = values.astype(np.float32)
        if self.do_normalize:
            mean, std = (np.reshape(number, (-1, 1, 1)) for number in (self.image_mean, self.image_std))
            values = (values - mean.astype(np.float32)) / std.astype(np.float32)
        return values

    @property
    def statistics(self) -> tuple[float | tuple[float, ...], float | tuple[float, ...]]:
        """The (mean, std) with which `datasets.normalize(pixels, mean, std)` is what a call gives.

        With r = rescale_factor, (r x - m) / s = (x / 255 - m / (255 r)) / (s / (255 r)).
        """
        scale = 255.0 * (self.rescale_factor if self.do_rescale else 1.0)
        numbers = (self.image_mean, self.image_std) if self.do_normalize else (0.0, 1.0)
        mean, std = (tuple(v / scale for v in n) if isinstance(n, tuple) else n / scale for n in numbers)
        return mean, std

    @property
    def output_size(self) -> tuple[int, int] | None:
        """(height, width) of what comes out; None where it depends on the image."""
        if self.do_center_crop:
            return self.crop_size
        return self.size if self.do_resize and isinstance(self.size, tuple) else None

    def for_size(self, size: tuple[int, int]) -> Self:
        """The same for models that take (height, width) pixels: what is cut off at the rim stays in proportion."""
        if not self.do_center_crop:
            return dataclasses.replace(self, do_resize=True, size=size)
        growth = [new / old for new, old in zip(size, self.crop_size, strict=True)]
        if isinstance(self.size, tuple):
            height, width = (round(side * factor) for side, factor in zip(self.size, growth, strict=True))
            return dataclasses.replace(self, size=(height, width), crop_size=size)
        return dataclasses.replace(self, size=round(self.size * max(growth)), crop_size=size)

    def to_dict(self) -> dict[str, Any]:
        """The content of a `preprocessor_config.json` that Hugging Face's transformers loads."""
        return to_huggingface(super().to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, in_chans: int | None = None) -> Self:
        """Processor of a `preprocessor_config.json`, also an old one of a "feature extractor".

        What is missing or null has the default of the kind of processor that the file names, ViT's if it names none;
        fields that change no pixel are ignored, as transformers does. Where the model has other than three channels,
        numbers for three of them become their mean.

        Raises:
            UserError: another kind of processor than ViT's, DeiT's or BiT's (DINOv2's), or a value that makes no sense.
        """
        return cls(**from_huggingface(values, in_chans))

    @classmethod
    def from_timm(cls, pretrained_cfg: Mapping[str, Any], *, in_chans: int | None = None) -> Self:
        """Processor of timm's evaluation with a model's `pretrained_cfg`; what is missing has timm's default.

        Raises:
            UserError: a value that makes no sense or is not supported (`crop_mode="border"`).
        """
        return cls(**from_timm(pretrained_cfg, in_chans))

    @classmethod
    def of_family(cls, family: str, *, img_size: int = 224) -> Self:
        """Processor that the makers of a family of weights used.

        Args:
            family: "vit" (Hugging Face's: straight to `img_size`, whatever the proportions), or, with the shorter side
                resized to a little more and the middle cut out, "augreg" (timm's ViT), "deit", "dino" or "mae". The
                files that Hugging Face has for the latter three say otherwise: see `from_dict`.
            img_size: side of the result in pixels.

        Raises:
            UserError: an unknown family, or a size that makes no sense.
        """
        if family == "vit":
            return cls(size=(img_size, img_size))
        if family not in PROCESSOR_PRESETS:
            raise UserError(
                f"the family must be one of vit, {', '.join(PROCESSOR_PRESETS)}, got {family!r}: choose one"
            )
        return cls.from_timm({"input_size": (3, img_size, img_size), **PROCESSOR_PRESETS[family]})


def to_array(image: Image.Image) -> np.ndarray:
    """An image of mode L, LA, RGB or RGBA as uint8 (C, H, W)."""
    return np.ascontiguousarray(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1))
