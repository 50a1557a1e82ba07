"""What every kernel must give: each case runs fused ops on some device and says what NumPy's ops make of the same.

A case is a function of a device that yields (what, got, wanted): `wanted` in float64, from `tinyvit/ops` and its kin.
Sizes are odd on purpose: rows that are no multiple of a warp, one head or heads too wide for one kernel, registers.
`test_kernels.py` runs each case on the emulator in three orders of threads (or, with `--device cuda`, on a GPU), and
`test_sabotage.py` damages one line of a kernel at a time: some case must see it.
"""

import dataclasses

import numpy as np

from tinyvit.backend import to_numpy
from tinyvit.config import ViTConfig
from tinyvit.datasets import normalize
from tinyvit.gpu import FusedUpdate, per_number
from tinyvit.gpu.fused import FusedOps
from tinyvit.images.augment import random_affine_maps, random_shift, random_shift_maps, warp_affine
from tinyvit.ops import OPS
from tinyvit.optim import EMA, AdamW, FlatArrays, clip_by_global_norm

SMALL = ViTConfig(
    img_size=(8, 12), patch_size=4, in_chans=2, num_classes=7, embed_dim=40, depth=2, num_heads=4, mlp_ratio=1.5,
)  # fmt: skip
# Two warps for each sequence, one head, registers, tanh.
LONGER = ViTConfig(
    img_size=(16, 32), patch_size=4, in_chans=1, num_classes=3, embed_dim=6, depth=1, num_heads=1, gelu="tanh",
    pool="mean", num_registers=2,
)  # fmt: skip
# Heads too wide for one kernel: attention by matrix products; more numbers than two warps hold.
WIDE = dataclasses.replace(SMALL, embed_dim=72, num_heads=2, num_registers=2)  # 9 tokens: rows of 12 numbers
CONFIGS = {"small": SMALL, "longer": LONGER, "wide": WIDE}

CASES = {}  # by name: the function, and the names of the configs it is for


def case(*configs):
    def add(function):
        CASES[function.__name__] = function, configs or tuple(CONFIGS)
        return function

    return add


class Bench:
    """A device with fused ops, random numbers, and the way to and fro."""

    def __init__(self, device, config):
        self.device, self.config, self.rng = device, config, np.random.default_rng(0)
        self.ops = FusedOps(device, config)

    def random(self, *shape, scale=1.0):
        """On the device, float32, and the same on the host, float64."""
        x = (scale * self.rng.standard_normal(shape)).astype(np.float32)
        return self.put(x), x.astype(np.float64)

    def put(self, x):
        return self.device.xp.asarray(np.ascontiguousarray(x))

    def empty(self, *shape):
        return self.device.xp.empty(shape, np.float32)

    def sums(self):
        self.ops.sums.run()


@case()
def linear(b):
    x, x64 = b.random(13, 9)
    weight, weight64 = b.random(9, 21)
    dy, dy64 = b.random(13, 21)
    y, saved = b.ops.linear_forward(x, weight)
    dweight = b.empty(9, 21)
    dx = b.ops.linear_backward(dy, saved, dweight)
    yield "y", y, x64 @ weight64
    yield "dx", dx, dy64 @ weight64.T
    yield "dweight", dweight, x64.T @ dy64


