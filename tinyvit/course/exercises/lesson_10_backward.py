# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, a whole model, backward: the forward read upwards."""

from collections.abc import Iterator, Mapping

import numpy as np

from ... import ops
from ..compare import kind_of
from ..exercise import Case, NotAskedFor, add
from .lesson_10_model import GRADS, _backward, _forward, _forward_cases

# --- 10.4 ---


def model_backward(dlogits, saved):
    return _backward(dlogits, saved)


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in _forward_cases(rng):
        logits, saved = _forward(*case.arguments)
        yield Case((rng.standard_normal(logits.shape), saved))


def _by_name(result):
    """dpatches, and the gradients of all parameters in one order."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor(f"it returned {kind_of(result)}, wanted two things: dpatches, grads")
    dpatches, grads = result
    if not isinstance(grads, Mapping):
        raise NotAskedFor(f"grads is {kind_of(grads)}; wanted a dict, with a gradient for each name in p")
    if odd := sorted(set(GRADS) ^ set(grads)):
        raise NotAskedFor(f'grads {"lacks" if odd[0] in GRADS else "has, and should not have,"} "{odd[0]}"')
    return dpatches, *(grads[name] for name in GRADS)


def _everywhere(dy, saved):
    """A pool's backward that gives every token what is the class token's alone."""
    return np.broadcast_to(dy[:, None], ops.cls_pool_backward(dy, saved).shape).copy()


def _swapped(one, other):
    def wrong(dlogits, saved):
        dpatches, grads = _backward(dlogits, saved)
        return dpatches, grads | {one: grads[other], other: grads[one]}

    return wrong


def _changed(name, change):
    """One gradient made wrong."""

    def wrong(dlogits, saved):
        dpatches, grads = _backward(dlogits, saved)
        return dpatches, grads | {name: change(grads[name], len(dlogits))}

    return wrong


add(
    "10.4",
    model_backward,
    _backward_cases,
    outputs=("dpatches", *(f"d{name}" for name in GRADS)),
    summary=_by_name,
    not_to_call=("VisionTransformer",),
    mistakes={
        "the blocks were walked from the first to the last; backward begins at the end: reversed(backwards)": (
            lambda dlogits, saved: _backward(dlogits, saved, forwards=True)
        ),
        "every block was given the gradient from the top; each gets what the block behind it handed back": (
            lambda dlogits, saved: _backward(dlogits, saved, stay=True)
        ),
        "the gradient went past the last layer norm, and not through it": (
            lambda dlogits, saved: _backward(dlogits, saved, norm=False)
        ),
        "only the class token was read by the head, so only its row gets a gradient; the others get 0": (
            lambda dlogits, saved: _backward(dlogits, saved, pool=_everywhere)
        ),
        "a block's backward has its straight road inside; dx is not added once more": (
            lambda dlogits, saved: _backward(dlogits, saved, road=1.0)
        ),
        "the first block was left out: range stops before its end": (
            lambda dlogits, saved: _backward(dlogits, saved, skip=1)
        ),
        "all images share the class token, so its gradients add up; yours has one for each image": (
            lambda dlogits, saved: _backward(dlogits, saved, shared=False)
        ),
        "all images share the positions, so their gradients add up; yours is a mean": (
            _changed("pos_embed", lambda grad, B: grad / B)
        ),
        "the positions come first on the way back, as they were added behind the class token": (
            _changed("pos_embed", lambda grad, B: grad[:, 1:])
        ),
        "weight and bias of the norm have changed places": _swapped("norm.weight", "norm.bias"),
        "the positions' gradient and the class token's have changed places": _swapped("pos_embed", "cls_token"),
    },
)
