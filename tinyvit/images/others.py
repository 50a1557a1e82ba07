"""Image processors as Hugging Face and timm understand what is written for them: their words are fewer than ours."""

import dataclasses
from typing import Any, Literal

import numpy as np
from PIL import Image

from .processor import MODES, ImageProcessor
from .processor_files import OWN_WORDS, to_timm


def pretrained_cfg_of(processor: ImageProcessor) -> dict[str, Any]:
    """Entries of timm's `pretrained_cfg` on images; mean and std are those of pixels of 0..1."""
    mean, std = processor.statistics
    return to_timm(dataclasses.asdict(processor) | {"image_mean": mean, "image_std": std})


def as_read_by(processor: ImageProcessor, library: Literal["hf", "timm"]) -> ImageProcessor:
    """Image processor that others make of what is written for them.

    Args:
        processor: its `output_size` is known.

    Raises:
        UserError: they refuse it.
    """
    if library == "timm":
        shape = processor.in_chans, *(processor.output_size or ())
        entries = {"input_size": shape, **pretrained_cfg_of(processor)}
        return ImageProcessor.from_timm(entries, in_chans=processor.in_chans)
    values = {name: value for name, value in processor.to_dict().items() if name not in OWN_WORDS}
    return ImageProcessor.from_dict(values, in_chans=processor.in_chans)


def prepared_otherwise(processor: ImageProcessor, library: Literal["hf", "timm"]) -> str:
    """Note on what readers of `library` do to images otherwise than here; empty where they make the same pixels,
    but for where the middle begins if it is half a pixel off.

    It is tried on noise of several sizes and proportions, for several fields may mean the same.
    """
    if processor.in_chans not in MODES:  # no image file has so many channels
        return ""
    theirs = dataclasses.replace(as_read_by(processor, library), crop_rounding=processor.crop_rounding)
    height, width = processor.output_size or (224, 224)
    rng = np.random.default_rng(0)
    for size in ((height, width), (2 * height, width), (height, 2 * width + 1), (height // 2 + 1, width // 3 + 1)):
        image = Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8))
        if not np.allclose(processor(image), theirs(image), atol=1e-4):
            ours = dataclasses.asdict(processor)
            said = [
                f"{name} {value} instead of {ours[name]}"
                for name, value in dataclasses.asdict(theirs).items()
                if value != ours[name]
            ]
            return f"readers of {library} prepare images otherwise ({', '.join(said)}): logits will differ"
    return ""
