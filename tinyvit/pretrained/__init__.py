"""Other people's Vision Transformers, and ours for them: weights in and out, and pictures made as they make them."""

from ..images.processor import ImageProcessor, to_array
from .families import FAMILIES, family_for
from .loading import load_model, read_processor
from .problem import MULTI_LABEL, REGRESSION, problem_type
from .resolve import resolve_model
from .saving import folder_files, save_model_folder, save_npz
from .source import Source, open_source

__all__ = [
    "FAMILIES",
    "MULTI_LABEL",
    "REGRESSION",
    "ImageProcessor",
    "Source",
    "family_for",
    "folder_files",
    "load_model",
    "open_source",
    "problem_type",
    "read_processor",
    "resolve_model",
    "save_model_folder",
    "save_npz",
    "to_array",
]
