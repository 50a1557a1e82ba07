"""Weights and preprocessing of other libraries' Vision Transformers, read and written."""

from ..images.processor import ImageProcessor, to_array
from .checkpoint import Checkpoint, open_checkpoint
from .families import FAMILIES, family_for
from .problem import MULTI_LABEL, REGRESSION, problem_type
from .resolve import resolve_model
from .saving import folder_files, save_model_folder, save_npz

__all__ = [
    "FAMILIES",
    "MULTI_LABEL",
    "REGRESSION",
    "Checkpoint",
    "ImageProcessor",
    "family_for",
    "folder_files",
    "open_checkpoint",
    "problem_type",
    "resolve_model",
    "save_model_folder",
    "save_npz",
    "to_array",
]
