"""Hidden states by the packages of other libraries, layer by layer: what `tinyvit convert --verify` compares with."""

from pathlib import Path
from typing import Any

import numpy as np

Layers = list[np.ndarray]


def transformers_layers(folder: Path, images: np.ndarray) -> Layers:
    """Tokens before the first block and after each, and logits or features, as Hugging Face's transformers has them."""
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, (config.architectures or ["AutoModelForImageClassification"])[0])
    model: Any = kind.from_pretrained(folder, dtype=getattr(torch, str(images.dtype))).eval()
    last: Any = torch.nn.Identity()
    if hasattr(model, "text_model"):  # of two towers, that for images
        model, last = model.vision_model, getattr(model, "visual_projection", last)
    with torch.no_grad():
        output = model(torch.tensor(images), output_hidden_states=True)
        if hasattr(getattr(model, "pooler", None), "dense"):  # a layer that only pre-training needs
            output.pooler_output = output.last_hidden_state[:, 0]
        names = ("logits", "image_embeds", "pooler_output")
        logits = last(next(output[name] for name in names if output.get(name) is not None))
    return [tokens.numpy() for tokens in (*output.hidden_states, logits)]


def timm_layers(folder: Path, images: np.ndarray) -> Layers:
    """The same, as timm computes them."""
    import timm
    import torch

    model: Any = timm.create_model(f"local-dir:{folder.resolve()}", pretrained=True).eval()
    model = model.to(getattr(torch, str(images.dtype)))
    layers: list[Any] = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: layers.append(inputs[0]))
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, output: layers.append(output))
    with torch.no_grad():
        layers.append(model(torch.tensor(images)))
    return [tokens.numpy() for tokens in layers]
