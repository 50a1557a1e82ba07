"""Other people's Vision Transformers, with random weights, to compare with: transformers' and timm's; None if missing."""

import contextlib
import importlib
import importlib.util

import torch


def lend_torchvision_its_operators():
    """torchvision made for another PyTorch asks for operators that only the compiled part of it has. What timm and
    transformers use of it needs none of them, so empty ones will do; the library lives as long as what is returned.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):  # they are there
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def find(name):
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


LENT = lend_torchvision_its_operators()
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
