"""The residual stream read as a sum: what the embedding, each attention and each MLP wrote into the logit of a class.

Every block adds to the stream, so its last state is x = embedding + attention_1 + MLP_1 + ... + MLP_last. With
the scale of the last norm held at its value (see `readout.py`), all that follows is linear, and the logit of a class is

    logit = Σ over parts <dx, part> + constant

Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits" (the residual stream as a sum, and what
each part adds to the logits); nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

import numpy as np

from ..backend import Array, array_module
from .look import Look, Targets
from .readout import readout


def part_names(depth: int) -> list[str]:
    """Names of the parts in the order of `logit_parts`: "embedding", "attention 1", "MLP 1", ..., "constant"."""
    blocks = [f"{part} {block}" for block in range(1, depth + 1) for part in ("attention", "MLP")]
    return ["embedding", *blocks, "constant"]


def logit_parts(seen: Look, targets: Targets = None) -> Array:
    """Direct contribution of each part of the stream to the logit of a class: (B, 2 * depth + 2), in sum the logit.

    The last norm's scale is that of this image, so a part's number says what it wrote, not what the logit would be
    without it: `without_heads` tries that. Errors as for `Look.classes`.
    """
    dx, constant = readout(seen, targets)
    parts = [seen.states[0], *(part for branches in seen.branches for part in branches)]
    terms = [(dx * part).sum(axis=(1, 2)) for part in parts]
    return array_module(dx).stack([*terms, constant], axis=1)


def logit_lens(seen: Look) -> Array:
    """Logits of the stream before and after each block: (depth + 1, B, K), the last of them the model's own.

    Norm, pooling and head are those of the end. Early blocks were never trained to be read by them, so an early answer
    is a hint at most.
    """
    model, answers = seen.model, []
    for x in seen.states:
        for layer in (model.norm, model.pool, model.fc_norm, model.head):
            x = layer.forward(x)[0]
        answers.append(x)
    return array_module(seen.logits).stack(answers)


def token_similarity(state: Array, token: int) -> Array:
    """Cosine of one token with each, (B, N, D) -> (B, N); 0 for a token of zeros. `state`: one of `Look.states`.

    Source: Raghu et al. 2021, "Do Vision Transformers See Like Convolutional Neural Networks?", arXiv:2108.08810,
    section 5, on how tokens keep their place.
    """
    xp = array_module(state)
    length = xp.sqrt((state * state).sum(axis=-1, keepdims=True))
    unit = state / xp.maximum(length, float(np.finfo(state.dtype).tiny))
    return (unit * unit[:, token : token + 1]).sum(axis=-1)
