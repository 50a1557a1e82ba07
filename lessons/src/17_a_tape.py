# %% [markdown]
# # Lesson 17: A tape
#
# *About 70 minutes. It opens [`tinyvit/vit.py`](../tinyvit/vit.py).*
#
# In this course every backward was written by hand. PyTorch and its relatives need no such work: they **record** what
# the forward does, and play the record backwards. The record is often called a *tape*, and the method *reverse-mode
# automatic differentiation*, or **autograd**.
#
# It is no magic. In this lesson you write the parts that take thought. Then comes a whole tape, in about 60 lines. We
# run a Vision Transformer on it, and see if it finds the gradients that tinyvit's hand-written backward finds.
#
# The picture shows a small calculation, $y = ab + \tanh(ab)$. It is computed from left to right. Then the gradients
# (red) are computed from right to left, along the same arrows.

# %%
import math
import time
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

import tinyvit
from tinyvit.course import bug_hunt, check, replace_failing, show, show_guess
from tinyvit.ops.erf import normal_cdf

a, b = 0.5, 2.0
product = a * b
gate = math.tanh(product)
dproduct = 1 + (1 - gate**2)  # two arrows leave the product: two gradients come back, and add up
nodes = {
    "a": (0, 1, a, dproduct * b),
    "b": (0, 0, b, dproduct * a),
    "p = a · b": (1, 0.5, product, dproduct),
    "t = tanh(p)": (2, 0.05, gate, 1.0),
    "y = p + t": (3, 0.5, product + gate, 1.0),
}

# %% drawing=true
figure, ax = plt.subplots(figsize=(9, 2.9))
a_place, b_place, p_place, t_place, y_place = (node[:2] for node in nodes.values())
arrows = (
    (a_place, p_place),
    (b_place, p_place),
    (p_place, t_place),
    (p_place, y_place),
    (t_place, y_place),
)
style = {"arrowstyle": "->", "color": "0.5", "shrinkA": 42, "shrinkB": 42}
for start, end in arrows:
    ax.annotate("", xy=end, xytext=start, arrowprops=style)
for name, (x, y, value, grad) in nodes.items():
    ax.text(x, y + 0.04, f"{name}\n{value:.3f}", ha="center", va="bottom")
    ax.text(x, y - 0.02, f"gradient {grad:.3f}", ha="center", va="top", color="C3")
ax.set(xlim=(-0.4, 3.4), ylim=(-0.3, 1.4))
ax.axis("off")
show(figure, "Values go to the right, gradients (red) to the left. At p two gradients meet.")

# %% [markdown]
# ## What is on the tape
#
# Give every value a number, in the order in which it is made. Here `a` is 0, `b` is 1, `p` is 2, `t` is 3, `y` is 4.
# Every operation adds one **record** to the tape. A record has three parts:
#
# 1. the number of the value it made;
# 2. the numbers of the values it used;
# 3. a function `backward`: it takes the gradient of the made value, and returns one gradient for each used value.
#
# | made | used | backward |
# |---|---|---|
# | 2 | 0, 1 | `dy -> (dy * b, dy * a)` |
# | 3 | 2 | `dy -> (dy * (1 - t * t),)` |
# | 4 | 2, 3 | `dy -> (dy, dy)` |
#
# A value can only be used after it was made. So the records are in a good order by themselves: read from the last to
# the first, every value has got all its gradients before its own record is reached.
#
# ### Exercise 17.1: the backward of broadcasting
#
# NumPy stretches small arrays: in `x + bias` a bias of shape `(5,)` is used for all rows of a `(3, 5)`. Stretching is
# *copying*. All copies are the same number, and each copy has its share in the loss. So their gradients add up
# (lesson 2). On a tape, `x + bias` is one record, and its `backward` has to return a gradient in the bias's own shape.
# An example, with a bias $b$ of one number and two rows:
#
# $$ y_1 = x_1 + b, \quad y_2 = x_2 + b \qquad\Rightarrow\qquad db = dy_1 + dy_2 . $$
#
# NumPy lines up two shapes at the **right**. Then it does two things:
#
# - it puts new axes in *front*: `(5,)` becomes `(1, 5)`;
# - it stretches axes of length 1: `(1, 5)` becomes `(3, 5)`.
#
# **Goal:** undo both. `grad` has the stretched shape, `shape` is the shape before. Return the gradient in that shape:
# the sum over all copies. For example `(2, 3, 5)` to `(3, 1)`: sum over the first axis (it is new) and over the last
# one (it was 1). ●●○, 8 minutes.


