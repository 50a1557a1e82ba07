"""Muon: the step of a weight matrix is its momentum made orthogonal, so that it moves equally far in all directions.

    momentum = μ momentum + (1 - μ) g,   u = μ momentum + (1 - μ) g                 (Nesterov)
    p = p - lr (0.2 √max(in, out) O + weight_decay p),   O = U Vᵀ where u = U S Vᵀ  (singular value decomposition)

The gradient of a matrix has a few large singular values, and a step along it moves in these directions alone. O has
the same singular vectors, and 1 for each value. The root mean square of its entries is 1 / √max(in, out); the factor
makes it 0.2, about that of AdamW's steps, so that one lr and one weight decay serve both.

No decomposition is made. An odd polynomial in X, made of matrix products, is that of each singular value:

    X = U S Vᵀ:   a X + b (X Xᵀ) X + c (X Xᵀ)² X = U (a S + b S³ + c S⁵) Vᵀ

Five rounds of this one (Newton-Schulz) bring values from 0.01 to 1 into 0.68 to 1.14: none is small any more.

The matrices are those of the blocks, with query, key and value as three. Patch embedding, head, biases, norms and all
else learn by AdamW.

Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks" (kellerjordan.github.io);
Liu et al. 2025, "Muon is Scalable for LLM Training", arXiv:2502.16982, section 2.2, for the factor.
"""

import math
from collections.abc import Mapping

from ..backend import Array, array_module
from .adamw import AdamW
from .optimizer import check_number

A, B, C = 3.4445, -4.7750, 2.0315
ROUNDS = 5
MIN_NORM = 1e-7  # so that a gradient of 0 gives a step of 0
RMS = 0.2  # root mean square of the entries of a step


class Muon(AdamW):
    """Muon for the weight matrices of blocks, AdamW for the rest. Of a matrix, `m` is the momentum, and `v` stays 0.

    Raises:
        UserError: momentum is not from 0 to 1, 1 excluded; or as for AdamW.
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        *,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.05,
        lr_scales: Mapping[str, float] | None = None,
    ):
        super().__init__(parameters, betas=betas, eps=eps, weight_decay=weight_decay, lr_scales=lr_scales)
        check_number("momentum", momentum, below=1)
        self.momentum = momentum

    def _update(self, grads: Mapping[str, Array], lr: float) -> None:
        m, v = self.state["m"], self.state["v"]
        steps: dict[tuple[int, ...], list[tuple[str, Array]]] = {}  # matrices of one shape become orthogonal together
        for name, parameter in self.parameters.items():
            if is_hidden_matrix(name, parameter):
                m[name] *= self.momentum
                m[name] += (1 - self.momentum) * grads[name]
                u = matrices(name, self.momentum * m[name] + (1 - self.momentum) * grads[name])
                steps.setdefault(u.shape[1:], []).append((name, u))
            else:
                rate = lr * self.lr_scales.get(name, 1.0)
                self._move(parameter, grads[name], m[name], v[name], rate, self.decayed[name])
        for shape, named in steps.items():
            stacked = array_module(named[0][1]).concatenate([u for _, u in named])
            stacked = RMS * math.sqrt(max(shape)) * orthogonalized(stacked)
            for name, u in named:
                step, stacked = stacked[: len(u)], stacked[len(u) :]
                rate = lr * self.lr_scales.get(name, 1.0)
                parameter = matrices(name, self.parameters[name])  # a view
                parameter *= 1 - rate * self.weight_decay
                parameter -= rate * step


def is_hidden_matrix(name: str, parameter: Array) -> bool:
    """Whether a parameter is a weight matrix of a block: its input and output are features within the model."""
    return "blocks." in name and name.endswith("weight") and parameter.ndim == 2


def matrices(name: str, weight: Array) -> Array:
    """The matrices that a weight (in, out) holds: (1, in, out), or of query, key and value (3, in, out / 3). A view."""
    count = 3 if name.endswith("qkv.weight") else 1
    return weight.reshape(len(weight), count, -1).swapaxes(0, 1)


def orthogonalized(x: Array) -> Array:
    """Matrices (n, rows, columns) with their singular vectors, and singular values near 1, by Newton-Schulz rounds."""
    xp = array_module(x)
    norm = xp.sqrt((x * x).sum(axis=(-2, -1), keepdims=True))  # Frobenius: no singular value is above it
    x = x / xp.maximum(norm, MIN_NORM)
    is_tall = x.shape[-2] > x.shape[-1]
    if is_tall:  # the smaller of X Xᵀ and Xᵀ X
        x = x.swapaxes(-2, -1)
    for _ in range(ROUNDS):
        gram = x @ x.swapaxes(-2, -1)
        x = A * x + (B * gram + C * (gram @ gram)) @ x
    return x.swapaxes(-2, -1) if is_tall else x
