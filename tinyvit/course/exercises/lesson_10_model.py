# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, a whole model, forward."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import ops
from ..compare import kind_of
from ..exercise import Case, NotAskedFor, add

GRADS = ("proj.weight", "proj.bias", "cls_token", "pos_embed", "norm.weight", "norm.bias", "head.weight", "head.bias")


def _blocks(rng, D, depth):
    """Functions x (B, N, D) -> y, backward; each mixes the tokens, and no two are alike."""

    def block(x, matrix):
        inner = np.tanh(x @ matrix)

        def backward(dy):
            dinner = dy + dy.mean(1, keepdims=True)  # the mean over the tokens, backward
            return dy + (dinner * (1 - inner * inner)) @ matrix.T

        return x + inner + inner.mean(1, keepdims=True), backward

    return tuple(lambda x, m=m: block(x, m) for m in rng.standard_normal((depth, D, D)) / np.sqrt(D))


def _sizes(rng):
    yield 2, 4, 3, 5, 2, 3
    yield 3, 2, 7, 4, 3, 2
    yield 1, 5, 2, 3, 1, 4
    yield (*(int(n) for n in rng.integers(2, 6, 4)), 4, 5)


def _parameters(rng, L, size, D, K):
    shapes = ((size, D), (D,), (1, 1, D), (1, L + 1, D), (D,), (D,), (D, K), (K,))
    return {name: rng.uniform(0.5, 1.5, shape) for name, shape in zip(GRADS, shapes, strict=True)}


# --- 10.3 ---


def model_forward(patches, p, blocks):
    return _forward(patches, p, blocks)


def _forward(
    patches,
    p,
    blocks,
    *,
    token=0,
    all_from_start=False,
    norm=True,
    position=True,
    reverse=False,
    pool=None,
    road=0.0,
    between=False,
):
    x, embed = ops.linear_forward(patches, p["proj.weight"], p["proj.bias"])
    x, prepend = ops.prepend_tokens_forward(x, p["cls_token"])
    y, place = ops.add_position_forward(x, p["pos_embed"])
    x = start = y if position else x
    backwards: list[Any] = []
    for block in reversed(blocks) if reverse else blocks:
        if between and backwards:
            x, _ = ops.layer_norm_forward(x, p["norm.weight"], p["norm.bias"])
        y, backward = block(start if all_from_start else x)
        x = road * x + y
        backwards.append(backward)
    y, normed = ops.layer_norm_forward(x, p["norm.weight"], p["norm.bias"])
    x = y if norm else x
    y, pooled = ops.cls_pool_forward(x)
    x = x[:, token] if pool is None else pool(x)
    logits, head = ops.linear_forward(x, p["head.weight"], p["head.bias"])
    return logits, (embed, prepend, place, backwards, normed, pooled, head)


def _backward(
    dlogits, saved, *, forwards=False, stay=False, norm=True, road=0.0, skip=0, shared=True, pool=ops.cls_pool_backward
):
    """The gradients of the model.

    `road`: of a straight road around the blocks; `skip`: how many blocks are left out, from the first on; `shared`:
    whether all images have one class token.
    """
    embed, prepend, place, backwards, normed, pooled, head = saved
    grads: dict[str, Any] = {}
    dx, grads["head.weight"], grads["head.bias"] = ops.linear_backward(dlogits, head)
    dx = pool(dx, pooled)
    dnorm, grads["norm.weight"], grads["norm.bias"] = ops.layer_norm_backward(dx, normed)
    dx = top = dnorm if norm else dx
    for backward in backwards if forwards else reversed(backwards[skip:]):
        dx = road * dx + backward(top if stay else dx)
    dx, grads["pos_embed"] = ops.add_position_backward(dx, place)
    tokens = dx
    dx, grads["cls_token"] = ops.prepend_tokens_backward(dx, prepend)
    grads["cls_token"] = grads["cls_token"] if shared else tokens[:, :1]
    dpatches, grads["proj.weight"], grads["proj.bias"] = ops.linear_backward(dx, embed)
    return dpatches, grads


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, size, D, depth, K in _sizes(rng):
        patches = rng.standard_normal((B, L, size))
        yield Case((patches, _parameters(rng, L, size, D, K), _blocks(rng, D, depth)))