# %% exercise="17.1"
def unbroadcast(grad, shape):
    """A gradient in a stretched shape -> the gradient in `shape`."""
    ### BEGIN SOLUTION
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return grad.sum(axis=stretched, keepdims=True)
    ### END SOLUTION


# %%
check.unbroadcast(unbroadcast)

# %% [markdown] hints="17.1"
# Two sums. The first removes the new axes in front: there are `grad.ndim - len(shape)` of them. After it, `grad` has as
# many axes as `shape`. The second sums over the axes where `shape` has a 1, and keeps them.
# ---
# `grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))`, then collect the axes with length 1 in a tuple, and
# `grad.sum(axis=those, keepdims=True)`. A sum over no axes, `axis=()`, changes nothing.

# %% [markdown]
# ### Exercise 17.2: walk backwards
#
# **Goal:** play the tape backwards. `values` is the list of all values, here all of one shape `(n,)`. `records` is the
# list of records `(output, inputs, backward)`: one number, a tuple of numbers, and the function. `dy` `(n,)` is the
# gradient of the **last** value. Return a list with the gradient of every value, in the order of `values`; zeros for a
# value that the last one does not depend on. ●●○, 10 minutes.


# %% exercise="17.2"
def walk_backwards(values, records, dy):
    """List of (n,), list of records, (n,) -> list of gradients, each (n,)."""
    ### BEGIN SOLUTION
    grads = [np.zeros_like(value) for value in values]
    grads[-1] = dy
    for output, inputs, backward in reversed(records):
        for number, grad in zip(inputs, backward(grads[output]), strict=True):
            grads[number] = grads[number] + grad
    return grads
    ### END SOLUTION


# %%
check.walk_backwards(walk_backwards)

# %% [markdown] hints="17.2"
# Start with zeros for every value, and `dy` for the last one. Take the records from the last to the first. Each turns
# the gradient of its output into gradients of its inputs; *add* each of them to what is already there.
# ---
# `for output, inputs, backward in reversed(records):` and inside it
# `for number, grad in zip(inputs, backward(grads[output])): grads[number] = grads[number] + grad`.

# %% [markdown]
# ### Exercise 17.3: the two gradients of a product of matrices
#
# For $Y = AB$ we have $y_{nm} = \sum_k a_{nk} b_{km}$. Which $y$ does $a_{nk}$ reach? All of row $n$, each with the
# factor $b_{km}$. And $b_{km}$ reaches all of column $m$, each with the factor $a_{nk}$:
#
# $$
# da_{nk} = \sum_m dy_{nm}\, b_{km}, \qquad db_{km} = \sum_n a_{nk}\, dy_{nm}
# \qquad\Rightarrow\qquad dA = dY\, B^\top, \quad dB = A^\top dY .
# $$
#
# With batch axes in front, `@` does this for every pair of matrices. Only the last two axes are transposed:
# `x.swapaxes(-1, -2)`. (`x.T` would turn around *all* axes.) If the whole batch shares one matrix $B$, it was
# stretched, and its gradients add up, as in 17.1.
#
# **Goal:** `a` is `(..., N, K)`. `b` is `(..., K, M)` with the same axes in front, or `(K, M)`, shared by all. `dy` is
# `(..., N, M)`. Return `da` and `db` in the shapes of `a` and `b`. ●●○, 7 minutes.


# %% exercise="17.3"
def matmul_backward(dy, a, b):
    """(..., N, M), (..., N, K), (..., K, M) or (K, M) -> da and db, in the shapes of a and b."""
    ### BEGIN SOLUTION
    da = dy @ b.swapaxes(-1, -2)
    db = a.swapaxes(-1, -2) @ dy
    return da, db.sum(axis=tuple(range(db.ndim - b.ndim)))
    ### END SOLUTION


