"""Single heads: what each one wrote, how it came to its scores, and the model without it."""

from collections.abc import Iterable

from ..backend import Array
from ..errors import UserError
from ..ops.attention import split_heads
from ..vit import VisionTransformer
from .look import Look
from .recording import shared


def head_parts(seen: Look, block: int) -> Array:
    """Contribution of each head of a block to the residual stream: (B, h, N, D).

    proj mixes the heads' outputs, standing side by side, by one product, which is a sum over heads of a product each:
    [y_1 ... y_h] @ weight = Σ_i y_i @ weight_i, weight_i the rows of head i. So the parts, and proj's bias (by layer
    scale, if there is any), sum to what attention wrote.
    Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", on heads as independent and added.
    """
    layer, saved = seen.model.blocks[block], seen.saved.features.blocks[block].attn
    qkv, weights = saved.body.attention
    y = weights @ split_heads(qkv, layer.attn.num_heads)[2]  # (B, h, N, d)
    parts = y @ layer.attn.proj.weight.reshape(layer.attn.num_heads, y.shape[-1], -1)  # (B, h, N, D)
    return layer.ls1.forward(parts)[0]


def score_terms(seen: Look, block: int, head: int, *, query: int, key: int) -> Array:
    """The score of two tokens, q · k / √d, as the sum over features that it is: terms (B, d).

    Softmax over the scores of one query and all keys is the row of attention weights.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1.

    Raises:
        UserError: there is no such block, head or token.
    """
    seen.check(block=block, head=head, token=query)
    seen.check(token=key)
    qkv = seen.saved.features.blocks[block].attn.body.attention.qkv
    q, k, _ = split_heads(qkv, seen.model.config.num_heads)
    return q[:, head, query] * k[:, head, key] * q.shape[-1] ** -0.5


def without_heads(model: VisionTransformer, heads: Iterable[tuple[int, int]]) -> VisionTransformer:
    """A model in which some heads, (block, head) from 0, write nothing: their rows of proj's weight are zeros.

    All other arrays are shared with `model`, which stays as it is.
    Source: Michel, Levy, Neubig 2019, "Are Sixteen Heads Really Better than One?", arXiv:1905.10650, section 3.

    Raises:
        UserError: there is no such block or head.
    """
    config, twin = model.config, shared(model)
    for block, head in heads:
        if not (0 <= block < config.depth and 0 <= head < config.num_heads):
            raise UserError(
                f"there is no head {head} in block {block}: blocks are 0 to {config.depth - 1}, heads 0 to "
                f"{config.num_heads - 1}"
            )
        proj = twin.blocks[block].attn.proj
        proj.weight = proj.weight.copy()
        proj.weight[head * config.head_dim : (head + 1) * config.head_dim] = 0.0
    return twin
