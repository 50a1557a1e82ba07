# %% [markdown]
# # Lesson 14: From NumPy to CuPy
#
# *About 85 minutes. It opens [`tinyvit/backend/`](../tinyvit/backend/__init__.py).*
#
# A GPU has thousands of small cores and a fast memory of its own. **CuPy** is a library that looks like NumPy and
# computes there. So the code of this course can run on a GPU nearly as it stands. In this lesson you learn what
# "nearly" means, and when a GPU helps at all. The CPU and its memory are called the **host**, the GPU and its memory
# the **device**.
#
# **You need no GPU.** A stand-in takes its place: it computes with NumPy, but refuses what CuPy refuses, and counts
# what would be slow. If you have an NVIDIA GPU and CuPy, the cells that need not count run on it by themselves.

# %%
import time
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, ops, preset
from tinyvit.backend import array_module, available_devices, to_numpy
from tinyvit.config.costs import model_costs
from tinyvit.course import bug_hunt, check, show, show_guess, strict_cupy
from tinyvit.optim import AdamW, FlatArrays, flatten
from tinyvit.training import loss_and_gradients

threadpool_limits(1)  # one core, so that what we measure is easy to read
rng = np.random.default_rng(14)

# %% drawing=true
figure, ax = plt.subplots(figsize=(9, 2.6))
for left, name, parts in (
    (0, "host", ("CPU: runs your Python", "the host's memory")),
    (6, "device", ("GPU: thousands of cores", "the GPU's memory")),
):
    ax.add_patch(plt.Rectangle((left, 0), 3.6, 2.5, facecolor="0.95", edgecolor="0.5"))
    ax.text(left + 1.8, 2.65, name, ha="center", fontsize=12)
    for height, part in zip((1.8, 0.6), parts, strict=True):
        ax.text(
            left + 1.8,
            height,
            part,
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.5", "fc": "w"},
        )
for height, arrow, text, color in (
    (1.8, "->", "launches: 20 µs each", "C3"),
    (0.6, "<->", "copies: 63 GB/s", "C0"),
):
    ax.annotate(
        "",
        (5.95, height),
        (3.65, height),
        arrowprops={"arrowstyle": arrow, "linewidth": 2, "color": color},
    )
    ax.text(4.8, height + 0.13, text, ha="center", color=color)
ax.annotate(
    "", (7.8, 0.95), (7.8, 1.45), arrowprops={"arrowstyle": "<->", "linewidth": 2, "color": "C2"}
)
ax.text(7.95, 1.2, "3,350 GB/s", va="center", color="C2")
ax.set(xlim=(-0.1, 9.7), ylim=(-0.1, 3))
ax.axis("off")
show(
    figure,
    "Two machines with two memories. The numbers are explained below; they are not measured here.",
)

# %% [markdown]
# ## What is measured here, and what is not
#
# tinyvit has not run on a GPU yet. So this page has three kinds of numbers:
#
# - **measured**: times of one core of the CPU. Yours will differ.
# - **counted** on the stand-in: calls, bytes, reads. These are exact for the code that ran.
# - **computed** from counts and from the numbers of a GPU, which stand below. They tell which of two things is larger,
#   and by how much. They are no forecast: most runs are slower, and a quicker CPU or the GPU's cache (a small memory,
#   quicker than the large one) makes some faster.
#
# Our GPU is an H100 SXM. Its data sheet (NVIDIA) says **67 TFLOP/s** in float32, and **3.35 TB/s** to its memory: T
# (tera) is $10^{12}$, FLOP/s are FLOPs (lesson 10) in a second, B is byte. (The GPU has special parts for matrix
# products in rougher numbers, tensor cores. We leave them out.) The link to the host is PCIe 5.0 with 16 lanes: 32
# gigabits a second each, of which 128 in 130 carry data, so $16 \cdot 32 / 8 \cdot 128/130 = 63$ GB/s each way. And one
# call of CuPy, such as `a + b`, keeps the CPU busy for about **20 µs** (measured by CuPy's developers on their machine
# in 2025: [cupy/cupy#8457](https://github.com/cupy/cupy/pull/8457)).
#
# ## One code for both
#
# Here is the rule. A function asks its **argument** which library it belongs to, and uses that one:
#
# ```python
# xp = array_module(x)  # numpy for a NumPy array, cupy for a CuPy array
# y = xp.exp(x)
# ```
#
# Why not a switch at the top of the program, `use_gpu = True`? Because one process has both kinds of arrays: labels
# that are checked on the host, a model on the GPU, a copy of it that is being saved. A switch is right for one of them
# only. An argument is always right.

# %%
if len(available_devices()) > 1:  # a GPU, and CuPy to use it
    import cupy as xp
else:
    xp = strict_cupy
print("devices:", *available_devices())

