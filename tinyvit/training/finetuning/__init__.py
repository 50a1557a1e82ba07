"""A pretrained model goes on learning, on pictures in folders."""

from .start import finetune, resume_finetuning

__all__ = ["finetune", "resume_finetuning"]