# %%
check.matmul_backward(matmul_backward)

# %% [markdown] hints="17.3"
# First write it as if both had the same axes in front. The shapes leave only one choice: `(N, M)` times something from
# `(K, M)` must give `(N, K)`. Then look at `db`: are there axes in front that `b` does not have?
# ---
# `da = dy @ b.swapaxes(-1, -2)`, `db = a.swapaxes(-1, -2) @ dy`, and `db.sum(axis=tuple(range(db.ndim - b.ndim)))`.

# %% [markdown]
# ## The whole tape
#
# Here it is, complete, and it is built on your functions. Where one of yours is missing, or not right yet, the library's
# stands in, and the first lines below say so. A `Value` is an array that has a number on a tape. Python
# calls `__add__` for `x + y`, `__mul__` for `x * y`, `__matmul__` for `x @ y` and `__getitem__` for `x[key]` (here
# `key` must not take anything twice). So we can write formulas as usual, and every operation leaves its record. `apply`
# takes a function that works on each number by itself, together with its slope.


# %%
mine = {"17.1": unbroadcast, "17.2": walk_backwards, "17.3": matmul_backward}
mine, is_own = replace_failing(mine)
for number, function in mine.items():
    print(f"{number} {function.__name__}: {'yours' if is_own[number] else 'the library stands in'}")


def summed_to(grad, shape):
    return grad if grad.shape == shape else mine["17.1"](grad, shape)


class Tape:
    def __init__(self):
        self.values, self.records = [], []

    def value(self, array):
        self.values.append(array)
        return Value(self, len(self.values) - 1)

    def walk_backwards(self, output, dy):
        grads = {output.number: dy}
        for number, inputs, backward in reversed(self.records):
            if number in grads:  # pop: nobody asks for the gradient of what lies in between
                for used, grad in zip(inputs, backward(grads.pop(number)), strict=True):
                    grads[used] = grads[used] + grad if used in grads else grad
        return grads


class Value:
    def __init__(self, tape, number):
        self.tape, self.number, self.array = tape, number, tape.values[number]

    def record(self, array, backward, *others):
        made = self.tape.value(array)
        used = [value.number for value in (self, *others)]
        self.tape.records.append((made.number, used, backward))
        return made

    def __add__(self, other):
        total, a, b = self.array + other.array, self.array.shape, other.array.shape
        return self.record(total, lambda dy: (summed_to(dy, a), summed_to(dy, b)), other)

    def __mul__(self, other):
        a, b = self.array, other.array

        def backward(dy):
            return summed_to(dy * b, a.shape), summed_to(dy * a, b.shape)

        return self.record(a * b, backward, other)

    def __matmul__(self, other):
        a, b = self.array, other.array
        return self.record(a @ b, lambda dy: mine["17.3"](dy, a, b), other)

    def apply(self, function, slope):
        x, y = self.array, function(self.array)
        return self.record(y, lambda dy: (dy * slope(x, y),))

    def sum(self):
        old, total = self.array.shape, self.array.sum(-1, keepdims=True)
        return self.record(total, lambda dy: (np.broadcast_to(dy, old),))

    def reshape(self, *shape):
        old = self.array.shape
        return self.record(self.array.reshape(shape), lambda dy: (dy.reshape(old),))

    def transpose(self, *axes):
        return self.record(self.array.transpose(axes), lambda dy: (dy.transpose(np.argsort(axes)),))

    def __getitem__(self, key):
        old = self.array.shape

        def backward(dy):
            dx = np.zeros(old)
            dx[key] = dy
            return (dx,)

        return self.record(self.array[key], backward)


# %% [markdown]
# The calculation of the first picture, on the tape, walked back by your 17.2. (The tape's own walk does the same, but
# throws each gradient away as soon as it has been passed on: your list of all gradients would fill the memory.)