x = xp.asarray(rng.standard_normal((2, 3)))  # to the device
print("its module:", array_module(x).__name__)
print("its sum has the type", type(x.sum()).__name__, "and the shape", x.sum().shape)
print("back on the host:", type(to_numpy(x)).__name__)

# %% [markdown]
# Now we try what works in NumPy, and see what is refused.

# %%
tries = {
    "x + np.ones(3)": lambda: x + np.ones(3),
    "np.asarray(x)": lambda: np.asarray(x),
    "xp.exp(x, where=x > 0)": lambda: xp.exp(x, where=x > 0),
    "xp.errstate(divide='ignore')": lambda: xp.errstate(divide="ignore"),
    "x + 1.0": lambda: x + 1.0,
}
for text, attempt in tries.items():
    try:
        attempt()
        print(f"{text:<30} works")
    except (TypeError, AttributeError) as error:
        print(f"{text:<30} {type(error).__name__}: {error}")

# %% [markdown]
# Nothing crosses over by itself, because each crossing is slow. You cross on purpose: `xp.asarray(x)` to the device,
# `to_numpy(x)` back. A Python number is no array, and goes along with both.
#
# | You write | NumPy | CuPy 14 | So |
# |---|---|---|---|
# | `x + host_array` | works | TypeError | move it first, once |
# | `np.exp(x)` | works | calls CuPy's; but `np.ones` makes a host array | always `xp.` (the stand-in refuses both) |
# | `x.sum()` | a number | an array without axes, on the GPU | leave it there until you must see it |
# | `float(x.sum())`, `if x.any():`, `print(x)` | at once | waits for the GPU | rarely |
# | `x[mask]` | works | waits: the host must know how many there are | `xp.where(mask, x, 0.0)` |
# | `table[labels]`, a label too large | IndexError | **no error**, counts round from 0 | check labels on the host |
# | `a[i] = v`, an index twice in `i` | the last one wins | undefined | use each index once |
# | `xp.exp(x, where=mask)` | works | TypeError | `xp.where` |
# | `np.errstate` | silences warnings | missing; a GPU never warns | formulas that cannot overflow (lesson 4) |
# | `Generator`'s `normal`, `permutation` | works | missing; a seed gives other numbers | draw on the host, then move |
#
# (From CuPy's user guide, "Differences between CuPy and NumPy", and from CuPy 14.2 itself.) The worst row is the sixth.
# A wrong label stops NumPy with an error. On a GPU the model trains on it.
#
# ### Exercise 14.1: move a loss
#
# This is the cross-entropy of lesson 4, as one writes it for NumPy. Three of its lines must change.
#
# ```python
# def cross_entropy(logits, labels):
#     shifted = logits - logits.max(axis=1, keepdims=True)
#     log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
#     right = log_probs[np.arange(len(labels)), labels]
#     return float(-right.mean())
# ```
#
# **Goal:** the same for NumPy and CuPy. `logits` is `(B, K)` and `labels` is `(B,)`, both on the same device. Return
# the mean loss, an array without axes, and never make the host wait. ●●○, 8 minutes.


# %% exercise="14.1"
def cross_entropy_anywhere(logits, labels):
    """(B, K), (B,) of integers -> the mean loss, where logits are."""
    ### BEGIN SOLUTION
    xp = array_module(logits)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
    right = log_probs[xp.arange(len(labels)), labels]
    return -right.mean()
    ### END SOLUTION


# %%
check.cross_entropy_anywhere(cross_entropy_anywhere)

# %% [markdown] hints="14.1"
# Where does each array come from? `np.arange` makes one on the host. And who needs the loss as a Python number? Whoever
# does can call `float` later.
# ---
# First `xp = array_module(logits)`. Then write `xp.` for each `np.`, and `return -right.mean()` without `float`.

# %% [markdown]
# ## Who waits for whom
#
# A CuPy call does not compute. It puts a piece of work, a **kernel**, at the end of the GPU's queue and returns. That
# is a **launch**. The CPU runs ahead, the GPU works through its queue, and nobody waits for the other.
#
# Until you look. `float(loss)` needs the number, so the CPU stops until the queue is empty. Then the queue *is* empty,
# and the GPU has nothing to do until the CPU has launched the next kernel.
#
# The picture below is drawn from this rule alone, with numbers that we chose: a launch takes 20 µs, a kernel 25 µs, a
# step has 6 kernels, and to bring a number over takes another 30 µs.


# %%
def timeline(steps, every, *, kernels=6, launch=20, kernel=25, read=30):
    """Pieces (start, length) of what CPU and GPU do, in µs; the loss is read once in `every` steps."""
    now, free = 0, 0  # the CPU's time; when the GPU will be done with its queue
    cpu, gpu, waits = [], [], []
    for step in range(1, steps + 1):
        for _ in range(kernels):
            cpu.append((now, launch))
            now += launch
            start = max(now, free)
            gpu.append((start, kernel))
            free = start + kernel
        if step % every == 0:
            waits.append((now, free + read - now))
            now = free + read
    return cpu, gpu, waits


