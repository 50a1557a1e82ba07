"""Exam questions whose numbers are drawn by seed: a formula of a lesson, small enough for paper and a calculator.

Each says what usual mistakes come to, where that could be taken for the answer: such numbers are drawn again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..config import ViTConfig
from ..config.costs import model_costs
from ..looking.rollout import attention_rollout
from ..ops import (
    attention_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
    softmax_backward,
    softmax_forward,
)
from ..optim import AdamW, warmup_cosine


class Question(NamedTuple):
    """One number is asked for. The words are Markdown."""

    title: str
    text: str
    answer: float
    slips: tuple[float, ...] = ()  # what usual mistakes come to


Template = Callable[[np.random.Generator], Question]


def patches(rng: Any) -> Question:
    side, channels = int(rng.choice([4, 7, 8, 14])), int(rng.choice([1, 3, 4]))
    rows, columns = rng.integers(3, 9, size=2).tolist()
    text = f"Images of `({channels}, {rows * side}, {columns * side})` are cut into patches of {side} by {side} pixels."
    if rng.integers(2):
        return Question("Patches", f"{text} How many patches has an image?", rows * columns)
    return Question("Patches", f"{text} How many numbers has a patch?", channels * side**2)


def linear_gradient(rng: Any) -> Question:
    x, dy = rng.integers(-4, 5, size=(2, 3, 2)).astype(float)
    i, j = rng.integers(2, size=2).tolist()
    _, saved = linear_forward(x, np.eye(2), np.zeros(2))
    text = f"`y = x @ W + b` with `x = {listed(x)}` and `dy = {listed(dy)}`. What is `dW[{i}, {j}]`?"
    dweight = linear_backward(dy, saved)[1]
    slips = dweight[j, i], dweight[i, j] / 3, x[0, i] * dy[0, j]  # transposed, a mean, the first row alone
    return Question("Gradient of a weight", text, float(dweight[i, j]), slips)


def central_difference(rng: Any) -> Question:
    x, h = int(rng.integers(1, 10)), float(rng.choice([0.5, 1, 2, 3]))
    text = f"$f(x) = x^3$. What does the central difference with $h = {h:g}$ give at $x = {x}$?"
    up, down = (x + h) ** 3, (x - h) ** 3
    slips = 3 * x**2, (up - x**3) / h, (up - down) / h, (up - down) / 2 * h  # the slope itself, one side, brackets
    return Question("Central difference", text, (up - down) / (2 * h), slips)


def softmax_value(rng: Any) -> Question:
    scores, k = np.round(rng.normal(size=3), 1), int(rng.integers(3))
    text = f"What is entry {k} (the first is entry 0) of the softmax of `{listed(scores)}`?"
    slips = 1 / 3, scores[k] / (scores.sum() or 1), softmax_forward(-scores)[0][k]
    return Question("Softmax", text, float(softmax_forward(scores)[0][k]), slips)


def cross_entropy_gradient(rng: Any) -> Question:
    logits, label, k = np.round(rng.normal(scale=1.5, size=(1, 3)), 1), int(rng.integers(3)), int(rng.integers(3))
    _, saved = cross_entropy_forward(logits, labels=np.array([label]))
    text = f"One image has the logits `{listed(logits[0])}` and the label {label}. The loss is the cross-entropy. "
    text += f"What is the gradient of the loss with respect to logit {k}?"
    return Question("Gradient of the cross-entropy", text, float(cross_entropy_backward(1.0, saved)[0, k]))


def normalized(rng: Any) -> Question:
    x, k = rng.integers(-9, 10, size=4).astype(float), int(rng.integers(4))
    y = layer_norm_forward(x, np.ones(4), np.zeros(4))[0]
    text = f"Layer norm takes `{listed(x)}`, with weight 1 and bias 0. What is entry {k} of what comes out?"
    slips = (x[k] - x.mean()) / (x.std(ddof=1) or 1), (x[k] - x.mean()) / (x.var() or 1), x[k] / (x.std() or 1)
    return Question("Layer norm", text, float(y[k]), slips)


def attended(rng: Any) -> Question:
    q, k, v = rng.integers(-2, 3, size=(3, 2, 4)).astype(float)
    i, j = int(rng.integers(2)), int(rng.integers(4))
    y, _ = attention_forward(np.concatenate([q, k, v], axis=1)[None], num_heads=1)
    text = f"Two tokens, one head of width 4: `q = {listed(q)}`, `k = {listed(k)}`, `v = {listed(v)}`. "
    text += f"What is entry {j} of the answer to token {i}?"
    scores = q @ k.T
    shares = [softmax_forward(one)[0] for one in (scores, scores / 4, scores.T / 2)]  # no root of d, no root, keys ask
    down = softmax_forward(scores.T / 2)[0].T  # columns add up to 1
    slips = v[:, j].mean(), (shares[2] @ k)[i, j], *((w @ v)[i, j] for w in (*shares, down))
    return Question("Attention", text, float(y[0, i, j]), slips)


def softmax_gradient(rng: Any) -> Question:
    weights = rng.permutation([0.1, 0.2, 0.3, 0.4])[:3]
    weights[2] = 1 - weights[0] - weights[1]
    dweights, k = rng.integers(-4, 5, size=3).astype(float), int(rng.integers(3))
    dscores = softmax_backward(dweights, softmax_forward(np.log(weights))[1])
    own = dweights[k] * weights[k]
    slips = dweights[k], own, own * (1 - weights[k]), weights[k] * (dweights[k] - dweights.mean()), -dscores[k]
    text = f"A token's attention weights are `{listed(weights)}`, their gradient is `{listed(dweights)}`. "
    return Question("Back through softmax", text + f"What is the gradient of score {k}?", float(dscores[k]), slips)


def tokens(rng: Any) -> Question:
    side, grid, registers = int(rng.choice([4, 7, 8, 16])), int(rng.integers(3, 15)), int(rng.integers(1, 5))
    text = f"Images have {side * grid} by {side * grid} pixels, patches {side} by {side}. There are a class token and "
    text += f"{registers} registers. How many attention weights has one head for one image?"
    return Question("Tokens", text, (grid**2 + 1 + registers) ** 2)


def block_parameters(rng: Any) -> Question:
    width, depth = int(rng.choice([16, 24, 32, 48, 64])), int(rng.integers(2, 7))
    config = ViTConfig(embed_dim=width, depth=depth, num_heads=4, mlp_ratio=float(rng.choice([2, 3, 4])))
    text = f"A ViT has {depth} blocks of width {width}, and its MLPs have {config.hidden_dim} hidden units. All linear "
    text += "layers have a bias, and layer norms a weight and a bias. How many parameters have all its blocks?"
    costs = [cost.parameters for name, cost in model_costs(config).items() if name.startswith("blocks")]
    return Question("Parameters", text, sum(costs))


def adamw_step(rng: Any) -> Question:
    weight, grad = np.round(rng.uniform(0.5, 2, size=(1, 1)), 1), np.round(rng.normal(scale=3, size=(1, 1)), 1) + 0.05
    rate, decay = float(rng.choice([0.1, 0.2])), float(rng.choice([0.1, 0.5]))
    parameters = {"weight": weight.copy()}
    AdamW(parameters, weight_decay=decay).step({"weight": grad}, lr=rate)
    text = f"A weight is {weight[0, 0]:g}, its gradient {grad[0, 0]:g}. What is the weight after the **first** step of "
    text += f"AdamW, with learning rate {rate} and weight decay {decay}?"
    w, step = float(weight[0, 0]), rate * float(np.sign(grad[0, 0]))
    slips = w - step, w * (1 - rate * decay) - rate * grad[0, 0], w * (1 - decay) - step, w - step - rate * decay
    return Question("AdamW", text, float(parameters["weight"][0, 0]), slips)


def learning_rate(rng: Any) -> Question:
    warmup, step = 10 * int(rng.integers(1, 4)), 10 * int(rng.integers(5, 10))
    text = f"The learning rate grows for {warmup} steps up to 0.01, then follows half a cosine down to 0 at step 100. "
    text += f"What is it at step {step} (the first is step 0)?"
    rates = [warmup_cosine(step + late, lr=0.01, total_steps=100, warmup_steps=warmup) for late in (0, -1, 1)]
    straight, unwarmed = 0.01 * (100 - step) / (100 - warmup), warmup_cosine(step, lr=0.01, total_steps=100)
    return Question("Schedule", text, rates[0], (*rates[1:], straight, unwarmed))


def steps_of_an_epoch(rng: Any) -> Question:
    images, batch = int(rng.integers(1000, 9000)), int(rng.choice([32, 64, 128]))
    text = f"There are {images:,} images, and batches of {batch}; the last, smaller batch counts. "
    return Question("Batches", text + "How many steps has an epoch?", -(-images // batch))


def rolled_out(rng: Any) -> Question:
    first, second = rng.integers(1, 10, size=(2, 2, 1)) / 10
    maps = [np.concatenate([one, 1 - one], axis=1)[None, None] for one in (first, second)]
    i, j = rng.integers(2, size=2).tolist()
    text = f"Two tokens, two blocks of one head. Attention in the first: `{listed(maps[0][0, 0])}`, in the second: "
    text += f"`{listed(maps[1][0, 0])}`. What is entry `[{i}, {j}]` of the rollout?"
    one, other = (0.5 * (each[0, 0] + np.eye(2)) for each in maps)
    slips = (one @ other)[i, j], (maps[1] @ maps[0])[0, 0, i, j], (one @ one)[i, j], (other @ other)[i, j]
    return Question("Rollout", text, float(attention_rollout(maps)[0, i, j]), slips)


def intensity(rng: Any) -> Question:
    n = 60 * int(rng.integers(2, 20))
    text = f"Two matrices of {n} by {n} float32 numbers are multiplied. Each is read once, and the product is written "
    text += "once. How many operations (a product and a sum are two) are done for each byte?"
    return Question("Arithmetic intensity", text, 2 * n**3 / (3 * 4 * n**2))


def ring_bytes(rng: Any) -> Question:
    workers, numbers = int(rng.choice([2, 4, 5, 8])), 1000 * int(rng.integers(2, 9))
    text = f"{workers} workers average a vector of {numbers:,} float32 numbers by an all-reduce on a ring. "
    return Question("Ring", text + "How many bytes does each of them send?", 2 * (workers - 1) * numbers * 4 // workers)


TEMPLATES: dict[int, tuple[Template, ...]] = {
    1: (patches,),
    2: (linear_gradient,),
    3: (central_difference,),
    4: (softmax_value, cross_entropy_gradient),
    5: (normalized,),
    7: (attended,),
    8: (softmax_gradient,),
    9: (tokens,),
    10: (block_parameters,),
    11: (adamw_step, learning_rate),
    12: (steps_of_an_epoch,),
    13: (rolled_out,),
    14: (intensity,),
    15: (ring_bytes,),
}


def listed(x: Any) -> str:
    """An array as NumPy's users write it: [[1, -2], [0.5, 3]]."""
    return "[" + ", ".join(map(listed, x)) + "]" if np.ndim(x) else f"{x:g}"
