"""Answers about one image that a classifier has seen, as named arrays."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import Array, to_numpy
from ..evaluation.predict import NoAnswerError
from ..looking import (
    LogitGradients,
    Windows,
    adversarial_step,
    attention_gradients,
    attribution_maps,
    covering,
    logit_lens,
    logit_parts,
    look,
    norm_gradients,
    on_grid,
    rank_correlation,
    readers,
    relevance_by_block,
    token_similarity,
)
from ..ops import sigmoid_forward, softmax_forward
from ..vit import VisionTransformer
from .answer import Answer

NUM_TARGETS = 4  # classes whose gradients are kept


class Seen:
    """One look of a model at one image.

    Args:
        pixels: uint8 (C, H, W).
        x: the same, normalised, (1, C, H, W), on the model's device.
        fill: (C, 1, 1), what is painted over patches, normalised.

    Raises:
        NoAnswerError: the answer is no number.
    """

    def __init__(self, model: VisionTransformer, pixels: np.ndarray, x: Array, fill: Array, *, multi_label: bool):
        self.model, self.pixels, self.fill = model, pixels, fill
        self.look = look(model, x)
        if not np.isfinite(to_numpy(self.look.logits)).all():
            raise NoAnswerError
        self.probs = (sigmoid_forward if multi_label else softmax_forward)(self.look.logits)[0]
        self.gradients: Callable[[int], LogitGradients] = functools.lru_cache(NUM_TARGETS)(self.look.backward)

    @property
    def config(self) -> Any:
        return self.model.config

    def target(self, given: int | None) -> int:
        """The class to explain: the one given, or else the one that the model answers; errors as `Look.classes`."""
        return int(self.look.classes(given)[0])

    def maps(self, target: int) -> dict[str, Array]:
        """The maps of `attribution_maps` (rows, columns) by name."""
        found = attribution_maps(self.look, target, fill=self.fill, grads=self.gradients(target))
        return {name: of_images[0] for name, of_images in found.items()}

    def everything(self, target: int) -> dict[str, Array]:
        """Arrays that the page draws with every stroke."""
        grads, maps = self.gradients(target), self.maps(target)
        named = {name.replace(" ", "_"): heat for name, heat in maps.items()}
        drawn = {name: named[name] for name in ("last_attention", "rollout", "gradient_x_input") if name in named}
        return drawn | {
            "logits": self.look.logits[0],
            "probs": self.probs[0],
            "lens": logit_lens(self.look)[:, 0],
            "parts": logit_parts(self.look, target)[0],
            "relevance": self._relevance(grads),
            "dimage": grads.images[0],
        }

    def _relevance(self, grads: LogitGradients) -> Array:
        """(depth, rows, columns), from each block on."""
        if not self.config.depth:
            return np.zeros((0, *self.config.grid_size), np.float32)
        relevance = relevance_by_block(self.look.attention, grads.attention, readers(self.look))
        return on_grid(relevance[:, 0], self.config)

    def token(self, token: int) -> Answer:
        """Attention of one token, in each block and head, and which tokens are like it."""
        self.look.check(token=token)
        attention = [to_numpy(weights[0, :, token]) for weights in self.look.attention]
        similarity = [to_numpy(token_similarity(state, token)[0]) for state in self.look.states]
        empty = np.zeros((0, self.config.num_heads, self.config.num_tokens), np.float32)
        return Answer({"attention": np.stack(attention) if attention else empty, "similarity": np.stack(similarity)})

    def cover(self, target: int, block: int | None = None) -> Answer:
        """Covering, tried patch by patch, and how far each map agrees with it; relevance from `block` on."""
        windows = Windows(self.config.grid_size)
        falls = to_numpy(covering(self.model, self.look.images[0], target, fill=self.fill, windows=windows))
        maps = self.maps(target)
        if block is not None:
            self.look.check(block=block)
            maps["relevance"] = self._relevance(self.gradients(target))[block]
        agreement = [rank_correlation(windows.sums(to_numpy(heat)), falls) for heat in maps.values()]
        return Answer(
            {"cover": windows.as_map(falls), "agreement": np.array(agreement)},
            {"names": ",".join(maps), "window": str(windows.size)},
        )

    def backward(self, target: int, block: int, head: int, token: int) -> Answer:
        """The gradient of a logit on its way down through one head and the norm before it."""
        grads = self.gradients(target)
        of_head = attention_gradients(self.look, grads, block, head, token)._asdict()
        of_norm = norm_gradients(self.look, grads, block, token)._asdict()
        rstd = float(of_norm.pop("rstd"))
        return Answer(
            of_head | {f"norm_{name}": array for name, array in of_norm.items()},
            {"rstd": f"{rstd:.9g}", "target": str(target)},
        )

    def adversarial(self, target: int, epsilon: int) -> Answer:
        """The image after a step against a class."""
        dimage = to_numpy(self.gradients(target).images[0])
        return Answer({"pixels": adversarial_step(self.pixels, dimage, epsilon=epsilon)}, {"target": str(target)})