# %% drawing=true
figure, axes = plt.subplots(2, 1, figsize=(9, 3), sharex=True)
for ax, every in zip(axes, (1, 4), strict=True):
    cpu, gpu, waits = timeline(4, every)
    ax.broken_barh(cpu, (1.1, 0.8), facecolor="C0", edgecolor="w", label="launches")
    ax.broken_barh(waits, (1.1, 0.8), facecolor="C3", alpha=0.6, label="waits for the loss")
    ax.broken_barh(gpu, (0.1, 0.8), facecolor="C2", edgecolor="w", label="computes")
    idle = 1 - sum(length for _, length in gpu) / (waits[-1][0] + waits[-1][1])
    when = "after every step" if every == 1 else "after the last step only"
    ax.set(
        yticks=[0.5, 1.5],
        yticklabels=["GPU", "CPU"],
        title=f"loss read {when}: the GPU is idle {idle:.0%}",
    )
axes[1].legend(loc="center right", fontsize=8)
axes[1].set(xlabel="time, µs")
figure.tight_layout()
show(
    figure,
    "Four steps, drawn from the rule. Each look at the loss empties the queue, and leaves a gap on the GPU.",
)

# %% [markdown]
# An `if` looks, too. Many training loops **clip**: a gradient longer than some length $c$ is scaled down to it. One
# writes `if norm > c: grad *= c / norm`. The CPU must know the norm to choose. But it can be said without an `if`:
#
# $$
# \text{factor} = \begin{cases} c / \lVert g \rVert & \lVert g \rVert > c \\ 1 & \text{otherwise} \end{cases}
# \quad = \quad \min\Big(1, \frac{c}{\lVert g \rVert}\Big) .
# $$
#
# ### Exercise 14.2: clip without waiting
#
# **Goal:** scale `grad` (any shape) so that the square root of the sum of its squares is at most `max_norm`, a Python
# number. A shorter gradient stays as it is. No host reads: nothing may make the host wait. ●●○, 5 minutes.


# %% exercise="14.2"
def clip_without_waiting(grad, max_norm):
    """(...) -> (...), no longer than max_norm."""
    ### BEGIN SOLUTION
    xp = array_module(grad)
    norm = xp.sqrt((grad * grad).sum())
    return grad * xp.minimum(1.0, max_norm / norm)
    ### END SOLUTION


# %%
check.clip_without_waiting(clip_without_waiting)

# %% [markdown] hints="14.2"
# The norm may stay an array without axes: NumPy and CuPy stretch it over `grad`. The choice between two numbers is
# `xp.minimum`.
# ---
# With `norm = xp.sqrt((grad * grad).sum())`: `grad * xp.minimum(1.0, max_norm / norm)`.

# %% [markdown]
# ### Exercise 14.3: look once in a while
#
# We do want to see the loss. A sum can stay on the GPU, and be read when it is worth it.
#
# **Goal:** `step(i)` does step number `i` and returns its loss, an array without axes on the device. Do the steps
# $0, \dots, \text{steps} - 1$. After each group of `every` steps, read the group's **mean** loss, with one host read.
# Return a list of Python numbers. `steps` is a multiple of `every`. ●●○, 6 minutes.


# %% exercise="14.3"
def log_means(step, steps, every):
    """-> steps / every numbers."""
    ### BEGIN SOLUTION
    means, total = [], 0.0
    for i in range(steps):
        total = total + step(i)
        if (i + 1) % every == 0:
            means.append(float(total) / every)
            total = 0.0
    return means
    ### END SOLUTION


# %%
check.log_means(log_means)

# %% [markdown] hints="14.3"
# `total = total + step(i)` is one more small kernel, and nobody waits. Only `float(total)` does.
# ---
# After step `i`, if `(i + 1) % every == 0`: append `float(total) / every`, and set `total` to 0.0 again.

# %% [markdown]
# ## Is it right?
#
# The same model, the same images, once on the host and once on the device: loss and all gradients must agree, up to
# rounding. And a whole step, forward and backward, must get by without a single host read.

# %%
config = replace(preset("tiny"), gelu="tanh")  # the stand-in has no erf; CuPy has one


def on_device(config, xp):
    """A fresh model whose parameters lie on xp's device."""
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    model.adopt({name: xp.asarray(array) for name, array in model.parameters().items()})
    return model


images = rng.standard_normal((8, 1, 28, 28)).astype(np.float32)
labels = rng.integers(0, 10, 8)
loss, grads = loss_and_gradients(on_device(config, np), images, labels)

