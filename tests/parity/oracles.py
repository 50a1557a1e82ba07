"""Other people's Vision Transformers, with random weights, to compare with: transformers' and timm's; None if missing."""

import importlib
import importlib.util

import torch


def find(name):
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


transformers, timm = find("transformers"), find("timm")


def shaken(model, seed=0):
    """A torch model with every parameter at a random place: fresh zeros and ones hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.5 if parameter.ndim < 2 else 1.5 / parameter[0].numel() ** 0.5
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1.0)
    return model.eval()
