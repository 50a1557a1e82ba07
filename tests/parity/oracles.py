"""Other people's Vision Transformers, with random weights, to compare with: transformers' and timm's.

timm wants torchvision when it is imported, for models that are not used here; where torchvision is missing, anything
stands in for it. transformers must be imported first: it asks whether torchvision is there.
"""

import importlib.machinery
import importlib.util
import sys
from unittest.mock import MagicMock

import torch

transformers = importlib.import_module("transformers") if importlib.util.find_spec("transformers") else None


class StandIn:
    """Answers any import of torchvision with an empty mock."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__, module.__spec__, module.__name__, module.__version__ = [], spec, spec.name, "0.28.0"
        return module

    def exec_module(self, module):
        pass


def load_timm():
    """The package, or None where it is missing."""
    if importlib.util.find_spec("timm") is None:
        return None
    if transformers is not None:
        transformers.ViTForImageClassification  # noqa: B018 (loads what would ask for torchvision)
    if importlib.util.find_spec("torchvision") is None:
        sys.meta_path.append(StandIn())
    return importlib.import_module("timm")


timm = load_timm()


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
