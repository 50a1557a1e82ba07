"""Fine-tuning of a pretrained model on images in folders."""

from .add_classes import add_classes
from .start import finetune, resume_finetuning

__all__ = ["add_classes", "finetune", "resume_finetuning"]
