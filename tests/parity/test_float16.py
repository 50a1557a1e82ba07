"""float16 beside PyTorch's: as near to the exact values as PyTorch is, to one unit in float16's last place."""

import numpy as np
import pytest
import torch

from tests.parity.test_ops import COUNTERPARTS
from tinyvit.gradcheck.cases import op_cases
from tinyvit.ops import OPS

FINITE = np.arange(2**16, dtype=np.uint16).view(np.float16)
FINITE = FINITE[np.isfinite(FINITE)][None]


def wide(name, rng):
    """Over the range of float16."""
    x = rng.standard_normal
    return {
        "gelu": [({"x": FINITE}, {})],
        "gelu_tanh": [({"x": FINITE}, {})],
        "gelu_quick": [({"x": FINITE}, {})],
        "sigmoid": [({"x": FINITE}, {})],
        "softmax": [({"x": size * x((20, n))}, {}) for size, n in ((1, 3000), (5, 300), (9000, 40))]
        + [({"x": np.full((2, 300), 5.4)}, {})],
        "layer_norm": [
            ({"x": mean + size * x((9, D)), "weight": x(D), "bias": x(D)}, {"eps": eps})
            for mean, size, D, eps in ((0, 300, 768, 1e-6), (0, 9000, 64, 1e-12), (100, 0.1, 192, 1e-5), (0, 1e-3, 64, 1e-12))
        ],
        "attention": [({"qkv": np.repeat([s, s, 1], 16) * x((2, 30, 48))}, {"num_heads": 2}) for s in (1, 10, 40)],
        "linear": [({"x": s * x((9, 300)), "weight": x((300, 8)), "bias": x(8)}, {}) for s in (1e-3, 1, 2000)],
        "mean_pool": [({"x": (s * x((2, 300, 8))).clip(-65504, 65504)}, {"num_prefix": 1}) for s in (1e-4, 1, 30000)],
        "cross_entropy": [({"logits": s * x((9, K))}, {"labels": rng.integers(0, K, 9)}) for s, K in ((1, 3000), (9, 10), (9000, 4))],
    }.get(name, [])  # fmt: skip


def cases():
    for name in OPS:
        yield from ((name, lambda rng, case=case: case.build(rng)[1:]) for case in op_cases(name))
        for index in range(len(wide(name, np.random.default_rng(0)))):
            yield name, lambda rng, name=name, index=index: wide(name, rng)[index]


def with_torch(name, inputs, options, dy, dtype):
    """y and the gradients of PyTorch, from float16 inputs taken as `dtype`."""
    tensors = [None if x is None else torch.tensor(x).to(dtype).requires_grad_() for x in inputs]
    options = {key: torch.from_numpy(o) if isinstance(o, np.ndarray) else o for key, o in options.items()}
    if torch.is_tensor(labels := options.get("labels")) and labels.is_floating_point():
        options["labels"] = labels.to(dtype)
    y = COUNTERPARTS[name](*tensors, **options)
    y.backward(torch.from_numpy(dy).to(dtype))
    return [t.detach().double().numpy() for t in (y, *(tensor.grad for tensor in tensors if tensor is not None))]


@pytest.mark.parametrize(("name", "build"), list(cases()), ids=lambda x: x if isinstance(x, str) else "")
def test_as_near_to_the_exact_values_as_pytorch(name, build, rng):
    inputs, options = build(rng)
    inputs = [None if x is None else x.astype(np.float16) for x in inputs.values()]
    with np.errstate(all="ignore"):
        y, saved = OPS[name].forward(*inputs, **options)
        dy = np.asarray(rng.standard_normal(y.shape)).astype(np.float16)
        grads = OPS[name].backward(dy, saved)
    ours = [y, *(grad for grad in (grads if isinstance(grads, tuple) else (grads,)) if grad is not None)]
    exact = with_torch(name, inputs, options, dy, torch.float64)
    try:
        theirs = with_torch(name, inputs, options, dy, torch.float16)
    except NotImplementedError:  # it resamples no float16 with antialiasing
        theirs = exact
    for one, other, truth in zip(ours, theirs, exact, strict=True):
        assert one.dtype == np.float16
        with np.errstate(all="ignore"):
            unit = np.spacing(np.abs(truth).astype(np.float16)).astype(float)
            unit += 2e-6 * np.abs(truth[np.isfinite(truth)]).max(initial=0)  # float32's noise among larger numbers
            error, allowed = np.abs(one - truth), np.nan_to_num(np.abs(other - truth)) + unit
        beyond = np.abs(truth) > 65504  # infinite in float16
        right = (error <= allowed) | (one == other) | (np.isinf(one) & beyond)
        assert right.all(), (
            f"{error[~right].max()} where PyTorch's float16 is off by {np.abs(other - truth)[~right].max()}"
        )