# %%
tape = Tape()
a, b = tape.value(np.array([0.5])), tape.value(np.array([2.0]))
product = a * b
y = product + product.apply(np.tanh, lambda x, y: 1 - y * y)
grads = mine["17.2"](tape.values, tape.records, np.array([1.0]))
values = y.array, grads[a.number], grads[b.number]
print("y = {:.3f}, da = {:.3f}, db = {:.3f}".format(*(value.item() for value in values)))
again = tape.walk_backwards(y, np.array([1.0]))
print("the tape's own walk agrees:", all(np.allclose(again[n], grads[n]) for n in again))
print(f"{len(tape.records)} records")

# %% [markdown]
# ## A Vision Transformer on the tape
#
# Now the forward of a whole model, in the same words. There is *no* backward in this cell: every line is a forward.
# Only the one new operation, the class token in front of the patches, brings its own gradient along. In the last block
# only the class token asks, because the head looks at nothing else. tinyvit does the same, so the two do equal work.
# (Softmax is written without the shift of lesson 4, which keeps `exp` from overflowing: here all scores are small.)


# %%
def scaled(x, factor):
    return x.apply(lambda x: x * factor, lambda x, y: factor)


def linear(x, p, name):
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def layer_norm(x, weight, bias, eps=1e-6):
    width = x.array.shape[-1]
    centred = x + scaled(x.sum(), -1 / width)
    variance = scaled((centred * centred).sum(), 1 / width)
    rstd = variance.apply(lambda v: 1 / np.sqrt(v + eps), lambda v, r: -0.5 * r**3)
    return centred * rstd * weight + bias


def softmax(x):
    e = x.apply(np.exp, lambda x, y: y)
    return e * e.sum().apply(lambda s: 1 / s, lambda s, y: -y * y)


def gelu(x):
    return x * x.apply(normal_cdf, lambda x, y: np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))


