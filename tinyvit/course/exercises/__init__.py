"""The exercises, lesson by lesson. Importing this enters them all."""

from . import lesson_05

__all__ = ["lesson_05"]
