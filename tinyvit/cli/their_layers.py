"""The same folder read by its own family's package, layer by layer: what `tinyvit convert --verify` compares with."""

from pathlib import Path
from typing import Any

import numpy as np

Layers = list[np.ndarray]


def transformers_layers(folder: Path, images: np.ndarray) -> Layers:
    """Tokens before the first block and after each, and the logits, as Hugging Face's transformers computes them."""
    import torch
    import transformers

    dtype = getattr(torch, str(images.dtype))
    model = transformers.AutoModelForImageClassification.from_pretrained(folder, dtype=dtype).eval()
    with torch.no_grad():
        output = model(torch.tensor(images), output_hidden_states=True)
    return [tokens.numpy() for tokens in (*output.hidden_states, output.logits)]


def timm_layers(folder: Path, images: np.ndarray) -> Layers:
    """The same, as timm computes them."""
    import timm
    import torch

    model = timm.create_model(f"local-dir:{folder.resolve()}", pretrained=True).eval()
    model = model.to(getattr(torch, str(images.dtype)))
    layers: list[Any] = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: layers.append(inputs[0]))
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, output: layers.append(output))
    with torch.no_grad():
        layers.append(model(torch.tensor(images)))
    return [tokens.numpy() for tokens in layers]