def attention(x, p, name, heads, asking):
    B, N, D = x.array.shape
    qkv = linear(x, p, f"{name}.qkv").reshape(B, N, 3, heads, D // heads).transpose(2, 0, 3, 1, 4)
    q, k, v = qkv[0][:, :, :asking], qkv[1], qkv[2]
    weights = softmax(scaled(q @ k.transpose(0, 1, 3, 2), (D // heads) ** -0.5))
    return linear((weights @ v).transpose(0, 2, 1, 3).reshape(B, asking, D), p, f"{name}.proj")


def in_front(cls, x):
    copies = np.broadcast_to(cls.array, (len(x.array), *cls.array.shape[1:]))
    joined = np.concatenate([copies, x.array], axis=1)
    return cls.record(joined, lambda dy: (summed_to(dy[:, :1], cls.array.shape), dy[:, 1:]), x)


def norm(x, p, name):
    return layer_norm(x, p[f"{name}.weight"], p[f"{name}.bias"])


def vit(images, p, config):
    (B, C, H, W), P = images.array.shape, config.patch_size
    x = images.reshape(B, C, H // P, P, W // P, P).transpose(0, 2, 4, 1, 3, 5)
    x = x.reshape(B, -1, C * P * P)
    x = in_front(p["cls_token"], linear(x, p, "patch_embed.proj")) + p["pos_embed"]
    for index in range(config.depth):
        block = f"blocks.{index}"
        asking = 1 if index == config.depth - 1 else config.num_tokens
        normed = norm(x, p, f"{block}.norm1")
        x = x[:, :asking] + attention(normed, p, f"{block}.attn", config.num_heads, asking)
        hidden = gelu(linear(norm(x, p, f"{block}.norm2"), p, f"{block}.mlp.fc1"))
        x = x + linear(hidden, p, f"{block}.mlp.fc2")
    return linear(norm(x, p, "norm")[:, 0], p, "head")


# %% [markdown]
# ## Is it right?
#
# The same weights, the same images, the same random upstream gradient, in float64. We compare the logits, the gradient
# of the images, and the gradient of every parameter with tinyvit's `model.backward`.

# %%
rng = np.random.default_rng(17)
model = tinyvit.VisionTransformer(tinyvit.preset("tiny"), rng=rng).astype(np.float64)


def by_hand(images, dlogits):
    logits, saved = model.forward(images)
    dimages, grads = model.backward(dlogits, saved)
    return logits, {"images": dimages, **grads}, saved


def by_tape(images, dlogits):
    tape = Tape()
    p = {name: tape.value(array) for name, array in model.parameters().items()}
    p["images"] = tape.value(images)
    logits = vit(p["images"], p, model.config)
    grads = tape.walk_backwards(logits, dlogits)
    return logits.array, {name: grads[value.number] for name, value in p.items()}, tape


images, dlogits = rng.standard_normal((64, 1, 28, 28)), rng.standard_normal((64, 10))
logits, grads, saved = by_hand(images, dlogits)
tape_logits, tape_grads, tape = by_tape(images, dlogits)

size = {name: np.abs(grad).max() for name, grad in grads.items()}
errors = {name: np.abs(tape_grads[name] - grads[name]).max() / size[name] for name in grads}
worst = max(errors, key=errors.get)
assert grads.keys() == tape_grads.keys()
assert errors[worst] < 1e-10
print(f"logits differ by {np.abs(logits - tape_logits).max():.0e}")
print(f"{len(errors)} gradients; the worst, {worst}, differs by {errors[worst]:.0e} of its size")

# %% [markdown]
# The same numbers, to the last digits. So sixty lines do what all our derivations did. Were they for nothing?
#
# ## An experiment: what the tape costs
#
# The numbers are equal. The cost is not. We count three things, for a batch of 64 images:
#
# - how many arrays are kept alive between forward and backward, and how large they are together;
# - how much memory is in use at the worst moment;
# - how long a forward and a backward take, with one thread, for 1 image and for 64.
#
# Guess first: the tape makes Python do a lot of bookkeeping. Will it hurt more in *time* or in *memory*?

# %%
my_guess = "time"  # where it hurts more, with 64 images: "time" or "memory"


# %%
def owner(array):
    """The array whose memory this one looks at: a reshape or a slice has none of its own."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def arrays_in(saved):
    if isinstance(saved, (tuple, list)):
        return [array for part in saved for array in arrays_in(part)]
    return [saved] if isinstance(saved, np.ndarray) else []


def kept(arrays, given):
    """Number of arrays, and bytes, besides those that were given: every piece of memory once."""
    pieces = {id(piece): piece.nbytes for piece in map(owner, arrays)}
    for array in given:
        pieces.pop(id(owner(array)), None)
    return len(pieces), sum(pieces.values())


def peak(function):
    tracemalloc.start()
    function(images, dlogits)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def fastest(functions, *arguments, times=7):
    """The shortest time of each, in ms; they take turns, so that a busy moment hits all of them."""
    best = [math.inf] * len(functions)
    with threadpool_limits(1):
        for _ in range(times):
            for index, function in enumerate(functions):
                start = time.perf_counter()
                function(*arguments)
                best[index] = min(best[index], (time.perf_counter() - start) * 1e3)
    return best


MIB = 2**20
given = [*model.parameters().values(), images]
count_hand, bytes_hand = kept(arrays_in(saved), given)
count_tape, bytes_tape = kept(tape.values, given)
peak_hand, peak_tape = peak(by_hand), peak(by_tape)
one_hand, one_tape = fastest((by_hand, by_tape), images[:1], dlogits[:1], times=20)
many_hand, many_tape = fastest((by_hand, by_tape), images, dlogits)

asked_for = [backward.__closure__ or () for *_, backward in tape.records]
wanted = [cell.cell_contents for cells in asked_for for cell in cells]
count_wanted, bytes_wanted = kept(arrays_in(wanted), given)

print(f"operations on the tape: {len(tape.records)}\n")
print("                        by hand       tape    ratio")
for what, hand, taped, unit in (
    ("arrays kept", count_hand, count_tape, "   "),
    ("memory kept", bytes_hand / MIB, bytes_tape / MIB, "MiB"),
    ("memory at the worst", peak_hand / MIB, peak_tape / MIB, "MiB"),
    ("time, 1 image", one_hand, one_tape, "ms "),
    ("time, 64 images", many_hand, many_tape, "ms "),
):
    print(f"{what:<20}{hand:>7.1f} {unit} {taped:>6.1f} {unit}   {taped / hand:.1f}")

tiny = np.zeros(1)
bookkeeping = Tape().value(tiny)
start = time.perf_counter()
for _ in range(len(tape.records)):
    bookkeeping.record(tiny, lambda dy: (dy,))
print(f"\nof the kept, some backward asks for {count_wanted} arrays, {bytes_wanted / MIB:.1f} MiB")
empty = (time.perf_counter() - start) * 1e3
print(f"writing {len(tape.records)} records that compute nothing: {empty:.2f} ms")
worse = "memory" if bytes_tape / bytes_hand > many_tape / many_hand else "time"
show_guess(my_guess, worse, "it hurts more in")

# %% [markdown]
# Memory is what hurts. The tape keeps about **two and a half times** as much, in more than three times as many arrays.
# These numbers depend only on the model and the batch. The times change from run to run and from machine to machine: we
# saw ratios from 1.4 to 2.0 for one image, and from 1.2 to 1.7 for 64.
#
# Our tape is careless: it keeps *every* value, even those that no `backward` asks for, such as `x @ weight` before the
# bias is added. A careful tape would keep only what is asked for. The line below the table says how much that is: much
# less than all, and still more than by hand.
#
# And the surprise: the bookkeeping costs *little*. Writing all the records took less than a millisecond when this was
# written. (Your time stands below the table; on a busy machine it may be more.) For one image that was a tenth to a sixth
# of the time; for 64 images it is nothing beside the rest. The time goes where it goes by hand: into the arrays.
#
# Where do the arrays come from? Let us look at three operations alone. We count what each must keep besides its input
# and its output, in units of the size of its input.


# %%
def tape_of(function, *arrays):
    tape = Tape()
    output = function(*(tape.value(array) for array in arrays))
    return kept(tape.values, [*arrays, output.array])[1]


def hand_of(function, *arrays):
    output, saved = function(*arrays)
    return kept(arrays_in(saved), [*arrays, output])[1]


x = rng.standard_normal((64, 17, 64))
weight, bias = rng.standard_normal((2, 64))
scores = rng.standard_normal((64, 4, 17, 17))
operations = {
    "layer norm": (layer_norm, tinyvit.ops.layer_norm_forward, (x, weight, bias)),
    "softmax": (softmax, tinyvit.ops.softmax_forward, (scores,)),
    "GELU": (gelu, tinyvit.ops.gelu_forward, (x,)),
}
bars = {}
for name, (on_tape, hand, inputs) in operations.items():
    kept_bytes = np.array([hand_of(hand, *inputs), tape_of(on_tape, *inputs)])
    by = bars[name] = kept_bytes / inputs[0].nbytes
    print(f"{name:<11} keeps {by[0]:.2f} times its input by hand, {by[1]:.2f} times on the tape")

# %% drawing=true
figure, ax = plt.subplots(figsize=(7, 2.6))
place = np.arange(len(bars))
for index, label in enumerate(("by hand", "on the tape")):
    ax.bar(place + 0.4 * index - 0.2, [bar[index] for bar in bars.values()], 0.4, label=label)
ax.set(xticks=place, xticklabels=list(bars), ylabel="arrays as large as the input")
ax.legend()
show(figure, "What an operation keeps besides input and output. By hand, softmax keeps nothing.")

# %% [markdown]
# The tape sees layer norm as ten small steps, and keeps what comes out of each. We derived the whole backward in lesson
# 5, and found that `x_hat` and one number per token are enough. Softmax needs only its output, and that is kept anyway.
# For GELU the derivation saves nothing: one gate by hand, one gate on the tape.
#
# This is what a derivation gives you, besides understanding: **you know what you may forget**.

# %% [markdown]
# ## Hard, and optional: compute again what was not kept
#
# The tape's price is memory, and a large model pays it with a trick. **Gradient checkpointing** (Chen et al. 2016,
# arXiv:1604.06174) throws away what the forward saved, and keeps the input of every $k$-th layer only. On the way back each
# segment of $k$ layers is computed **again** from its input, and what it saves is held until the segment has been walked. That
# costs one more forward, and the memory falls from $L$ layers to about $L / k$ inputs and $k$ layers: with $k = \sqrt L$, to $2 \sqrt L$.
#
# ### Exercise 17.4: gradient checkpointing
#
# **Goal:** `layers` is a tuple of pairs of functions: `forward(x)` returns `y, saved`, and `backward(dy, saved)` returns `dx`. `x` is the
# input of the first, `dy` the gradient of what the last gives, `every` is $k$. Return the gradient of `x`, and the largest
# number of `saved` that was held at once (a list of them is enough; those that the first forward gives are not held). ●●●, 15
# minutes.


# %% exercise="17.4"
def checkpointed(layers, x, dy, every):
    """A tuple of pairs of functions, an array, an array, a whole number -> dx, a whole number."""
    ### BEGIN SOLUTION
    inputs = []
    for number, (forward, _) in enumerate(layers):
        if number % every == 0:
            inputs.append(x)
        x, _ = forward(x)
    most = 0
    for first in reversed(range(0, len(layers), every)):
        segment, x, held = layers[first : first + every], inputs.pop(), []
        for forward, _ in segment:
            x, saved = forward(x)
            held.append(saved)
        most = max(most, len(held))
        for _, backward in reversed(segment):
            dy = backward(dy, held.pop())
    return dy, most
    ### END SOLUTION


# %%
check.checkpointed(checkpointed)

# %% [markdown] hints="17.4"
# Three loops. The first goes forward and keeps `x` before layers 0, `every`, 2 `every`, ... The second goes over the segments
# from the last to the first. In it, a forward that holds each `saved`, and a backward that uses them from the last.
# ---
# A segment is `layers[first : first + every]`, with `first` in `reversed(range(0, len(layers), every))`; its input is
# `inputs.pop()`. `held.append(saved)` on the way up, `dy = backward(dy, held.pop())` on the way down.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the walk that you are handed. On a chain it is right. And where a value is used twice?

# %%
broken = bug_hunt(17)


def times(factor):
    return lambda dy: (factor * dy,)


one = np.ones(1)
chain = [(1, (0,), times(2.0)), (2, (1,), times(3.0))]
fork = [(1, (0,), times(2.0)), (2, (0,), times(3.0)), (3, (1, 2), lambda dy: (dy, dy))]
for name, values, records in (("chain", [one] * 3, chain), ("fork", [one] * 4, fork)):
    for which, walk in (("right", mine["17.2"]), ("broken", broken)):
        print(f"{name}, {which:<6}", *(f"{grad.item():.0f}" for grad in walk(values, records, one)))

# %%
my_suspect = 6  # the number of the wrong line
check.suspect(17, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. Why does the walk go from the last record to the first, and not in some other order?**
#
# <details><summary>Answer</summary>
#
# A record passes on the gradient of its output. Before it does, that gradient must be complete. All records that used
# this output were written later. So, read backwards, they come earlier.
#
# </details>
#
# **2. What must you do on the tape, and what by hand, if you change the forward: another activation, one more norm?**
#
# <details><summary>Answer</summary>
#
# On the tape: nothing more. The new forward leaves new records, and the walk plays them. By hand you have to change the
# backward too, and to check it again. That is why nearly everybody uses autograd while they try things out.
#
# </details>
#
# **3. Finite differences find gradients without any derivation, too. Why not use them to train?**
#
# <details><summary>Answer</summary>
#
# They need at least one more forward for *every* weight: more than 139,000 forwards for one step of this small model.
# The tape needs one forward and one walk for all weights together. Besides, finite differences are not exact.
#
# </details>
#
# ## What you can now do
#
# - Say how a tape works, what stands in one of its records, and walk it backwards.
# - Write the backward of broadcasting, and of a product of matrices with batch axes.
# - Say what autograd does for you, and what it costs.
#
# Open [`tinyvit/vit.py`](../tinyvit/vit.py): `forward` and `backward` stand one below the other. Read `backward` as a
# walk over a tape that somebody wrote down by hand. Go on with [lesson 18](18_your_own_vit.ipynb): your own functions
# become a model.
