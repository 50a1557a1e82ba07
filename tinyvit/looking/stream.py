"""The residual stream read as a sum: what the embedding, each attention and each MLP wrote into the logit of a class.

Every block adds to the stream, so its last state is x = embedding + attention_1 + MLP_1 + ... + MLP_last. All that
follows is linear in x but for the scale 1 / standard deviation of the last norm. With that scale held at its value,

    logit = Σ over parts <dx, part> + constant,    dx = the gradient of the logit with the scale held fixed,

exactly: centring, gain, pooling and head are linear, and their biases are the constant.
Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits" (the residual stream as a sum, and what
each part adds to the logits); nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..errors import UserError
from ..layers import LayerNorm
from ..ops import LayerNormSaved
from .look import Look, Targets


def part_names(depth: int) -> list[str]:
    """Names of the parts in the order of `logit_parts`: "embedding", "attention 1", "MLP 1", ..., "constant"."""
    blocks = [f"{part} {block}" for block in range(1, depth + 1) for part in ("attention", "MLP")]
    return ["embedding", *blocks, "constant"]


def logit_parts(seen: Look, targets: Targets = None) -> Array:
    """What each part of the stream added to the logit of a class: (B, 2 * depth + 2), whose rows sum to the logit.

    The last norm's scale is that of this image, so a part's number says what it wrote, not what the logit would be
    without it: `without_heads` tries that.

    Raises:
        UserError: the model pools by attention, which is not linear; or as `Look.classes`.
    """
    dx, constant = readout(seen, targets)
    parts = [seen.states[0], *(part for branches in seen.branches for part in branches)]
    terms = [(dx * part).sum(axis=(1, 2)) for part in parts]
    return array_module(dx).stack([*terms, constant], axis=1)


def readout(seen: Look, targets: Targets = None) -> tuple[Array, Array]:
    """The logit of a class as a linear function of the stream's last state: weights (B, N, D) and constants (B,).

    Whatever was added to the stream, a head's output say, added <weights, it> to the logit. Errors as `logit_parts`.
    """
    model, saved = seen.model, seen.saved
    if model.config.pool == "map":
        raise UserError(
            "attention pooling is not linear, so the logit is no sum of what the blocks wrote: look at a model that "
            "pools the class token or the mean"
        )
    dlogits = seen.dlogits(targets)
    zeros = array_module(dlogits).zeros((1, model.config.num_pooled), dlogits.dtype)
    constant = (dlogits * model.head.forward(zeros)[0]).sum(axis=1)  # the head's bias
    dx, _ = model.head.backward(dlogits, saved.head)  # (B, K) -> (B, D)
    dx, more = _norm_readout(model.fc_norm, dx, saved.fc_norm)
    constant += more
    dx, _ = model.pool.backward(dx, saved.pool)  # -> (B, N, D)
    dx, more = _norm_readout(model.norm, dx, saved.features.norm)
    return dx, constant + more.sum(axis=1)


def _norm_readout(norm: Any, dy: Array, saved: LayerNormSaved | None) -> tuple[Array, Array]:
    """Layer norm with its scale held fixed, y = (x - mean) * rstd * weight + bias, read backwards: dx as dy, and what
    the bias added (without the last axis). Of `layer_norm_backward`'s three terms the one through rstd is missing.
    """
    if not isinstance(norm, LayerNorm) or saved is None:  # there is no norm in this place
        return dy, dy[..., 0] * 0.0
    dx = dy * norm.weight
    dx -= dx.mean(axis=-1, keepdims=True)
    return dx * saved.rstd.reshape(*dy.shape[:-1], 1), dy @ norm.bias


def logit_lens(seen: Look) -> Array:
    """What the head would answer after each block: logits (depth + 1, B, K), the last of them the model's own.

    Norm, pooling and head are those of the end. Early blocks were never trained to be read by them, so an early answer
    is a hint, no thought.
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