def _layer_norm(b, rows, *, bias_rows=1, every=1, residual=True, down=True):
    """Forward and backward; `every` is for the residual on the way there and for dresidual on the way back."""
    D, eps = b.config.embed_dim, b.config.layer_norm_eps
    branch, branch64 = b.random(rows, D)
    bias, bias64 = b.random(bias_rows, D)
    old, old64 = b.random(rows * every, D) if residual else (None, np.zeros((rows * every, D)))
    weight, weight64 = b.random(D)
    shift, shift64 = b.random(D)
    dy, dy64 = b.random(rows, D)
    (x, y), saved = b.ops.layer_norm_forward(branch, bias, old, weight, shift, every=every)
    x64 = branch64 + np.tile(bias64, (rows // bias_rows + 1, 1))[:rows] + old64[::every]
    y64, saved64 = OPS["layer_norm"].forward(x64, weight64, shift64, eps=eps)
    dx64, dweight64, dshift64 = OPS["layer_norm"].backward(dy64, saved64)
    spread = every if rows % every == 0 else 1
    above, above64 = b.random(rows // spread, D) if down else (None, np.zeros((rows // spread, D)))
    dx64[::spread] += above64
    out = b.empty(D), b.empty(D), b.empty(D)
    dx = b.ops.layer_norm_backward(dy, saved, above, out)
    b.sums()
    yield "x", x, x64
    yield "y", y, y64
    yield "dx", dx, dx64
    yield "dweight", out[0], dweight64
    yield "dshift", out[1], dshift64
    yield "dbias", out[2], dx64.sum(0)


@case()
def layer_norm(b):
    yield from _layer_norm(b, 37)


@case("small")
def layer_norm_of_one_row(b):
    yield from _layer_norm(b, 1)


@case()
def layer_norm_of_many_rows(b):
    yield from _layer_norm(b, 2100)  # more than all warps take at once


@case()
def layer_norm_of_a_table(b):
    yield from _layer_norm(b, 21, bias_rows=7, residual=False)


@case()
def layer_norm_of_some_rows(b):
    yield from _layer_norm(b, 15, every=5)


@case("small")
def layer_norm_at_the_top(b):
    yield from _layer_norm(b, 9, down=False)


@case()
def layer_norm_of_rows_that_are_nearly_constant(b):
    """The last rows are constant: their gradient by the row is 0 but for rounding, and is not compared."""
    rows, D, eps = 11, b.config.embed_dim, b.config.layer_norm_eps
    x64 = 1000 + 1e-2 * b.rng.standard_normal((rows, D)) * (np.arange(rows) < 9)[:, None]
    branch, x64 = b.put(x64.astype(np.float32)), x64.astype(np.float32).astype(np.float64)
    (weight, weight64), (shift, shift64) = b.random(D), b.random(D)
    dy, dy64 = b.random(rows, D)
    (_, y), saved = b.ops.layer_norm_forward(branch, b.put(np.zeros(D, np.float32)), None, weight, shift)
    y64, saved64 = OPS["layer_norm"].forward(x64, weight64, shift64, eps=eps)
    out = b.empty(D), b.empty(D), b.empty(D)
    dx = b.ops.layer_norm_backward(dy, saved, None, out)
    b.sums()
    dx64, dweight64, _ = OPS["layer_norm"].backward(dy64, saved64)
    yield "y", y, y64
    yield "dx", dx[:9], dx64[:9]
    yield "dweight", out[0], dweight64


def _attention(b, images, queries, *, has_bias=True, scale=1.0):
    N, D, h = b.config.num_tokens, b.config.embed_dim, b.config.num_heads
    qkv, qkv64 = b.random(images * N, 3 * D, scale=scale)
    bias, bias64 = b.random(3 * D) if has_bias else (None, np.zeros(3 * D))
    dy, dy64 = b.random(images * queries, D)
    y, saved = b.ops.attention_forward(qkv, bias, num_queries=queries)
    y64, saved64 = OPS["attention"].forward(
        (qkv64 + bias64).reshape(images, N, 3 * D), num_heads=h, num_queries=queries
    )
    dqkv64 = OPS["attention"].backward(dy64.reshape(images, queries, D), saved64).reshape(-1, 3 * D)
    dbias = b.empty(3 * D) if has_bias else None
    dqkv = b.ops.attention_backward(dy, saved, dbias)
    yield "y", y, y64
    yield "dqkv", dqkv, dqkv64
    if has_bias:
        b.sums()
        yield "dbias of queries", dbias[:D], dqkv64.sum(0)[:D]
        yield "dbias of keys", dbias[D : 2 * D] + b.put(np.ones(D, np.float32)), 1 + dqkv64.sum(0)[D : 2 * D]
        yield "dbias of values", dbias[2 * D :], dqkv64.sum(0)[2 * D :]


@case()
def attention(b):
    yield from _attention(b, 3, b.config.num_tokens)


@case()
def attention_of_the_class_token(b):
    yield from _attention(b, 5, 1)


@case()
def attention_without_bias(b):
    yield from _attention(b, 1, b.config.num_tokens, has_bias=False)


@case()
def attention_with_large_scores(b):
    """Above a hundred, where the exponential is infinite. So large a score is itself off by 1e-5: only y is compared."""
    what, y, y64 = next(_attention(b, 2, b.config.num_tokens, scale=6.0))
    yield what, y, y64
    for _, got, _ in _attention(b, 2, b.config.num_tokens, scale=100.0):
        yield "finite", b.put(np.isfinite(to_numpy(got)).astype(np.float32)), np.ones(got.shape)


@case()
def gelu(b):
    for rows, columns in ((5, 3), (37, 61)):
        x, x64 = b.random(rows, columns, scale=3.0)
        bias, bias64 = b.random(columns)
        dy, dy64 = b.random(rows, columns)
        op = OPS["gelu" if b.config.gelu == "erf" else "gelu_tanh"]
        y, saved = b.ops.gelu_forward(x, bias)
        y64, saved64 = op.forward(x64 + bias64)
        dbias = b.empty(columns)
        dx = b.ops.gelu_backward(dy, saved, dbias)
        b.sums()
        yield "y", y, y64
        yield "dx", dx, op.backward(dy64, saved64)
        yield "dbias", dbias, op.backward(dy64, saved64).sum(0)


@case("small")
def cross_entropy(b):
    for images, classes, smoothing, scale in ((1, 1, 0.0, 1.0), (5, 7, 0.1, 1.0), (11, 100, 0.3, 30.0)):
        logits, logits64 = b.random(images, classes, scale=scale)
        bias, bias64 = b.random(classes)
        labels = b.rng.integers(0, classes, images)
        loss64, saved64 = OPS["cross_entropy"].forward(logits64 + bias64, labels=labels, label_smoothing=smoothing)
        dlogits64 = OPS["cross_entropy"].backward(1.0, saved64)
        out = b.empty(1), b.empty(classes)
        dlogits = b.ops.cross_entropy(logits, bias, b.put(labels.astype(np.int32)), out, label_smoothing=smoothing)
        b.sums()
        yield "loss", 1 + out[0], 1 + loss64.reshape(1)
        yield "dlogits", 1 + dlogits, 1 + dlogits64
        yield "dbias", 1 + out[1], 1 + dlogits64.sum(0)


@case("small")
def sums(b):
    for rows, columns in ((1, 1), (2500, 3), (70, 100)):
        x, x64 = b.random(rows, columns)
        out = b.empty(columns), b.empty(columns)
        b.ops.column_sum(x, out[0])
        b.ops.sums.add(x, out[1])
        b.sums()
        yield "in two stages", out[0], x64.sum(0)
        yield "in one", out[1], x64.sum(0)


@case("longer")
def mean_pool(b):
    N, D, prefix = b.config.num_tokens, b.config.embed_dim, b.config.num_prefix_tokens
    x, x64 = b.random(4 * N, D)
    dy, dy64 = b.random(4, D)
    y64, saved64 = OPS["mean_pool"].forward(x64.reshape(4, N, D), num_prefix=prefix)
    yield "y", b.ops.mean_pool_forward(x), y64
    yield "dx", b.ops.mean_pool_backward(dy), OPS["mean_pool"].backward(dy64, saved64).reshape(-1, D)


def _patches(b, images):
    """(B, C, H, W) -> (B*N, C*P*P), with rows of zeros in front."""
    P, prefix = b.config.patch_size, b.config.num_prefix_tokens
    patches, _ = OPS["patchify"].forward(images, patch_size=P)
    return np.pad(patches, ((0, 0), (prefix, 0), (0, 0))).reshape(-1, patches.shape[-1])


@case()
def patchify(b):
    images, images64 = b.random(3, *b.config.input_shape)
    want = _patches(b, images64)
    got = b.empty(*want.shape)
    b.device.launch("patchify", *per_number(got.size), images, got, got.size)
    yield "patches", got, want


@case()
def augment_patchify(b):
    """Two steps of four images from a split of eleven: as they are, shifted, and warped so far that pixels are lost."""
    C, n, batch, per_epoch = b.config.in_chans, 11, 4, 2
    pixels = b.rng.integers(0, 256, (n, *b.config.input_shape)).astype(np.uint8)
    labels, order = b.rng.integers(0, 9, n).astype(np.int32), b.rng.permutation(n)[: batch * per_epoch]
    mean, std = b.rng.uniform(0.1, 0.9, (2, C))
    kinds = {
        "as they are": (np.zeros((batch * per_epoch, 2, 3)), False),
        "shifted": (random_shift_maps(batch * per_epoch, np.random.default_rng(1), pixels=3), True),
        "warped": (
            random_affine_maps(
                batch * per_epoch, np.random.default_rng(1), degrees=90, translate=5, scale=0.5, shear=30
            ),
            True,
        ),
    }
    maps, step = b.put(np.zeros((batch * per_epoch, 2, 3), np.float32)), b.put(np.zeros(1, np.int32))
    for kind, (host_maps, augment) in kinds.items():
        maps[...] = b.put(host_maps.astype(np.float32))
        for number in (0, 3):  # the first of an epoch, and the last of the next
            rows = slice(number % per_epoch * batch, (number % per_epoch + 1) * batch)
            images = pixels[order[rows]]
            if kind == "shifted":
                whole = random_shift(pixels[order], np.random.default_rng(1), pixels=3)
                images = whole[rows]
            elif augment:
                images = warp_affine(images, host_maps[rows])
            want = _patches(b, normalize(images, mean, std, np.float64))
            step.fill(number)
            got, got_labels = b.empty(*want.shape), b.put(np.full(batch, -1, np.int32))
            b.device.launch(
                "augment_patchify",
                *per_number(got.size),
                *(b.put(pixels), b.put(labels), b.put(order.astype(np.int32)), maps),
                *(b.put((1 / (255 * std)).astype(np.float32)), b.put((mean / std).astype(np.float32)), step),
                *(got, got_labels, batch, per_epoch, augment),
            )
            yield f"patches {kind}", got, want
            yield f"labels {kind}", got_labels, labels[order[rows]]


def _update(b, *, clip, average):
    """Three steps of AdamW on some hundred numbers, of which some decay."""
    rates = [1e-2, 3e-3, 1e-2]
    shapes = {"one.weight": (17, 16), "one.bias": (16,), "norm.weight": (19,)}
    host = {name: b.rng.standard_normal(shape) for name, shape in shapes.items()}
    sides = []
    for arrays in (host, {name: b.put(array.astype(np.float32)) for name, array in host.items()}):
        flat = FlatArrays(arrays)
        flat.add(arrays)
        ema = EMA(flat, decay=0.9) if average else None
        sides.append((flat, FlatArrays(flat), AdamW(flat, weight_decay=0.2), ema))
    (flat64, grads64, optimizer64, ema64), (flat, grads, optimizer, ema) = sides
    update = FusedUpdate(b.device, optimizer, flat, grads, rates=rates, clip_grad=clip, ema=ema)
    losses = []
    for step, rate in enumerate(rates):
        gradient = b.rng.standard_normal(grads64.vector.size)
        grads64.vector[...], grads.vector[...] = gradient, b.put(gradient.astype(np.float32))
        if clip:
            clip_by_global_norm(grads64, clip)
        optimizer64.step(grads64, lr=rate)
        if ema64:
            ema64.update(step + 1)
        losses.append(step + 0.5)
        update.run(b.put(np.array([step + 0.5], np.float32)))
    yield "parameters", flat.vector, flat64.vector
    yield "m", optimizer.state["m"].vector, optimizer64.state["m"].vector
    yield "v", optimizer.state["v"].vector, optimizer64.state["v"].vector
    yield "losses", update.losses, np.array(losses)
    yield "step", update.step, np.array([3])
    if ema64:
        yield "average", ema.average.vector, ema64.average.vector


@case("small")
def adamw(b):
    yield from _update(b, clip=0.0, average=False)


@case("small")
def adamw_clipped_and_averaged(b):
    yield from _update(b, clip=2.0, average=True)


@case("small")
def adamw_with_short_gradients(b):
    yield from _update(b, clip=1000.0, average=True)


def run_case(name, device, config):
    """Check one case; returns everything that it got, on the host.

    Raises:
        AssertionError: something is further than 1e-5 from what it should be, in parts of the largest number wanted.
    """
    function, _ = CASES[name]
    results = []
    for what, got, want in function(Bench(device, config)):
        got, want = to_numpy(got), np.asarray(want)
        assert got.size == want.size, f"{what}: {got.shape}, wanted {want.shape}"
        error = np.abs(got.reshape(want.shape) - want).max() / np.abs(want).max()
        assert error < 1e-5, f"{what}: off by {error:.1e} of the largest"  # a NaN is not below
        results.append(got)
    return results
