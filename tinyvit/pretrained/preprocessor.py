"""The image processor of a saved model: which of two files holds it, by the priority of Hugging Face's transformers."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from reprlib import repr as short
from typing import Any

from ..errors import UserError
from ..images.processor import ImageProcessor
from ..storage.files import PREPROCESSOR, read_json

PROCESSOR = "processor_config.json"  # of transformers 5, for images, text and more at once; an older one has no images
ENTRY = "image_processor"


def read_preprocessor(folder: Path) -> dict[str, Any]:
    """The values of `image_processor` in `processor_config.json`, or else of `preprocessor_config.json`; {} if neither.

    Raises:
        UserError: a file is damaged.
    """
    values = read_json(folder / PROCESSOR).get(ENTRY) if (folder / PROCESSOR).is_file() else None
    if values is None:
        return read_json(folder / PREPROCESSOR) if (folder / PREPROCESSOR).is_file() else {}
    if not isinstance(values, dict):
        raise UserError(
            f"{ENTRY} in {folder / PROCESSOR} must map names to values, got {short(values)}: correct it, or remove it"
        )
    return values


def with_type(values: Mapping[str, Any], usual: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same values; where they name no type of image processor, it is the one of the family's `usual` ones."""
    types = ("image_processor_type", "feature_extractor_type")
    return values if any(values.get(name) is not None for name in types) else {**values, types[0]: usual.get(types[0])}


def notes_on_preprocessor(path: Path) -> Iterator[str]:
    """Note on the two files in a model's folder: that they disagree, if they do.

    Nothing where the one that is taken makes no sense: who opens the model says so.
    """
    folder = path if path.is_dir() else path.parent
    said = [name for name in (PROCESSOR, PREPROCESSOR) if (folder / name).is_file()]
    taken = _processor(lambda: read_preprocessor(folder))
    if len(said) == 2 and taken and taken != _processor(lambda: read_json(folder / PREPROCESSOR)):
        yield f"{path}: {PROCESSOR} and {PREPROCESSOR} differ on images; the first is taken, as in transformers"


def _processor(read: Callable[[], dict[str, Any]]) -> ImageProcessor | None:
    """None where the file makes no sense."""
    try:
        return ImageProcessor.from_dict(read())
    except UserError:
        return None
