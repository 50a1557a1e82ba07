"""Fine-tuning of a pretrained model on images in folders."""

from .start import finetune, resume_finetuning

__all__ = ["finetune", "resume_finetuning"]