def _with_saved(result):
    """The logits, and the gradients that a right backward makes of what was saved."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor(f"it returned {kind_of(result)}, wanted two things: logits, saved")
    logits, saved = result
    if not isinstance(saved, tuple | list) or len(saved) != 7:
        raise NotAskedFor(f"saved is {kind_of(saved)}; wanted seven things, one for each line: see the goal")
    if np.ndim(logits) != 2:
        raise NotAskedFor(f"logits are {kind_of(logits)}; wanted (B, K), as the head reads one row of each image")
    try:
        dpatches, grads = _backward(np.cos(np.arange(np.size(logits))).reshape(np.shape(logits)), saved)
    except Exception as error:
        if len(getattr(saved[4], "x_hat", ())) == len(logits):  # of B rows, not of all tokens
            raise NotAskedFor("the pool came before the norm; first part 5, then part 6, as each is saved") from error
        raise NotAskedFor("from what was saved, no backward can be made: is each in its place? See the goal") from error
    return logits, dpatches, *(grads[name] for name in GRADS)


def _class_token_last(patches, p, blocks):
    last = {**p, "cls_token": p["cls_token"]}
    x = ops.linear_forward(patches, p["proj.weight"], p["proj.bias"])[0]
    x = np.concatenate([x, np.repeat(last["cls_token"], len(x), 0)], axis=1) + p["pos_embed"]
    for block in blocks:
        x = block(x)[0]
    x = ops.layer_norm_forward(x, p["norm.weight"], p["norm.bias"])[0]
    return ops.linear_forward(x[:, 0], p["head.weight"], p["head.bias"])[0], _forward(patches, p, blocks)[1]


def _last_block_everywhere(patches, p, blocks):
    logits, (*front, backwards, normed, pooled, head) = _forward(patches, p, blocks)
    return logits, (*front, [backwards[-1]] * len(backwards), normed, pooled, head)


def _backwards_reversed(patches, p, blocks):
    logits, (*front, backwards, normed, pooled, head) = _forward(patches, p, blocks)
    return logits, (*front, backwards[::-1], normed, pooled, head)


add(
    "10.3",
    model_forward,
    _forward_cases,
    outputs=("logits", *(f"d{name}, from what was saved" for name in ("patches", *GRADS))),
    summary=_with_saved,
    not_to_call=("VisionTransformer",),
    mistakes={
        "the positions are not added": lambda *given: _forward(*given, position=False),
        "the last layer norm is missing": lambda *given: _forward(*given, norm=False),
        "every block was given the tokens of the beginning; each goes on with what the one before made of them": (
            lambda *given: _forward(*given, all_from_start=True)
        ),
        "the blocks came in the wrong order: forward goes from the first to the last": (
            lambda *given: _forward(*given, reverse=True)
        ),
        "the head reads the class token, row 0, and not the last patch": lambda *given: _forward(*given, token=-1),
        "the head reads the class token, row 0; row 1 is the first patch": lambda *given: _forward(*given, token=1),
        "the head reads the class token alone, and not the mean of all tokens": (
            lambda *given: _forward(*given, pool=lambda x: x.mean(1))
        ),
        "the class token stands in front of the patches, and not behind them": _class_token_last,
        "the last layer norm stands in the loop; it comes once, behind all blocks": (
            lambda *given: _forward(*given, between=True)
        ),
        "the blocks have their straight roads inside; x is not added once more": (
            lambda *given: _forward(*given, road=1.0)
        ),
        "all that was kept is the last block's backward: keep each as it comes; a lambda looks its names up when it is "
        "called": _last_block_everywhere,
        "the backwards of the blocks are kept in the order of the blocks; it is the backward that turns them round": (
            _backwards_reversed
        ),
    },
)