model = on_device(config, xp)
strict_cupy.host_reads().clear()
device_loss, device_grads = loss_and_gradients(model, xp.asarray(images), xp.asarray(labels))
print(
    "host reads in a step:",
    len(strict_cupy.host_reads()) if xp is strict_cupy else "not counted on a real GPU",
)
print(f"loss {float(loss):.6f} on the host, {float(device_loss):.6f} on the device")
worst = max(
    np.abs(to_numpy(device_grads[name]) - grad).max() / np.abs(grad).max()
    for name, grad in grads.items()
)
print(
    f"{len(grads)} gradients; the largest difference is {worst:.0e} of the largest number (float32)"
)

# %% [markdown]
# ## Where the time goes
#
# From here on we count on the stand-in, with or without a GPU. Three things take time:
#
# - **launches**: each call costs the CPU its 20 µs, whatever its size;
# - **bytes**: each kernel reads its inputs from the GPU's memory and writes its results back;
# - **arithmetic**: FLOPs, as in lesson 10.
#
# First, the law on your own CPU. We time one NumPy call, `np.multiply(x, 2, out=y)`, for arrays of 1 to 10 million
# numbers. This is **measured**.

# %%
sizes = np.array([1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000])


def seconds_per_call(size):
    x, y = np.ones(size, np.float32), np.empty(size, np.float32)
    repeats = max(3, min(2000, 3_000_000 // size))
    times = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(repeats):
            np.multiply(x, 2, out=y)
        times.append((time.perf_counter() - start) / repeats)
    return min(times)


measured = np.array([seconds_per_call(size) for size in sizes])
overhead = measured[0]  # there is nothing to compute
bandwidth = 8 * sizes[-1] / measured[-1]  # 4 bytes read and 4 written for each number
print(
    f"one call costs at least {1e6 * overhead:.1f} µs; a large one moves {bandwidth / 1e9:.0f} GB/s"
)
rates = 8 * sizes / measured
print(
    f"quickest are {sizes[rates.argmax()]:,} numbers, {8 * sizes[rates.argmax()] / 1e3:,.0f} kB: {rates.max() / 1e9:.0f} GB/s"
)
dearer, cheaper = 20e-6 / overhead, 3.35e12 / bandwidth
print(
    f"the H100, by its numbers: a call costs {dearer:.0f} times as much, a byte {cheaper:.0f} times less"
)

# %% drawing=true
figure, ax = plt.subplots(figsize=(6.5, 3))
ax.loglog(sizes, 1e6 * measured, "o-", label="measured")
ax.loglog(
    sizes,
    1e6 * np.maximum(overhead, 8 * sizes / bandwidth),
    "k:",
    label="max(overhead, bytes / bandwidth)",
)
ax.set(xlabel="numbers in the array", ylabel="µs a call")
ax.legend()
show(
    figure,
    "One NumPy call, measured: first flat, where the call itself is the cost, then as steep as its bytes.",
)

# %% [markdown]
# When this was written, the size did not matter up to about a thousand numbers. Then bytes took over. In between a call
# can be faster than the dotted line: arrays that fit into the CPU's **cache** need no trip to its memory, and the second
# line printed above says which were quickest. (If other programs keep your machine busy, single points lie too high.) On a
# GPU the law is the same, only the numbers differ: the flat part lies much higher, the steep part much lower. So it takes
# far larger arrays until a call is worth its price.
#
# ### The roof, by hand
#
# How many FLOPs for each byte does a GPU need, so that arithmetic is the bottleneck? On our H100:
# $67 \cdot 10^{12} / 3.35 \cdot 10^{12} = 20$. Below, the memory is what one waits for. This is the **roofline**
# (Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore
# architectures").
#
# - `x * 2` in float32: 1 FLOP for 8 bytes, $1/8$. Far below 20, and so are layer norm, GELU, softmax, every plus.
# - A linear layer, $(R, D) \cdot (D, D)$: $2RD^2$ FLOPs. It reads $RD + D^2$ numbers and writes $RD$, 4 bytes
#   each. For many rows $D^2$ does not matter, and we get
#
# $$ \frac{2 R D^2}{4 \cdot 2 R D} = \frac{D}{4} . $$
#
# For the tiny ViT, $D = 64$: 16, just below the roof's edge. For ViT-B/16, $D = 768$: 192, far above. *Wide models
# compute, narrow models move numbers about.*
#
# Your CPU has a roof, too, and we can look at it. We **measure** matrix products $(R, D) \cdot (D, D)$ of growing width,
# and beside them `x * 2`, which has the lowest intensity of all.


# %%
def seconds_of_product(D, R=20_000):
    x, weight = np.ones((R, D), np.float32), np.ones((D, D), np.float32)
    y = x @ weight
    times = []
    for _ in range(3):
        start = time.perf_counter()
        np.matmul(x, weight, out=y)
        times.append(time.perf_counter() - start)
    return min(times)


widths = np.array([4, 16, 64, 256, 768])
speeds = np.array([2 * 20_000 * D * D / seconds_of_product(D) for D in widths])  # FLOP/s
print(f"x * 2:    1/8 FLOP a byte, {sizes[-1] / measured[-1] / 1e9:6.1f} GFLOP/s")
for D, speed in zip(widths, speeds, strict=True):
    print(f"D = {D:>3}: {D / 4:>5.0f} FLOP a byte, {speed / 1e9:6.1f} GFLOP/s")
print(f"this core's roof has its edge near {speeds.max() / bandwidth:.0f} FLOP a byte")

# %% [markdown]
# The same FLOPs take very different times. With few of them a byte the core waits for its memory; beyond the edge
# arithmetic decides, and a wider product is hardly faster any more. (That is the law. Single lines may be out of order:
# whatever else runs on your machine takes its share, and the library cuts small products in its own ways.) The model of
# this course, $D = 64$, stands just below the edge of our H100. A core's edge was lower when this was written, at 3 FLOP a
# byte: a GPU is ahead of it in arithmetic by more than in memory.
#
# ### Exercise 14.4: the floor
#
# CPU, memory and cores work at the same time. If all overlaps as well as it can, the slowest of the three decides:
#
# $$
# t = \max\Big(\frac{\text{FLOPs}}{\text{peak}}, \; \frac{\text{bytes}}{\text{bandwidth}}, \; \text{launches} \cdot
# \text{overhead}\Big) .
# $$
#
# **Goal:** this floor, in seconds, for a forward of `batch` images; `batch` is an array `(n,)` of sizes, the result is
# `(n,)`. `flops` and `bytes_per_image` count for each image. `weight_bytes` are moved once, however many images there
# are. `launches` is the number of calls of one forward. ●○○, 5 minutes.


# %% exercise="14.4"
def time_floor(batch, *, flops, bytes_per_image, weight_bytes, launches, peak, bandwidth, overhead):
    """(n,) -> seconds (n,)."""
    ### BEGIN SOLUTION
    compute = batch * flops / peak
    memory = (weight_bytes + batch * bytes_per_image) / bandwidth
    return np.maximum(np.maximum(compute, memory), launches * overhead)
    ### END SOLUTION


# %%
check.time_floor(time_floor)

# %% [markdown] hints="14.4"
# Two of the three times grow with the batch, one does not. `np.maximum` compares two arrays, or an array and a number,
# number by number; `np.max` would give one number.
# ---
# With `compute = batch * flops / peak` and `memory = (weight_bytes + batch * bytes_per_image) / bandwidth`:
# `np.maximum(np.maximum(compute, memory), launches * overhead)`.

# %% [markdown]
# ## Count a whole model
#
# The stand-in notes every call that computes, with the bytes that it reads and writes. (A view, such as `x.T`, computes
# nothing. A call is *at least* one kernel; some are two or three.) All blocks are alike, so we count models of one and
# two blocks and add the difference for each further block. The bytes grow along a straight line with the batch, so
# two batches are enough.


# %%
def count_calls(model, batch):
    """Calls, and bytes read and written, of one forward."""
    images = strict_cupy.asarray(np.ones((batch, *model.config.input_shape), np.float32))
    strict_cupy.launches().clear()
    model.predict(images)
    calls = strict_cupy.launches()
    return np.array([len(calls), sum(call.read + call.written for call in calls)], np.int64)


def count_forward(config):
    """What one forward costs: launches, bytes whatever the batch, and bytes and FLOPs for each image."""
    one, two = (on_device(replace(config, depth=depth), strict_cupy) for depth in (1, 2))
    totals = []
    for batch in (1, 2):
        shallow, deeper = count_calls(one, batch), count_calls(two, batch)
        totals.append(shallow + (config.depth - 1) * (deeper - shallow))
    (launches, first), (_, second) = totals
    return {
        "launches": launches,
        "weight_bytes": 2 * first - second,
        "bytes_per_image": second - first,
        "flops": sum(cost.flops for cost in model_costs(config).values()),
    }


configs = {"tiny ViT": config, "ViT-B/16": replace(preset("vit_base_patch16_224"), gelu="tanh")}
counts = {name: count_forward(its_config) for name, its_config in configs.items()}
for name, its in counts.items():
    print(
        f"{name}: {its['launches']} launches; {its['weight_bytes'] / 1e6:.1f} MB whatever the batch; for each image"
    )
    print(f"  {its['bytes_per_image'] / 1e6:,.2f} MB and {its['flops'] / 1e6:,.1f} MFLOP,", end=" ")
    print(f"{its['flops'] / its['bytes_per_image']:.1f} FLOP a byte")
print(
    "all four blocks of the tiny ViT counted:",
    count_calls(on_device(config, strict_cupy), 1)[0],
    "launches",
)

# %% [markdown]
# What is moved whatever the batch are the weights: ViT-B/16 has 86.6 million, of 4 bytes each.
#
# ## The surprise
#
# Now the floors of both models on our H100, **computed**. Guess first: how much longer than one image do 256 images
# take the tiny ViT?

# %%
my_guess = 256  # times as long as one image, for 256

# %%
H100 = {"peak": 67e12, "bandwidth": 3.35e12, "overhead": 20e-6}
batches = np.logspace(0, 5, 200)


def three_floors(batch, gpu, *, launches, weight_bytes, bytes_per_image, flops):
    """(n,) -> (3, n): seconds of launches, bytes, arithmetic."""
    memory = (weight_bytes + batch * bytes_per_image) / gpu["bandwidth"]
    return np.stack(
        [np.full(len(batch), launches * gpu["overhead"]), memory, batch * flops / gpu["peak"]]
    )


for name, its_counts in counts.items():
    floors = three_floors(batches, H100, **its_counts)
    free = batches[floors[0] >= floors[1:].max(0)].max()
    print(
        f"{name}: {1e3 * floors[0, 0]:.1f} ms of launches; up to about {float(f'{free:.2g}'):,.0f} images cost the same"
    )
one, many = three_floors(np.array([1, 256]), H100, **counts["tiny ViT"]).max(0)
show_guess(my_guess, many / one, "times as long (computed)")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(10, 3.3), sharey=True)
for ax, (name, its_counts) in zip(axes, counts.items(), strict=True):
    floors = three_floors(batches, H100, **its_counts)
    for floor, label, color in zip(
        floors, ("launches", "bytes", "arithmetic"), ("C3", "C2", "C0"), strict=True
    ):
        ax.loglog(batches, 1e3 * floor, color=color, label=label)
    ax.loglog(batches, 1e3 * floors.max(0), "k", linewidth=4, alpha=0.2, label="the floor")
    ax.set(title=f"{name}, forward", xlabel="images in a batch", ylim=(1e-3, 1e5))
axes[0].set(ylabel="ms")
axes[0].legend()
show(figure, "Computed, not measured: three floors of a forward on an H100, with 20 µs a launch.")

# %% [markdown]
# The tiny ViT is **launch-bound**. Its 237 calls keep the CPU busy for 4.7 ms, whatever their size. An H100 needs about
# 9,300 images in one batch before it has more to do than the CPU. So the answer, by this count: 256 images take as long
# as one. The other 255 are free.
#
# ViT-B/16 is another matter. It has nearly three times as many launches, but 8,000 times as many FLOPs. From about 27
# images on the GPU is what one waits for, and the lines of bytes and arithmetic lie close together: at 27 FLOPs a
# byte it stands just above the roof's edge of 20. Its linear layers alone would stand far above; the small operations
# in between pull it down.
#
# Does this really happen? On the CPU we can look: there a call has its price, too. This is **measured** (and on your
# GPU, if there is one).


# %%
def seconds_of_a_forward(model, images):
    """The fastest of ten; `to_numpy` waits until the result is there."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        to_numpy(model.predict(images))
        times.append(time.perf_counter() - start)
    return min(times)


for device, module in [("CPU", np)] + ([("GPU", xp)] if xp is not strict_cupy else []):
    model = on_device(config, module)
    for batch in (1, 4, 16, 64, 256):
        images = module.asarray(np.ones((batch, 1, 28, 28), np.float32))
        seconds = seconds_of_a_forward(model, images)
        print(
            f"{device}, {batch:>3} images: {1e3 * seconds:6.2f} ms, {1e6 * seconds / batch:5.0f} µs an image"
        )

# %% [markdown]
# The same law, with other numbers. When this was written, 16 images took one core three or four times as long as one,
# because a call has its price here, too. It is only smaller: a microsecond or two. From 64 images on, an image cost about
# the same, however large the batch: arithmetic and bytes decide. In the plot of one call, that is the steep part on the
# right.
# (On your CPU, large batches may even get *slower* for each image, once their arrays no longer fit into its cache.)
#
# ## Fewer, larger kernels
#
# Whoever wants a small model to be fast on a GPU needs fewer launches. Look at one layer norm, for 256 images of the
# tiny ViT: 4,352 tokens of 64 numbers.

# %%
tokens = strict_cupy.asarray(rng.standard_normal((256 * 17, 64)).astype(np.float32))
weight, bias = (
    strict_cupy.asarray(np.ones(64, np.float32)),
    strict_cupy.asarray(np.zeros(64, np.float32)),
)
strict_cupy.launches().clear()
y, saved = ops.layer_norm_forward(tokens, weight, bias)
calls = list(strict_cupy.launches())
moved = np.array([call.read + call.written for call in calls])
fused = (
    tokens.nbytes + weight.nbytes + bias.nbytes + y.nbytes + saved.x_hat.nbytes + saved.rstd.nbytes
)
print(
    f"{len(calls)} calls move {moved.sum() / 1e6:.1f} MB; x in, y and what is saved out: {fused / 1e6:.1f} MB"
)

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 1.8))
starts = np.cumsum(moved) - moved
for call, start, size in zip(calls, starts / 1e6, moved / 1e6, strict=True):
    ax.barh(1, size, left=start, color="C2", edgecolor="w")
    if size > 0.5:
        ax.text(start + size / 2, 1, call.name, ha="center", va="center", fontsize=8, color="w")
ax.barh(0, fused / 1e6, color="C1")
ax.set(
    yticks=[0, 1], yticklabels=["one kernel", f"{len(calls)} calls"], xlabel="MB read and written"
)
show(
    figure,
    "Bytes of one layer norm: counted for its calls, computed for a single kernel that does all of it.",
)

# %% [markdown]
# Each call reads what the one before has just written. Five of them are so small that you cannot see them, and each
# costs a launch. A single kernel would read each token once, keep it inside the core, and write the
# results: **13 launches become 1, and 15.8 MB become 3.4**. This is **fusion**. CuPy compiles such kernels for you from
# a few lines of C: `cupy.RawKernel`, or `cupy.ElementwiseKernel` where nothing is summed up. The price is a second
# version of each op, which has to be right, too.
#
# tinyvit's kernels stand in [`tinyvit/gpu/kernels`](../tinyvit/gpu/kernels/common.cu). `layer_norm.cu` is this one, together with
# the sum and the bias in front of it. The tests compile the same source for the CPU and compare every kernel with the
# op that you know. With them a training step is 21 launches a block and 15 around the blocks: 99 for the tiny ViT.
#
# Two other ways need no C. The first is to put many arrays into one. The optimiser does the same to all 56 parameters
# of the tiny ViT. If they are views of one long vector, it can do so to all of them at once.

# %%
images = strict_cupy.asarray(np.ones((256, 1, 28, 28), np.float32))
labels = strict_cupy.asarray(np.zeros(256, np.int64))


def launches_of(work):
    """What `work()` returns, and how many calls it makes."""
    strict_cupy.launches().clear()
    return work(), len(strict_cupy.launches())


model = on_device(config, strict_cupy)
(_, grads), there_and_back = launches_of(lambda: loss_and_gradients(model, images, labels))
optimizer = AdamW(model.parameters())
_, one_by_one = launches_of(lambda: optimizer.step(grads, lr=1e-3))

flat = flatten(model)  # the parameters are now views of one vector
flat_grads = FlatArrays(flat)
_, gathering = launches_of(lambda: flat_grads.add(grads))
optimizer = AdamW(flat)
_, at_once = launches_of(lambda: optimizer.step(flat_grads, lr=1e-3))
print(f"forward and backward: {there_and_back} launches")
print(
    f"AdamW, parameter by parameter: {one_by_one}; in one vector: {gathering} to gather the gradients + {at_once}"
)
for name, total in (("one by one", one_by_one), ("in one vector", gathering + at_once)):
    print(
        f"a step, {name}: {20e-3 * (there_and_back + total):.1f} ms of launches at 20 µs each (computed)"
    )

# %% [markdown]
# The optimiser, and not the model, makes more than half of all calls. In one vector they all but vanish, and the
# floor of a step is halved. (See [`tinyvit/optim/flat.py`](../tinyvit/optim/flat.py).)
#
# The second way is a **CUDA graph**: all launches of a step are recorded once, and repeated at a single command.
# The documentation of Julia's CUDA library gives an example (CUDA.jl, "Graphs"): 80 small kernels took 260 µs launched
# one by one, and 70 µs as a graph, which is 0.9 µs each, the kernel's work included. But a graph repeats the *same*
# work on the *same* arrays. No host read can be in it, and so no `if` about a result. A Python number, such as the
# learning rate, stays what it was. This is one more reason to write steps that never look. (CuPy 14 can record graphs,
# but not its own matrix products yet: [cupy/cupy#6290](https://github.com/cupy/cupy/issues/6290). So
# [`tinyvit/gpu/blas.py`](../tinyvit/gpu/blas.py) calls NVIDIA's library for products itself, and
# `tinyvit train --device cuda` records its step.)
#
# How long such a step takes is **not yet measured**: no GPU was at hand when this was written. On yours,
# `tinyvit bench --device cuda` measures it.
#
# Here are the launches once more, **computed** with 0.9 µs each.

# %%
for name, its_counts in counts.items():
    for overhead in (20e-6, 0.9e-6):
        launches, *others = three_floors(batches, {**H100, "overhead": overhead}, **its_counts)
        free = batches[launches >= np.maximum(*others)].max(initial=0)
        until = (
            f"up to batches of about {float(f'{free:.2g}'):,.0f}" if free else "for no batch at all"
        )
        print(
            f"{name}, {1e6 * overhead:4.1f} µs a launch: {1e3 * launches[0]:5.2f} ms, and launch-bound {until}"
        )

# %% [markdown]
# ## Hard, and optional: a product in tiles
#
# Why does a matrix product reach the flat part of the roof at all? Each multiplication needs two numbers, and if both came from memory,
# its intensity would be low. But fast memory is near: a cache, or a GPU's shared memory. Load a **tile** of $a$ and a tile of $b$ there,
# $T$ by $T$ each, and use every number $T$ times before it goes. Then a product of $n \times n$ matrices reads $2 n^3 / T$ numbers in place
# of $2 n^3$.
#
# ### Exercise 14.5: a product, and what it moves
#
# **Goal:** `a` is `(n, k)`, `b` is `(k, m)`. Compute $ab$ tile by tile: for each tile of the product (`tile` by `tile`, smaller at the
# edges) add up products of tiles of `a` and `b` along $k$, in steps of `tile`, and write it once. Return the product `(n, m)`, and how many
# numbers were moved: those of each tile of `a` and `b` each time it is read, and those of the product once. ●●●, 15 minutes.


# %% exercise="14.5"
def tiled_product(a, b, tile):
    """(n, k), (k, m), a whole number -> (n, m), a whole number."""
    ### BEGIN SOLUTION
    n, m = len(a), b.shape[1]
    product, moved = np.zeros((n, m)), 0
    for i in range(0, n, tile):
        for j in range(0, m, tile):
            total = 0
            for k in range(0, len(b), tile):
                a_tile, b_tile = a[i : i + tile, k : k + tile], b[k : k + tile, j : j + tile]
                total = total + a_tile @ b_tile
                moved += a_tile.size + b_tile.size
            product[i : i + tile, j : j + tile] = total
            moved += total.size
    return product, moved
    ### END SOLUTION


# %%
check.tiled_product(tiled_product)

# %% [markdown] hints="14.5"
# Three loops, each `range(0, ..., tile)`. A slice that goes beyond the end is cut there, so the edges need no care. `x.size` is how many
# numbers an array has.
# ---
# In the innermost loop `total = total + a_tile @ b_tile` and `moved += a_tile.size + b_tile.size`; behind it, the tile is written, and
# `moved += total.size`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong or missing in the function that you are handed. Every step gives a loss of 1.

# %%
broken = bug_hunt(14)
for every in (1, 2, 3, 6):
    print(f"6 steps, read after every {every}:", broken(lambda i: np.float64(1.0), 6, every))

# %%
my_suspect = 7  # the number of the wrong line
check.suspect(14, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. Somebody trains the tiny ViT with batches of 64, first on a CPU and then on an H100. It is hardly faster. Why?**
#
# <details><summary>Answer</summary>
#
# By our count the model is launch-bound there: the GPU waits for Python most of the time. What helps:
# larger batches, fewer and larger kernels, a graph. What does not help: a GPU with more TFLOP/s.
#
# </details>
#
# **2. There are 10 classes, and one label is 10 by mistake. What does your function of exercise 14.1 do?**
#
# <details><summary>Answer</summary>
#
# With NumPy it stops with an IndexError. With CuPy the index counts round from the start: the image is trained as a 0,
# and nobody is told. So labels have to be checked on the host, once, when the data are loaded.
#
# </details>
#
# **3. Images lie in the host's memory, as float32. Is copying them over the slowest part of a forward of ViT-B/16?
# And of the tiny ViT, with very large batches?**
#
# <details><summary>Answer</summary>
#
# Neither, at full speed of the link. An image of 3 · 224 · 224 numbers has 602,112 bytes, which take 9.6 µs at 63 GB/s;
# its arithmetic takes 32.9 GFLOP / 67 TFLOP/s = 491 µs. For the tiny ViT it is 28 · 28 · 4 = 3,136 bytes and 0.05 µs,
# against 1.69 MB / 3.35 TB/s = 0.50 µs. As uint8 they would take a quarter of it. But one copy for each image would
# cost a launch each: copy whole batches.
#
# </details>
#
# ## What you can now do
#
# - Write an op that runs on NumPy and on CuPy, and name what behaves differently on the two.
# - Find the lines that make the host wait, and write them so that they don't.
# - Say, before you buy or rent a GPU, whether a model is bound by launches, by memory, or by arithmetic.
#
# Open [`tinyvit/backend/arrays.py`](../tinyvit/backend/arrays.py) and
# [`tinyvit/backend/devices.py`](../tinyvit/backend/devices.py): all that tinyvit knows of CuPy. The stand-in is in
# [`tinyvit/course/strict_cupy/`](../tinyvit/course/strict_cupy/__init__.py). With it, the tests run every op, every model and every
# optimiser.
#
# With a GPU: `tinyvit doctor` says whether it is found, and `tinyvit train --device cuda` trains on it.
#
# Go on with [lesson 15](15_many_workers.ipynb).
