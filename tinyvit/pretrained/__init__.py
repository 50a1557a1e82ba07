"""What lets a model use the weights of others: its pictures must be made as they made theirs."""

from .processor import ImageProcessor

__all__ = ["ImageProcessor"]
